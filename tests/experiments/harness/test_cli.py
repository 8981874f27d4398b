import subprocess
import sys
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated

import pytest
import toy

from experiments.harness import cli
from experiments.harness.errors import InputError
from experiments.harness.run import main

HEAVY = ("jax", "jaxlib", "flax", "optax", "scipy", "plotly", "rich")
DIM = "error: --dim must be an integer, at least 2"
WIDTH = "error: --width must be an integer from 1 to 9"
ANGLE = "error: --angle must be a number in (0, 90]"
SEED = "error: --seed must be an integer from 0 to 4294967295"
SEEDS = "error: --seeds must be an integer from 1 to 100000"
KNOWN = "error: arguments must be among those that python -m experiments.toy --help lists"
MODE = "error: --mode must be a text"
LONG = "9" * 10_000

BAD = [
    *((["--dim", word], f"{DIM}; got {word!r}.") for word in ("2.5", "", "-3", "0", "1", "x")),
    *((["--dim", word], f"{DIM}; got {word!r}.") for word in ("1e3", "1_000", " 5", "٣", "nan")),
    (["--dim", "5", "1", "x"], f"{DIM}; got '1'."),
    (["--dim"], f"{DIM}, or several; got nothing."),
    (["--dim", "--json"], f"{DIM}, or several; got nothing."),
    (["--dim=--json"], f"{DIM}; got '--json'."),
    (["--dim", "2\n3"], f"{DIM}; got '2\\n3'."),
    (["--dim", "\udcff"], f"{DIM}; got '\\udcff'."),
    (["--dim", LONG], f"{DIM}; got '{'9' * 30}...' (10000 characters)."),
    (["--dim", "z" * 10_000], f"{DIM}; got '{'z' * 30}...' (10000 characters)."),
    (["--dim", str(2**63)], f"{DIM}; got '9223372036854775808'."),
    (["--width", "10"], f"{WIDTH}; got '10'."),
    (["--width", "-1"], f"{WIDTH}; got '-1'."),
    (["--width", ""], f"{WIDTH}; got ''."),
    *((["--angle", word], f"{ANGLE}; got {word!r}.") for word in ("0", "91", "-1", "nan", "")),
    *((["--angle", word], f"{ANGLE}; got {word!r}.") for word in ("inf", "-inf", "1e999", "x")),
    *((["--angle", word], f"{ANGLE}; got {word!r}.") for word in ("1/2", "1_0", "90.0000001")),
    (["--seed", "x"], f"{SEED}; got 'x'."),
    (["--seed", "-1"], f"{SEED}; got '-1'."),
    (["--seed", "4294967296"], f"{SEED}; got '4294967296'."),
    (["--seeds", "0"], f"{SEEDS}; got '0'."),
    (["--seeds", "100001"], f"{SEEDS}; got '100001'."),
    (["--width"], f"{WIDTH}; got nothing."),
    (["--angle", "--json"], f"{ANGLE}; got nothing."),
    (["--dim", "3", "--mode"], f"{MODE}; got nothing."),
    (["--out"], "error: --out must be a path; got nothing."),
    (["--preset"], "error: --preset must be one of tiny, quick, paper, full; got nothing."),
    (["--mode", " "], f"{MODE}; got ' '."),
    (
        ["--preset", "huge"],
        "error: --preset must be one of tiny, quick, paper, full; got 'huge'.",
    ),
    (["--preset", ""], "error: --preset must be one of tiny, quick, paper, full; got ''."),
    (["--out", ""], "error: --out must be a path; got ''."),
    (["--out", "\udcff\udcfe"], "error: --out must be a path; got '\\udcff\\udcfe'."),
    (["--mode", "\udcff"], f"{MODE}; got '\\udcff'."),
    *(([word, "3"], f"{KNOWN}; got {word!r}.") for word in ("--foo", "--dimm", "-x", "--dimm=3")),
    (["3", "--json"], f"{KNOWN}; got '3'."),
    (["--angle", "-1,2"], f"{ANGLE}; got '-1,2'."),
    (["--width", "3", "4"], f"{KNOWN}; got '4'."),
    (["--width", "--mode", "a"], f"{WIDTH}; got nothing."),
    (["--wi_dth", "3"], f"{KNOWN}; got '--wi_dth'."),
    (
        ["--angle", ".5", "--width", "2"],
        "error: --width must not be given with --angle below 1; got both.",
    ),
]


@pytest.fixture(autouse=True)
def calls(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Runs in an empty folder, and returns a file that tells whether anything was measured."""
    inside = tmp_path / "here"
    inside.mkdir()
    monkeypatch.chdir(inside)
    monkeypatch.setenv(toy.CALLS, str(tmp_path / "calls"))
    return tmp_path / "calls"


@pytest.mark.parametrize(("argv", "line"), BAD, ids=lambda value: str(value)[:40])
def test_bad_values_get_one_line(
    argv: list[str], line: str, calls: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(toy.EXPERIMENT, argv) == 2
    assert capsys.readouterr() == ("", f"{line}\n")
    assert not calls.exists()
    assert list(Path().iterdir()) == []


@pytest.mark.parametrize("argv", [["--dim", "2.5"], ["--dim", ""], ["--preset", "huge"]])
def test_bad_values_in_a_process(argv: list[str]) -> None:
    done = subprocess.run(
        [sys.executable, toy.__file__, *argv], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == {tuple(key): line for key, line in BAD}[tuple(argv)] + "\n"
    assert list(Path().iterdir()) == []


@pytest.mark.parametrize(
    "place", ["file", "file/below", "/proc/nothing", "x" * 300, "new/" + "x" * 300, "a\0b"]
)
def test_out_that_cannot_be_written(
    place: str, calls: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("file").write_text("kept", encoding="utf-8")
    assert main(toy.EXPERIMENT, ["--out", place]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("error: --out must be a folder that can be written; got ")
    assert len(err.splitlines()) == 1
    assert len(err) < 300
    assert not calls.exists()
    assert [path.name for path in Path().iterdir()] == ["file"]
    assert Path("file").read_text(encoding="utf-8") == "kept"


def test_good_values() -> None:
    words = "--dim 5 +7 007 --width 9 --angle 9e1 --seed 4294967295 --seeds 3 --mode=-x --json"
    config, options = cli.parse(toy.EXPERIMENT, words.split())
    assert config == toy.Config(
        dim=(5, 7, 7), width=9, angle=90.0, mode="-x", seed=2**32 - 1, seeds=3
    )
    assert options == cli.Options(json=True)


@pytest.mark.parametrize(
    ("words", "preset", "expected"),
    [
        ("", "quick", toy.Config()),
        ("--preset quick", "quick", toy.Config()),
        ("--preset tiny", "tiny", toy.Config(dim=(2,))),
        ("--preset=paper", "paper", toy.Config(dim=(5, 6), angle=45.0)),
        ("--preset paper --dim 9", "paper", toy.Config(dim=(9,), angle=45.0)),
        ("--dim 9 --preset paper", "paper", toy.Config(dim=(9,), angle=45.0)),
        ("--preset tiny --preset full", "full", toy.Config(dim=(7,))),
    ],
)
def test_presets_are_defaults(words: str, preset: str, expected: toy.Config) -> None:
    config, options = cli.parse(toy.EXPERIMENT, words.split())
    assert (config, options.preset) == (expected, preset)


@dataclass(frozen=True)
class Numbers:
    inside: Annotated[float, cli.real("--inside", 0, 1, open_low=True, open_high=True)] = 0.5
    up: Annotated[float, cli.real("--up", 0)] = 0.0
    down: Annotated[int, cli.integer("--down", at_most=3)] = 0
    any: Annotated[int, cli.integer("--any")] = 0
    free: Annotated[float, cli.real("--free")] = 0.0


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        (["--inside", "1"], "--inside must be a number in (0, 1); got '1'."),
        (["--inside", "0"], "--inside must be a number in (0, 1); got '0'."),
        (["--up", "-1"], "--up must be a number in [0, inf); got '-1'."),
        (["--down", "4"], "--down must be an integer, at most 3; got '4'."),
        (["--any", "x"], "--any must be an integer; got 'x'."),
        (["--free", "nan"], "--free must be a finite number; got 'nan'."),
    ],
)
def test_needs_are_said_in_words(argv: list[str], message: str) -> None:
    with pytest.raises(InputError) as caught:
        cli.parse_command(Numbers, prog="p", description="d", argv=argv)
    assert str(caught.value) == message


def test_limits_belong_to_closed_ends() -> None:
    argv = ["--up", "0", "--down", "3", "--any", str(-(2**63)), "--free", "-.5e1"]
    found = cli.parse_command(Numbers, prog="p", description="d", argv=argv)
    assert found == Numbers(up=0.0, down=3, any=-(2**63), free=-5.0)


def test_help_is_light_and_complete() -> None:
    script = (
        "import sys, toy; from experiments.harness.run import main;"
        "code = main(toy.EXPERIMENT, ['--help']);"
        f"print(code, [name for name in {HEAVY} if name in sys.modules], file=sys.stderr)"
    )
    done = subprocess.run(
        [sys.executable, "-c", script],
        capture_output=True,
        text=True,
        check=False,
        cwd=Path(toy.__file__).parent,
    )
    assert done.stderr == "0 []\n"
    for part in (
        "usage: python -m experiments.toy",
        toy.EXPERIMENT.question,
        *toy.EXPERIMENT.examples,
        "Takes 1 s on one core.",
        "paper  --dim 5 6 --angle 45",
        "--preset {tiny,quick,paper,full}",
        "Degrees. (default: 60.0)",
        *(f"--{name} " for name in ("dim", "width", "seed", "seeds", "out", "json", "quiet")),
        *(f"--{name} " for name in ("force", "cite", "save")),
    ):
        assert part in done.stdout
    assert "--config" not in done.stdout
    assert "--experiment" not in done.stdout


def test_help_shows_the_defaults_of_the_preset(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(toy.EXPERIMENT, ["--preset", "paper", "--help"]) == 0
    assert "(default: 45.0)" in capsys.readouterr().out


def test_an_experiment_holds_its_contract() -> None:
    presets = toy.EXPERIMENT.presets
    with pytest.raises(ValueError, match=r"^`primer` must be a paragraph; got nothing\.$"):
        replace(toy.EXPERIMENT, primer=" ")
    with pytest.raises(ValueError, match=r"^`question` must end in a question mark; got 'Sum'\.$"):
        replace(toy.EXPERIMENT, question="Sum")
    with pytest.raises(ValueError, match=r"^`presets` must define tiny, quick, paper, full; got t"):
        replace(toy.EXPERIMENT, presets={"tiny": {}})
    with pytest.raises(ValueError, match=r"^`presets` sets an unknown field in tiny: 'depth'\.$"):
        replace(toy.EXPERIMENT, presets={**presets, "tiny": {"depth": 1}})
