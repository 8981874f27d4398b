"""The `.npz` file of a packing: what `packing --save` writes and `verify` reads.

Keys. `format`: the text `FORMAT`. `kind`: "vectors" or "recipe". `dim`, `count`: integers as text,
exact at any size. `coherence_square`: the claim, a rational "p/q" that the square of every |cos|
stays below or equals. `recipe`: JSON. `vectors` `[n, d]`: integers with `squared_norms` `[n]` > 0,
or float64 unit rows with squared norm 0; every row for kind "vectors", a sample for "recipe".
"""

from __future__ import annotations

import json
import os
import re
import tempfile
import zipfile
import zlib
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from experiments.harness.errors import InputError

__all__ = ["FORMAT", "PackingFile", "read", "write"]

FORMAT = "superposition-geometry packing 1"
KINDS = ("vectors", "recipe")
_TEXTS = ("format", "kind", "dim", "count", "coherence_square", "recipe")
_LONGEST_TEXT = 1 << 20


@dataclass(frozen=True)
class PackingFile:
    """The content of a file, as claimed by it."""

    kind: str
    dim: int
    count: int
    coherence_square: Fraction
    recipe: dict[str, Any]
    vectors: NDArray[Any]
    squared_norms: NDArray[np.int64]


def write(path: Path, content: PackingFile) -> None:
    """Write the file whole: to a temporary name beside it, then renamed.  Raises OSError."""
    square = content.coherence_square
    texts = {
        "format": FORMAT,
        "kind": content.kind,
        "dim": str(content.dim),
        "count": str(content.count),
        "coherence_square": f"{square.numerator}/{square.denominator}",
        "recipe": json.dumps(content.recipe),
    }
    arrays = {name: np.array(text) for name, text in texts.items()}
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=".part")
    try:
        with os.fdopen(handle, "wb") as stream:
            np.savez_compressed(
                stream,
                allow_pickle=False,
                vectors=content.vectors,
                squared_norms=content.squared_norms,
                **arrays,
            )
            stream.flush()
            os.fsync(stream.fileno())
        # mkstemp makes private files; a result is as readable as any other file of the user.
        mask = os.umask(0)
        os.umask(mask)
        os.chmod(temporary, 0o666 & ~mask)
        os.replace(temporary, path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def read(path: Path) -> PackingFile:
    """Return the content of the file; whether its claims are true is not looked at.

    Raises InputError when it is missing, damaged, or not such a file at all.
    """
    arrays = _arrays(path)
    texts = {name: _text(path, name, arrays) for name in _TEXTS}
    if texts["format"] != FORMAT:
        raise InputError(f"FILE must be a packing saved by this program; got {str(path)!r}.")
    if texts["kind"] not in KINDS:
        raise _damaged(path, f"`kind` must be one of {', '.join(KINDS)}")
    vectors, squared_norms = arrays["vectors"], arrays["squared_norms"]
    if vectors.ndim != 2 or vectors.dtype.kind not in "iuf":
        raise _damaged(path, f"`vectors` must be numbers of shape [n, d], not {vectors.dtype}")
    if squared_norms.shape != (len(vectors),) or squared_norms.dtype.kind not in "iu":
        raise _damaged(path, "`squared_norms` must be an integer for each row")
    if not np.isfinite(vectors).all():
        raise _damaged(path, "`vectors` must be finite, but holds NaN or infinity")
    try:
        recipe = json.loads(texts["recipe"])
    except (ValueError, RecursionError):
        raise _damaged(path, "`recipe` must be JSON") from None
    return PackingFile(
        kind=texts["kind"],
        dim=_whole(path, "dim", texts["dim"]),
        count=_whole(path, "count", texts["count"]),
        coherence_square=_ratio(path, texts["coherence_square"]),
        recipe=recipe if isinstance(recipe, dict) else {},
        vectors=vectors,
        squared_norms=squared_norms.astype(np.int64),
    )


def _damaged(path: Path, why: str) -> InputError:
    return InputError(f"FILE must be a readable packing file: {why}; got {str(path)!r}.")


def _arrays(path: Path) -> dict[str, NDArray[Any]]:
    wanted = (*_TEXTS, "vectors", "squared_norms")
    try:
        # Opened here, since NumPy leaves a file open that turns out to be damaged.
        with path.open("rb") as stream:
            archive = np.load(stream, allow_pickle=False)
            if not isinstance(archive, np.lib.npyio.NpzFile):
                raise _damaged(path, "it is not a .npz archive")
            missing = [name for name in wanted if name not in archive.files]
            if missing:
                raise _damaged(path, f"it lacks {', '.join(missing)}")
            return {name: archive[name] for name in wanted}
    except FileNotFoundError:
        raise InputError(f"FILE must exist; got {str(path)!r}.") from None
    except IsADirectoryError:
        raise InputError(f"FILE must be a file, not a folder; got {str(path)!r}.") from None
    except (OSError, EOFError, ValueError, KeyError, AttributeError, TypeError) as error:
        # NumPy takes what is no archive, and arrays of objects, for pickles, and would advise to
        # unpickle them.
        pickled = "pickle" in str(error)
        reason = "it is not a .npz archive of numbers and texts" if pickled else str(error)
        raise _damaged(path, reason or type(error).__name__) from None
    except (zipfile.BadZipFile, zlib.error, RuntimeError) as error:
        # The last, or a kind of it, is zipfile's for an unknown compression, and for a password.
        raise _damaged(path, str(error) or type(error).__name__) from None
    except MemoryError:
        raise _damaged(path, "its arrays are larger than memory") from None


def _text(path: Path, name: str, arrays: dict[str, NDArray[Any]]) -> str:
    value = arrays[name]
    if value.shape != () or value.dtype.kind != "U" or value.dtype.itemsize > _LONGEST_TEXT:
        raise _damaged(path, f"`{name}` must be a text")
    return str(value)


def _whole(path: Path, name: str, text: str) -> int:
    if re.fullmatch(r"[1-9]\d{0,999}", text, re.ASCII) is None:
        raise _damaged(path, f"`{name}` must be a whole number")
    return int(text)


def _ratio(path: Path, text: str) -> Fraction:
    if re.fullmatch(r"\d{1,4000}/[1-9]\d{0,3999}", text, re.ASCII) is None:
        raise _damaged(path, "`coherence_square` must be a fraction")
    top, bottom = text.split("/")
    return Fraction(int(top), int(bottom))
