"""The dictionaries that an experiment reads with: made by name, or taken from a file.

A file holds a matrix, alone (.npy) or among others (.npz, .safetensors), with a feature's direction
in each row.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from numpy.typing import NDArray

from experiments.harness import cli
from experiments.harness.errors import InputError, shortened

if TYPE_CHECKING:
    from jax import Array

__all__ = [
    "LARGEST_ENTRIES",
    "NAMES",
    "Dictionary",
    "File",
    "Tensor",
    "asked_shape",
    "called",
    "from_file",
    "hold",
    "kinds",
    "named",
    "normalised",
    "shape",
    "shape_of",
]

# Kept in step with geometry.dictionaries.KINDS by a test; importing it here would make --help slow.
NAMES = ("random", "tight", "packing")
# Entries of W: 1 GiB in float32.
LARGEST_ENTRIES = 1 << 28
_UNIT = 1e-4
_LEARNED = 1e-2
_BLOCK = 4096

File = cli.text("--file", metavar="PATH")
Tensor = cli.text("--tensor", metavar="NAME")


@dataclass(frozen=True)
class Dictionary:
    """Unit rows `[n, d]` float32, what they are called, and what was done to them, if anything."""

    name: str
    vectors: NDArray[np.float32]
    notice: str = ""


def called(name: str) -> str:
    """Return what a dictionary is called in a sentence; that of a file by its name."""
    return {
        "random": "random directions",
        "tight": "a tight frame",
        "packing": "the least coherent packing known",
        "trained": "directions of a trained toy model",
    }.get(name, name)


def named(name: str, key: Array, features: int, dim: int) -> Dictionary:
    """Return the dictionary that `name`, one of `NAMES`, makes with `key`.

    Raises InputError where there is none: fewer rows than dimensions are no tight frame.
    """
    from geometry import dictionaries

    try:
        return Dictionary(name, dictionaries.make(name, key, features, dim))
    except ValueError as error:
        raise InputError(
            f"--features and --dim must suit the dictionary {name!r}; got {features} and {dim}: "
            f"{error}"
        ) from None


def asked_shape(
    *,
    dim: int | None,
    features: int | None,
    file: str | None,
    tensor: str | None,
    defaults: tuple[int, int],
) -> tuple[int, int]:
    """Return (n, d) from the flags of a config; `defaults` is (n, d) where there is no file.

    Raises InputError where --dim or --features disagree with the file, or W would be too large.
    """
    if file is None:
        if tensor is not None:
            raise InputError(f"--tensor must come with --file; got {shortened(tensor)} alone.")
        shape = features or defaults[0], dim or defaults[1]
        if shape[0] * shape[1] > LARGEST_ENTRIES:
            raise InputError(
                f"--features times --dim must be at most {LARGEST_ENTRIES:,}; got {shape[0]} and "
                f"{shape[1]}."
            )
        return shape
    shape = shape_of(file, tensor)
    for flag, asked, held in (("--features", features, shape[0]), ("--dim", dim, shape[1])):
        if asked is not None and asked != held:
            raise InputError(f"{flag} must be that of the file, {held}, or left out; got {asked}.")
    return shape


class Asked(Protocol):
    """The flags of an experiment that reads dictionaries."""

    @property
    def dim(self) -> int | None: ...
    @property
    def features(self) -> int | None: ...
    @property
    def dictionaries(self) -> tuple[str, ...]: ...
    @property
    def file(self) -> str | None: ...
    @property
    def tensor(self) -> str | None: ...
    @property
    def seeds(self) -> int: ...


def shape(config: Asked, defaults: tuple[int, int]) -> tuple[int, int]:
    """Return (n, d) that the config asks for; see `asked_shape`."""
    return asked_shape(
        dim=config.dim,
        features=config.features,
        file=config.file,
        tensor=config.tensor,
        defaults=defaults,
    )


def kinds(config: Asked) -> list[str]:
    """Return the dictionaries to make, each once; the file alone, where there is one."""
    return [config.file] if config.file is not None else list(dict.fromkeys(config.dictionaries))


def hold(config: Asked, defaults: tuple[int, int], *, least: int) -> tuple[int, int]:
    """Return (n, d), or raise InputError where dictionaries cannot be so, or intervals not be had.

    `least` is the smallest number of features that the experiment can do with.
    """
    features, dim = shape(config, defaults)
    if features < least:
        raise InputError(f"--features must be at least {least}; got {features}.")
    if config.file is None and "tight" in config.dictionaries and features < dim:
        raise InputError(
            f"--features must be at least --dim for a tight frame; got {features} and {dim}."
        )
    if config.seeds < 2:
        raise InputError(f"--seeds must be at least 2, for intervals; got {config.seeds}.")
    return features, dim


def shape_of(path: str, tensor: str | None = None) -> tuple[int, int]:
    """Return (n, d) of the matrix in a file.  Raises InputError."""
    from experiments.harness.arrays import ArrayFile

    with ArrayFile(path) as file:
        return _shape(path, file[_chosen(path, file.names, tensor)].shape)


def from_file(path: str, tensor: str | None = None) -> Dictionary:
    """Return the dictionary in a file, its rows divided by their norms where they are not 1.

    Norms count as 1 within 1e-4, which half precision keeps; the notice says how many rows were
    changed.  `tensor` names the array of a file that holds several.  Raises InputError for a
    file that is no matrix, is too large, or has rows that are zero or not finite.
    """
    from experiments.harness.arrays import ArrayFile

    with ArrayFile(path) as file:
        source: Any = file[_chosen(path, file.names, tensor)]
        count, dim = _shape(path, source.shape)
        vectors = np.empty((count, dim), np.float32)
        lengths = np.empty(count)
        for start in range(0, count, _BLOCK):
            block = slice(start, start + _BLOCK)
            rows, norms = _unit(source.rows(block))
            if not norms.all():
                raise _bad(path, "rows that are not zero", f"row {start + int(norms.argmin())} is")
            vectors[block], lengths[block] = rows, norms
    return Dictionary(Path(path).name, vectors, _notice("of the file", lengths))


def normalised(name: str, vectors: NDArray[np.float32], remark: str = "") -> Dictionary:
    """Return trained rows as a dictionary: unit rows, those shorter than 1e-2 left out.

    A feature with so short a row was not learned (Elhage et al. 2022 mask them alike).  The notice
    says what was done, after the `remark`.
    """
    rows, norms = _unit(vectors)
    learned = norms >= _LEARNED
    left_out = int((~learned).sum())
    said = [remark] if remark else []
    said += [f"{left_out:,} of {len(norms):,} features were not learned and are left out"] * (
        left_out > 0
    )
    kept = _notice(f"of the {name} dictionary", norms[learned])
    notice = "; ".join(said) + ("; " if said and kept else "") + kept
    return Dictionary(name, rows[learned].astype(np.float32), notice)


def _unit(rows: NDArray[Any]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Rows divided by their norms, and the norms; a row of zeros stays as it is.

    Scaled before they are squared, so that nothing over- or underflows.
    """
    wide = rows.astype(np.float64)
    scale = np.abs(wide).max(axis=1)
    wide /= np.where(scale > 0, scale, 1)[:, None]
    length = np.linalg.norm(wide, axis=1)
    return wide / np.where(length > 0, length, 1)[:, None], scale * length


def _notice(whose: str, norms: NDArray[np.float64]) -> str:
    changed = int((np.abs(norms - 1) > _UNIT).sum())
    if not changed:
        return ""
    return (
        f"{changed:,} of {len(norms):,} rows {whose} were not of unit length (norms "
        f"{norms.min():.4g} to {norms.max():.4g}) and were normalised."
    )


def _chosen(path: str, names: list[str], tensor: str | None) -> str:
    held = shortened(", ".join(names) or "nothing")
    if tensor is None:
        if len(names) != 1:
            raise InputError(f"--tensor must name an array of {shortened(path)}: {held}.")
        return names[0]
    if tensor not in names:
        raise InputError(f"--tensor must be one of {held}; got {shortened(tensor)}.")
    return tensor


def _shape(path: str, shape: tuple[int, ...]) -> tuple[int, int]:
    if len(shape) != 2 or shape[0] < 1 or shape[1] < 2:
        raise _bad(path, "a matrix [features, dim] with dim at least 2", f"its shape is {shape}")
    if shape[0] * shape[1] > LARGEST_ENTRIES:
        raise _bad(path, f"at most {LARGEST_ENTRIES:,} entries", f"its shape is {shape}")
    return shape[0], shape[1]


def _bad(path: str, need: str, came: str) -> InputError:
    return InputError(f"--file must hold {need}; got {shortened(path, 200)}: {came}.")
