"""Tokens by row, from each kind of file; what is refused; how a token is shown."""

from __future__ import annotations

import json
import os
import pickle
from pathlib import Path
from typing import Any

import pytest

from experiments import vocabulary
from experiments.harness.errors import InputError
from experiments.vocabulary import read, shown


def written(folder: Path, content: Any, name: str = "v.json") -> Path:
    path = folder / name
    if not isinstance(content, bytes):
        text = content if isinstance(content, str) else json.dumps(content)
        content = text.encode("utf-8")
    path.write_bytes(content)
    return path


@pytest.mark.parametrize(
    ("content", "tokens"),
    [
        ("a\nb\n", ["a", "b"]),
        ("a\nb", ["a", "b"]),
        ("\ufeffa\r\n\r\nb\r\n", ["a", "", "b"]),
        # Of these, only the line feed ends a line.
        ("a\u2028\n\x85\n \n\r\n{\n", ["a\u2028", "\x85", " ", "\r", "{"]),
        ("{\n}\n", {}),
    ],
)
def test_texts(tmp_path: Path, content: str, tokens: list[str] | dict[str, int]) -> None:
    path = written(tmp_path, content, "v.txt")
    if tokens == {}:
        with pytest.raises(InputError, match="it holds no tokens"):
            read(path)
    else:
        assert read(path) == tokens


ADDED = [{"id": 3, "content": "<s>"}, {"id": 0, "content": "<unk>", "special": True}]


@pytest.mark.parametrize(
    ("content", "tokens"),
    [
        ({"b": 1, "▁the": 0, "model": 2}, ["▁the", "b", "model"]),
        ({"a": 0, "b": 2}, ["a", "<id 1>", "b"]),
        ({"model": {"vocab": {"a": 0, "b": 1}}}, ["a", "b"]),
        (
            {"model": {"type": "BPE", "vocab": {"a": 0, "b": 1}}, "added_tokens": ADDED},
            ["<unk>", "b", "<id 2>", "<s>"],
        ),
        (
            {"model": {"vocab": [["a", -1.5], ["b", -2.0]]}, "added_tokens": ADDED},
            ["<unk>", "b", "<id 2>", "<s>"],
        ),
    ],
)
def test_json(tmp_path: Path, content: Any, tokens: list[str]) -> None:
    assert read(written(tmp_path, content)) == tokens
    assert read(written(tmp_path, content, "v.txt")) == tokens


@pytest.mark.parametrize(
    ("content", "came"),
    [
        (b"", "it is empty"),
        ("[1, 2]", "it is no JSON object"),
        ("{", "it is no JSON: "),
        ('{"a":' * 100_000, "its JSON is nested too deeply"),
        ('{"a": 1' + "0" * 5000 + "}", "it is no JSON: "),
        ({"model": {}}, "its model.vocab is neither an object nor a list"),
        ({"model": {"vocab": [["a"]]}}, "its model.vocab is no list of [token, score]"),
        ({"model": {"vocab": {"a": 0}}, "added_tokens": {"b": 1}}, "its added_tokens are no list"),
        ({"a": 0, "b": -1}, "from 0 to 16,777,215, and it gives 'b' the id '-1'"),
        ({"a": True}, "it gives 'a' the id 'True'"),
        ({"a": 1 << 24}, "it gives 'a' the id '16777216'"),
        ({"a": [1]}, "it gives 'a' the id (list)"),
        ({"model": {"vocab": [[3, 0]]}}, "it gives '3' the id '0'"),
        (
            {"model": {"vocab": {"a": 0}}, "added_tokens": [{}]},
            "it gives (NoneType) the id (NoneType)",
        ),
        (pickle.dumps(["a"]), "it is no text in UTF-8"),
        (b"a\0b", "it is no text"),
    ],
)
def test_refused(tmp_path: Path, content: Any, came: str) -> None:
    with pytest.raises(InputError) as caught:
        read(written(tmp_path, content))
    said = str(caught.value)
    assert said.startswith("--vocabulary must be a text with a token on each line, a vocab.json or")
    assert came in said
    assert "v.json" in said
    assert "\n" not in said


def test_files_that_cannot_be_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    os.mkfifo(tmp_path / "pipe")
    for path, came in (
        (tmp_path / "absent", "it cannot be read: No such file or directory"),
        (tmp_path, "it cannot be read: Is a directory"),
        (tmp_path / "pipe", "it is no ordinary file"),
    ):
        with pytest.raises(InputError, match=f"^--vocabulary must be .*: {came}"):
            read(path)
    monkeypatch.setattr(vocabulary, "LARGEST_FILE", 3)
    assert read(written(tmp_path, "a\nb", "v.txt")) == ["a", "b"]
    with pytest.raises(InputError, match="it has more than 3 bytes"):
        read(written(tmp_path, "a\nb\n", "v.txt"))


@pytest.mark.parametrize(
    ("token", "expected"),
    [
        ("▁the", "▁the"),
        (" the", "▁the"),
        ("", "<empty>"),
        ("\t\n", r"\t\n"),
        ("\x1b[31m", r"\x1b[31m"),
        # It would turn round what follows; the second is no character at all.
        ("\u202eabc", r"\u202eabc"),
        ("\ud800", r"\ud800"),
        ("\u0301a", "◌\u0301a"),
        ("a" * 24, "a" * 24),
        ("a" * 12 + "b" * 50 + "c" * 11, "a" * 12 + "…" + "c" * 11),
        ("\u202e" * 10, r"\u202e\u202e…\u202e"),
    ],
)
def test_shown(token: str, expected: str) -> None:
    assert shown(token) == expected
    assert len(expected) <= 24
    assert expected.isprintable()
