"""The command that redoes the table of maxima: its answer, its pieces, its errors."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from experiments import character_sums
from geometry import character_sums as sums


def run(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, str, str]:
    code = character_sums.main(words)
    said = capsys.readouterr()
    return code, said.out, said.err


def brute(prime: int, degree: int) -> float:
    """The largest |S_f| over all f of that degree without x^(D-1), by one FFT a polynomial."""
    points = np.arange(prime)
    powers = [np.array([pow(int(x), k, prime) for x in points]) for k in range(degree + 1)]
    largest = 0.0
    for leading in range(1, prime):
        for label in range(prime ** (degree - 3)):
            turns = leading * powers[degree]
            for place in range(2, degree - 1):
                turns = turns + label // prime ** (place - 2) % prime * powers[place]
            largest = max(largest, np.abs(np.fft.fft(np.exp(2j * np.pi * turns / prime))).max())
    return largest


@pytest.mark.parametrize(("prime", "degree"), [(13, 4), (11, 5), (31, 3)])
def test_it_finds_what_brute_force_finds(
    prime: int, degree: int, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ("--prime", str(prime), "--degree", str(degree), "--json", "--out", str(tmp_path))
    code, out, err = run(capsys, *words)
    assert (code, err) == (0, "")
    found = json.loads(out)
    # Each of p terms is right to a few units of 2^-53.
    assert abs(found["ratio"] - brute(prime, degree) / prime**0.5) <= 1e-12
    assert not any((tmp_path / "character_sums").iterdir())


def test_the_table_is_compared(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    code, out, _ = run(capsys, "--prime", "101", "--degree", "4", "--out", str(tmp_path))
    assert code == 0
    known = sums.recorded_maximum(101, 4)
    assert known is not None
    assert f"the table says {float(known.ratio):.9f}" in out


def test_a_wrong_table_is_noticed(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wrong = sums.recorded_maximum(97, 4)
    monkeypatch.setattr(sums, "recorded_maximum", lambda *_, **__: wrong)
    code, _, _ = run(capsys, "--prime", "101", "--degree", "4", "--out", str(tmp_path))
    assert code == 1


def test_a_stopped_search_goes_on(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(character_sums, "_PIECE", 100)
    words = ("--prime", "31", "--degree", "5", "--json", "--workers", "1", "--out", str(tmp_path))
    _, whole, _ = run(capsys, *words)
    honest: Callable[..., sums.Maximum] = sums.largest_over
    asked: list[tuple[int, ...]] = []
    stop_at = 4

    def counted(*where: int, odd: bool = False) -> sums.Maximum:
        asked.append(where)
        if len(asked) == stop_at:
            raise KeyboardInterrupt
        return honest(*where, odd=odd)

    monkeypatch.setattr(sums, "largest_over", counted)
    assert run(capsys, *words)[0] == 130
    asked.clear()
    stop_at = 0
    code, out, _ = run(capsys, *words)
    assert code == 0
    pieces = len(sums.classes(31, 5)) * -(-sums.free_polynomials(31, 5) // 100)
    assert len(asked) <= pieces - 3
    assert json.loads(out)["ratio"] == json.loads(whole)["ratio"]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--prime", "100"), "--prime must be a prime above --degree; got 100 and 5."),
        (("--prime", "5"), "--prime must be a prime above --degree; got 5 and 5."),
        (("--prime", "x"), "--prime must be an integer"),
        (("--degree", "2"), "--degree must be an integer"),
    ],
)
def test_bad_input(
    words: tuple[str, ...], message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, out, err = run(capsys, *words, "--out", str(tmp_path / "new"))
    assert (code, out) == (2, "")
    assert err.startswith(f"error: {message}")
    assert err.count("\n") == 1
    assert not (tmp_path / "new").exists()
