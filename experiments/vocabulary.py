"""The tokens of a vocabulary, by the rows of an embedding, and how they are shown.

A file is a text with a token on each line, a `vocab.json` (token to id), or the `tokenizer.json`
of the Hugging Face tokenizers library.
"""

from __future__ import annotations

import json
import stat
import unicodedata
from collections.abc import Iterable
from itertools import accumulate
from pathlib import Path
from typing import Any

from experiments.harness.errors import InputError, shortened

__all__ = ["LARGEST_FILE", "LARGEST_ID", "read", "shown"]

LARGEST_FILE = 1 << 28
LARGEST_ID = (1 << 24) - 1
_NEED = "a text with a token on each line, a vocab.json or a tokenizer.json"
_CIRCLE = "\N{DOTTED CIRCLE}"


def read(path: str | Path) -> list[str]:
    """Return the tokens, that of row 0 first; a row without one has "<id 17>".

    Raises InputError.
    """
    text = _text(path)
    if text.lstrip()[:1] == "{":
        try:
            content = json.loads(text)
        except RecursionError:
            raise _bad(path, "its JSON is nested too deeply") from None
        except ValueError as error:
            # A text may begin with a token such as "{".
            if Path(path).suffix == ".json":
                raise _bad(path, f"it is no JSON: {error}") from None
        else:
            return _by_row(path, _pairs(path, content))
    elif Path(path).suffix == ".json":
        raise _bad(path, "it is no JSON object")
    return _lines(text)


def shown(token: str, limit: int = 24) -> str:
    """Return a token as one short word that is safe in a terminal, and in HTML once escaped.

    A space is "▁", as in the vocabularies of SentencePiece. Control characters and whatever else
    has no look of its own are escaped as Python does. A mark that would combine with what stands
    before it gets a dotted circle. Beyond `limit` characters the middle is left out.
    """
    if not token:
        return "<empty>"
    pieces = [_visible(character) for character in token]
    if unicodedata.category(token[0]).startswith("M"):
        pieces[0] = _CIRCLE + pieces[0]
    if sum(map(len, pieces)) <= limit:
        return "".join(pieces)
    tail = _first(pieces[::-1], (limit - 1) // 2)
    return "".join([*_first(pieces, limit // 2), "…", *reversed(tail)])


def _visible(character: str) -> str:
    if character == " ":
        return "▁"
    if character.isprintable():
        return character
    return character.encode("unicode_escape").decode("ascii")


def _first(pieces: list[str], room: int) -> list[str]:
    """The first pieces that have room."""
    lengths = accumulate(map(len, pieces))
    return [piece for piece, length in zip(pieces, lengths, strict=True) if length <= room]


def _text(path: str | Path) -> str:
    try:
        # A pipe would be waited for.
        mode = Path(path).stat().st_mode
        if not (stat.S_ISREG(mode) or stat.S_ISDIR(mode)):
            raise _bad(path, "it is no ordinary file")
        with open(path, "rb") as stream:
            content = stream.read(LARGEST_FILE + 1)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise _bad(path, f"it cannot be read: {reason}") from None
    if len(content) > LARGEST_FILE:
        raise _bad(path, f"it has more than {LARGEST_FILE:,} bytes")
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise _bad(path, "it is no text in UTF-8") from None
    if not text or "\0" in text:
        raise _bad(path, "it is no text" if text else "it is empty")
    return text


def _lines(text: str) -> list[str]:
    # Not `splitlines`: other characters that end a line may be tokens.
    if text.count("\r\n") == text.count("\n"):
        text = text.replace("\r\n", "\n")
    return text.removesuffix("\n").split("\n")


def _pairs(path: str | Path, content: dict[str, Any]) -> list[tuple[Any, Any]]:
    """Return (id, token) of a JSON file; a later one stands above an earlier one."""
    model = content.get("model")
    if not isinstance(model, dict):
        return [(row, token) for token, row in content.items()]
    vocab = model.get("vocab")
    pairs: list[tuple[Any, Any]]
    if isinstance(vocab, dict):
        pairs = [(row, token) for token, row in vocab.items()]
    elif isinstance(vocab, list):
        # Of a unigram model: [token, score], by id.
        if not all(isinstance(entry, list) and len(entry) == 2 for entry in vocab):
            raise _bad(path, "its model.vocab is no list of [token, score]")
        pairs = [(row, entry[0]) for row, entry in enumerate(vocab)]
    else:
        raise _bad(path, "its model.vocab is neither an object nor a list")
    added = content.get("added_tokens") or []
    if not isinstance(added, list) or not all(isinstance(entry, dict) for entry in added):
        raise _bad(path, "its added_tokens are no list of objects")
    return pairs + [(entry.get("id"), entry.get("content")) for entry in added]


def _by_row(path: str | Path, pairs: Iterable[tuple[Any, Any]]) -> list[str]:
    tokens: dict[int, str] = {}
    for row, token in pairs:
        # A bool is an int in Python.
        if type(row) is not int or not 0 <= row <= LARGEST_ID or not isinstance(token, str):
            raise _bad(
                path,
                f"tokens are texts with ids from 0 to {LARGEST_ID:,}, and it gives "
                f"{_named(token)} the id {_named(row)}",
            )
        tokens[row] = token
    if not tokens:
        raise _bad(path, "it holds no tokens")
    return [tokens.get(row, f"<id {row}>") for row in range(max(tokens) + 1)]


def _named(value: Any) -> str:
    known = isinstance(value, str | int | float)
    return shortened(str(value)) if known else f"({type(value).__name__})"


def _bad(path: str | Path, came: str) -> InputError:
    return InputError(f"--vocabulary must be {_NEED}; got {shortened(str(path), 200)}: {came}.")
