"""A matrix to audit, in every kind of file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import save_file

from experiments import audit
from experiments.audit_config import Config
from experiments.harness.experiment import Result
from experiments.harness.progress import Progress

FIGURES = ["cosines", "nearest", "eigenvalues", "interference", "alarms", "norms"]
TABLES = {"comparison", "interference", "alarms", "closest", "duplicates", "zero"}
TINY: dict[str, Any] = {"active": (1, 3), "trials": 64, "seeds": 3, "closest": 4}
ZERO, EQUAL = [4, 17], [[2, 9, 33], [5, 6]]


def weights() -> NDArray[np.float32]:
    """Rows that lean to one side, two of zeros, two groups of equal ones, very unequal lengths."""
    rows = np.random.default_rng(5).standard_normal((60, 12)) + 0.5
    rows *= np.geomspace(0.1, 50, 60)[:, None]
    rows[ZERO] = 0
    for group in EQUAL:
        rows[group] = rows[group[0]]
    return rows.astype(np.float32)


def save(where: Path) -> None:
    """The same matrix in every kind of file, and several in one."""
    rows, half = weights(), np.linspace(0, 1, 12, dtype=np.float16)
    np.save(where / "table.npy", rows)
    np.savez(where / "table.npz", table=rows, bias=half)
    np.savez_compressed(where / "packed.npz", table=np.asfortranarray(rows))
    save_file({"table": rows, "bias": half}, where / "table.safetensors")
    save_file({"table": rows, "other": rows[:5]}, where / "several.safetensors")
    (where / "words.txt").write_text("\n".join(f"w{i}" for i in range(58)), encoding="utf-8")


def measured(path: Path, **settings: Any) -> Result:
    config = Config(file=str(path), **{**TINY, **settings})
    with Progress(quiet=True) as progress:
        return audit.measure(config, progress)
