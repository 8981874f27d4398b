"""What an audit is asked: which matrix of which file, and how hard to look."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Annotated

import tyro

from experiments.harness import cli
from experiments.harness.errors import InputError, shortened
from experiments.harness.experiment import INPUT_FILE, Json, Overview

if TYPE_CHECKING:
    from experiments.harness.arrays import Listed

__all__ = ["MOST_PAIRS", "Config", "overview", "validate"]

MOST_PAIRS = 10**10
"""Above so many pairs `--pairs auto` looks at a sample: exact counts would take hours."""


@dataclass(frozen=True)
class Config:
    """Which matrix, and how hard to look."""

    file: Annotated[str | None, tyro.conf.Positional, cli.text("FILE", metavar="FILE")] = field(
        default=None, metadata=INPUT_FILE
    )
    """A .safetensors, .npz or .npy file."""
    tensor: Annotated[str | None, cli.text("--tensor", metavar="NAME")] = None
    """The matrix of the file, if it holds several; without it they are listed."""
    axis: Annotated[str, cli.choice("--axis", ("rows", "columns"))] = "rows"
    """Which of the matrix are the directions."""
    vocabulary: Annotated[str | None, cli.text("--vocabulary", metavar="FILE")] = field(
        default=None, metadata=INPUT_FILE
    )
    """A tokenizer's file, or one with a token a line: names of the directions."""
    active: Annotated[tuple[int, ...], cli.integers("--active", at_least=1, at_most=1 << 14)] = (
        1,
        2,
        4,
        8,
        16,
        32,
        64,
    )
    """Numbers k of features that are active at once."""
    pairs: Annotated[str, cli.choice("--pairs", ("auto", "all", "sample"))] = "auto"
    """Compare all pairs, or a sample of rows with all; auto: a sample above 1e10 pairs."""
    sample: Annotated[int, cli.integer("--sample", at_least=8, at_most=1 << 17)] = 1024
    """Rows in that sample; where there are no more, all pairs are compared."""
    closest: Annotated[int, cli.integer("--closest", at_least=1, at_most=1000)] = 20
    """Closest pairs to name."""
    trials: Annotated[int, cli.integer("--trials", at_least=1, at_most=10**7)] = 256
    """Sets of active features for each k and seed."""
    seed: cli.Seed = 0
    """Root of all random numbers."""
    seeds: cli.Seeds = 6
    """Independent batches of sets, each with rows of its own where not all rows are read."""


def overview(config: Config) -> Overview | None:
    """List the tensors, where none is named and the file holds several matrices."""
    from experiments import audit_matrix

    if config.file is None or config.tensor is not None:
        return None
    found = audit_matrix.listed(config.file)
    if len([one for one in found if audit_matrix.is_matrix(one)]) < 2:
        return None
    # Quoted as in errors: a name may hold anything, also what moves a terminal's cursor.
    names = [shortened(one.name, 200) for one in found]
    width = max(map(len, names))
    lines = [f"{name:{width}}  {_described(one)}" for name, one in zip(names, found, strict=True)]
    lines.append(f"--tensor NAME audits one of them; {shortened(config.file, 200)} holds several.")
    tensors: list[Json] = [
        {
            "name": one.name,
            "shape": None if one.trouble else list(one.shape),
            "type": one.kind,
            "trouble": one.trouble,
        }
        for one in found
    ]
    return Overview({"file": config.file, "tensors": tensors}, lines)


def _described(one: Listed) -> str:
    if one.trouble:
        return f"unreadable: {one.trouble}"
    return f"{' x '.join(map(str, one.shape)) or 'a number'}  {one.kind}"


def validate(config: Config) -> None:
    """Hold that there is a matrix, with enough rows, and words for them."""
    from experiments import audit_matrix

    if config.file is None:
        raise InputError("FILE must be a .safetensors, .npz or .npy file; got nothing.")
    if config.seeds < 2:
        raise InputError(f"--seeds must be at least 2, for intervals; got {config.seeds}.")
    with audit_matrix.opened(config.file, config.tensor, config.axis) as (given, _):
        count = given.shape[0 if config.axis == "rows" else 1]
    if max(config.active) >= count:
        raise InputError(
            f"--active must be below the number of {config.axis}, {count}; "
            f"got {max(config.active)}."
        )
    if config.vocabulary is not None:
        from experiments import vocabulary

        vocabulary.read(config.vocabulary)
