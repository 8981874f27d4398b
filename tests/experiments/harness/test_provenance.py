import shlex
import subprocess
from pathlib import Path

import jax
import jax.numpy as jnp
import pytest

from experiments.harness import provenance
from experiments.harness.experiment import Json


def git(folder: Path, *words: str) -> str:
    identity = ["-c", "user.name=n", "-c", "user.email=e@example.org"]
    command = ["git", *identity, *words]
    return subprocess.run(command, cwd=folder, check=True, capture_output=True, text=True).stdout


def test_command_can_be_pasted() -> None:
    argv = ["--dim", "3", "--mode", "a b'c", "--eps", "1/sqrt(5)", ""]
    line = provenance.command("toy", argv)
    assert shlex.split(line) == ["python", "-m", "experiments.toy", *argv]


def test_commit_and_whether_it_is_dirty(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path))
    folder = tmp_path / "repository"
    folder.mkdir()
    assert provenance.commit_of(folder) == (None, None)
    git(folder, "init", "-q")
    (folder / "a.py").write_text("a", encoding="utf-8")
    assert provenance.commit_of(folder) == (None, None)
    git(folder, "add", "a.py")
    git(folder, "commit", "-q", "-m", "m")
    commit = git(folder, "rev-parse", "HEAD").strip()
    assert provenance.commit_of(folder) == (commit, False)
    # A folder that the repository around it does not track has no commit.
    (folder / "inner").mkdir()
    (folder / "inner" / "b.py").write_text("b", encoding="utf-8")
    assert provenance.commit_of(folder / "inner") == (None, None)
    assert provenance.commit_of(folder) == (commit, True)
    assert provenance.commit_of(folder, ("a.py",)) == (commit, False)
    monkeypatch.setenv("PATH", "")
    assert provenance.commit_of(folder) == (None, None)


def test_source_hash_follows_names_and_bytes(tmp_path: Path) -> None:
    folder = tmp_path / "package"
    (folder / "__pycache__").mkdir(parents=True)
    (folder / "a.py").write_text("a", encoding="utf-8")
    first = provenance.source_hash([folder])
    (folder / "__pycache__" / "a.pyc").write_text("x", encoding="utf-8")
    (folder / ".hidden").write_text("x", encoding="utf-8")
    assert provenance.source_hash([folder, None]) == first
    (folder / "a.py").write_text("b", encoding="utf-8")
    second = provenance.source_hash([folder])
    (folder / "a.py").rename(folder / "b.py")
    third = provenance.source_hash([folder])
    (folder / "table.csv").write_text("1", encoding="utf-8")
    assert len({first, second, third, provenance.source_hash([folder])}) == 4


def test_fingerprint_follows_each_part(monkeypatch: pytest.MonkeyPatch) -> None:
    first = provenance.fingerprint("toy", {"a": 1, "b": 2})
    assert provenance.fingerprint("toy", {"b": 2, "a": 1}) == first
    changed = {
        provenance.fingerprint("toy", {"a": 1, "b": 3}),
        provenance.fingerprint("other", {"a": 1, "b": 2}),
    }
    monkeypatch.setattr(provenance, "versions", lambda: {"jax": "0"})
    changed.add(provenance.fingerprint("toy", {"a": 1, "b": 2}))
    monkeypatch.setattr(provenance, "source_hash", lambda folders: "0")
    changed.add(provenance.fingerprint("toy", {"a": 1, "b": 2}))
    assert len(changed | {first}) == 5


def test_compilation_is_timed_once() -> None:
    kernel = jax.jit(lambda x: jnp.sin(x) * 3.25)
    with provenance.compile_seconds() as spent:
        kernel(1.5)
    assert 0 < sum(spent) < 60
    with provenance.compile_seconds() as again:
        kernel(2.5)
    assert sum(again) == 0
    before = list(spent)
    jax.jit(lambda x: jnp.cos(x) * 4.25)(1.5)
    assert spent == before


def conditions() -> dict[str, Json]:
    return provenance.provenance(
        "toy",
        ["--dim", "3"],
        config={"dim": [3], "seed": 5, "seeds": 2},
        preset="tiny",
        seconds=3.0,
        compiling=1.0,
        phases={"adding": 0.5},
    )


def test_threads_of_a_machine_whose_processor_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    assert str(conditions()["machine"]).endswith(" CPUs, 4 threads")
    monkeypatch.setenv("NPROC", "1")
    monkeypatch.setattr(jax, "default_backend", lambda: "gpu")
    assert str(conditions()["machine"]).endswith(" CPUs, 1 thread")


def test_conditions_of_a_run() -> None:
    with jax.default_matmul_precision("highest"):
        found = conditions()
    assert found["command"] == "python -m experiments.toy --dim 3"
    assert (found["seed"], found["seeds"], found["preset"]) == (5, 2, "tiny")
    assert (found["compile_seconds"], found["run_seconds"]) == (1.0, 2.0)
    assert found["random_numbers"] == "threefry2x32"
    # The record itself says when.
    assert "created" not in found
    assert found["default_matmul_precision"] == "highest"
    assert found["float64"] is False
    assert found["device"] == {"platform": "cpu", "kind": "cpu", "count": 4}
    assert isinstance(found["versions"], dict)
    assert found["versions"]["jax"] == jax.__version__
