"""Do more dimensions mean less interference, and more features that can be read?

    python -m experiments.dimensions

Random directions, d from 16 to 12288.  Measures the interference at a fixed number k of active
features and at a fixed share k/d, false activations, and the largest k that is read without error
(at most half an expected error), for a fixed number of features and for a fixed number a dimension.

The reading of a feature depends on the others only through the active ones, and the rows of a
random dictionary are independent: a feature's error rates in a dictionary of N are those in a
dictionary of n < N.  So `--sample` rows stand for all N, and 98,304 features in 12,288 dimensions
(4.8 GB) are never held.  15 s on two cores.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from experiments import dimensions_figures, dimensions_parts
from experiments.claims import verdicts_of
from experiments.command import main
from experiments.dimensions_config import Config, validate
from experiments.harness.checks import Check, Claim, judge
from experiments.harness.experiment import Experiment, Result, Table

if TYPE_CHECKING:
    from experiments.harness.progress import Progress

__all__ = ["EXPERIMENT", "Config"]


def measure(config: Config, progress: Progress) -> Result:
    """Every d by itself, kept if the run is killed."""
    dims = sorted(set(config.dim))
    found = []
    with progress.phase("dimensions", total=sum(dims)) as step:
        for dim in dims:
            found.append(progress.part(f"dim-{dim}", partial(dimensions_parts.at, config, dim)))
            step(dim)
    data: dict[str, Any] = {"at": found, "density": config.density, "features": config.features}
    data["fits"] = dimensions_parts.fits(found, config.seeds)
    return Result(data, {}, _tables(found))


def _tables(found: list[dict[str, Any]]) -> dict[str, Table]:
    rows = []
    for one in found:
        cells: list[Any] = [one["dim"]]
        for name in ("few", "share"):
            part = one.get(name)
            cells += (
                [None, None, None]
                if part is None
                else [part["active"], float(np.mean(part["rms"])), part["rms_theory"]]
            )
        for family in dimensions_parts.FAMILIES:
            row = one["families"].get(family)
            cells += (
                [None, None, None]
                if row is None
                else [row["features"], row["largest"], row["theory"]]
            )
        rows.append(tuple(cells))
    return {
        "dimensions": Table(
            (
                "d",
                "k fixed",
                "rms",
                "theory",
                "k of a fixed share",
                "rms at that share",
                "its theory",
                "N fixed",
                "largest k",
                "its law",
                "N of a fixed density",
                "largest k there",
                "law there",
            ),
            tuple(rows),
            "Interference and readable features over d",
        )
    }


def checks(config: Config, result: Result) -> list[Check]:
    """Exponents and sizes against theory on the same grid."""
    fits: Any = result.data["fits"]
    found = []
    names = {
        "few": ("C8: interference over d at fixed k, exponent", 0.01, "-1/2, as sqrt(k/d)"),
        "share": ("C8: interference over d at fixed k/d, exponent", 0.01, "0, as sqrt(k/d)"),
        "density": (
            "C8: largest k read without error over d, exponent",
            0.04,
            f"that of the interference's law on the same grid, N = {config.density} d",
        ),
        "fixed": (
            f"largest k over d at N = {config.features}, exponent",
            0.04,
            "that of the interference's law on the same grid",
        ),
    }
    for key, (name, width, words) in names.items():
        if key not in fits:
            continue
        fit = fits[key]
        found.append(
            judge(
                name,
                theory=f"{words}: {fit['theory']:.4f}, within {width:g}",
                estimate=fit["exponent"],
                interval=tuple(fit["interval"]),
                band=(fit["theory"] - width, fit["theory"] + width),
            )
        )
        within = 0.005 if key in ("few", "share") else 0.05
        what = "rms interference" if key in ("few", "share") else "largest k"
        where = {
            "few": "at fixed k",
            "share": "at fixed k/d",
            "density": "at fixed N/d",
            "fixed": "at fixed N",
        }[key]
        found.append(
            judge(
                f"{what} {where} over theory, mean over d",
                theory=f"1, within {within:.1%}",
                estimate=fit["ratio"],
                interval=tuple(fit["ratio_interval"]),
                band=(1 - within, 1 + within),
            )
        )
    return found


def claims(found: list[Check]) -> list[Claim]:
    """C8."""
    return verdicts_of("dimensions", found)


def answer(config: Config, result: Result) -> str:
    """What falls, what stays, what grows."""
    fits: Any = result.data["fits"]
    if not {"few", "share", "density"} <= set(fits):
        return "Too few dimensions carry two readable features; no trend was fitted."
    few, share, most = fits["few"], fits["share"], fits["density"]
    low, high = most["interval"]
    return (
        f"With {config.active} features on, interference falls as d to the power "
        f"{few['exponent']:.3f}; with a fixed share of d on it stays (power "
        f"{abs(share['exponent']):.3f}); and the number that can be read at once grows with the "
        f"power {most['exponent']:.2f} ({low:.2f} to {high:.2f}), at {config.density} features a "
        "dimension."
    )


def summary(config: Config, result: Result) -> list[str]:
    """The largest d, in numbers."""
    data: Any = result.data
    lines = []
    for one in (data["at"][0], data["at"][-1]):
        few = one["few"]
        lines.append(
            f"d = {one['dim']:,}: {few['active']} active features interfere with "
            f"{float(np.mean(few['rms'])):.4f} rms (theory {few['rms_theory']:.4f}); at 1/2, "
            f"{float(np.mean(few['alarms'])):.2g} of the others look on "
            f"(theory {few['alarms_theory']:.2g})."
        )
    for family, row in data["at"][-1]["families"].items():
        how = "N fixed" if family == "fixed" else f"{config.density} a dimension"
        lines.append(
            f"d = {data['at'][-1]['dim']:,}, {row['features']:,} features ({how}): "
            f"{_rounded(row['largest'])} can be on at once and read without error "
            f"(theory {_rounded(row['theory'])})."
        )
    return lines


def _rounded(value: float | None) -> str:
    return "an unmeasured number" if value is None else f"{value:.0f}"


EXPERIMENT = Experiment(
    name="dimensions",
    question="Do more dimensions mean less interference, and more features that can be read?",
    primer=(
        "Two random directions in d dimensions have a cosine of about 1/√d, so k active features "
        "disturb the reading of another by about √(k/d). Wider layers are quieter, if what "
        "happens in them stays the same. But a wider layer may also do more at once: if the "
        "number of active features grows along with d, the noise stays as it was. What does grow "
        "is the number of features that can be on at once and still be read without a mistake: "
        "nearly in proportion to d, less a logarithm for the many features that must stay silent."
    ),
    duration="15 s on two cores",
    seconds=15,
    cite=(
        "N. Elhage et al., Toy models of superposition, Transformer Circuits Thread (2022)",
        "J. A. Tropp, Greed is good: algorithmic results for sparse approximation, IEEE Trans. "
        "Inf. Theory 50 (2004)",
    ),
    examples=(
        "python -m experiments.dimensions",
        "python -m experiments.dimensions --dim 64 256 1024 4096 --active 8 --density 32",
    ),
    config=Config,
    presets={
        "tiny": {"dim": (32, 64, 128, 256), "active": 4, "sample": 512, "trials": 64, "seeds": 3},
        "quick": {},
        "paper": {"trials": 1024, "seeds": 8},
        "full": {"trials": 8192, "seeds": 16},
    },
    measure=measure,
    checks=checks,
    claims=claims,
    answer=answer,
    summary=summary,
    figures=dimensions_figures.figures,
    validate=validate,
)

if __name__ == "__main__":
    raise SystemExit(main(EXPERIMENT))
