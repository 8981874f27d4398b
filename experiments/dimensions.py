"""Do more dimensions mean less interference, and more features that can be read?

    python -m experiments.dimensions

Random directions, d from 16 to 12288.  Measures the interference at a fixed number k of active
features and at a fixed share k/d, false activations, and the largest k that is read without error
(at most half an expected error), for a fixed number of features and for a fixed number a dimension.

The reading of a feature depends on the others only through the active ones, and the rows of a
random dictionary are independent: a feature's error rates in a dictionary of N are those in a
dictionary of n < N.  So `--sample` rows stand for all N, and 98,304 features in 12,288 dimensions
(4.8 GB) are never held.  About 25 seconds on two cores.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Annotated, Any

import numpy as np
from numpy.typing import NDArray

from experiments import dimensions_figures
from experiments.claims import verdicts
from experiments.harness import cli
from experiments.harness.checks import Check, Claim, judge
from experiments.harness.errors import InputError
from experiments.harness.experiment import Experiment, Result, Table
from experiments.harness.run import main
from experiments.intervals import mean_interval

if TYPE_CHECKING:
    from experiments.harness.progress import Progress

__all__ = ["EXPERIMENT", "Config"]

FAMILIES = ("fixed", "density")
# Two values of k, this far to both sides of the predicted one, whose errors are interpolated.
_AROUND = 0.07
# Widths are padded with zero columns to these, so that a few compilations serve all.
_PADS = (64, 512, 2048, 4096, 12288, 1 << 16)


@dataclass(frozen=True)
class Config:
    """Where to look, and how long."""

    dim: Annotated[tuple[int, ...], cli.integers("--dim", at_least=16, at_most=1 << 16)] = (
        *(1 << power for power in range(4, 14)),
        768,
        12288,
    )
    """Dimensions."""
    features: Annotated[int, cli.integer("--features", at_least=64)] = 4096
    """Features N, where their number is fixed."""
    density: Annotated[int, cli.integer("--density", at_least=1, at_most=4096)] = 8
    """Features for each dimension, where N = density · d."""
    active: Annotated[int, cli.integer("--active", at_least=1)] = 16
    """Active features k, where their number is fixed."""
    share: Annotated[int, cli.integer("--share", at_least=2, at_most=4096)] = 32
    """One active feature for so many dimensions, where the share k/d is fixed."""
    sample: Annotated[int, cli.integer("--sample", at_least=64, at_most=1 << 16)] = 2048
    """Features of the random dictionary that are simulated."""
    trials: Annotated[int, cli.integer("--trials", at_least=1, at_most=1 << 20)] = 128
    """Read-outs at each setting and seed."""
    seed: cli.Seed = 0
    """Root of all random numbers."""
    seeds: cli.Seeds = 4
    """Independent dictionaries at each d."""


def validate(config: Config) -> None:
    """Hold that there is a trend to fit and that features suffice."""
    if len(set(config.dim)) < 3:
        raise InputError(f"--dim must name at least 3 dimensions; got {len(set(config.dim))}.")
    for flag, need in (
        ("--features", config.features),
        ("--sample", config.sample),
    ):
        if config.active >= need:
            raise InputError(f"--active must be below {flag}, {need}; got {config.active}.")
    most = max(config.dim) // config.share
    if most >= config.sample:
        raise InputError(
            f"--share must leave fewer active features than --sample, {config.sample}; got "
            f"{config.share} at d = {max(config.dim)}, that is {most}."
        )
    if config.seeds < 3:
        raise InputError(f"--seeds must be at least 3, for intervals; got {config.seeds}.")


def measure(config: Config, progress: Progress) -> Result:
    """Every d by itself, kept if the run is killed."""
    dims = sorted(set(config.dim))
    found = []
    with progress.phase("dimensions", total=sum(dims)) as step:
        for dim in dims:
            found.append(progress.part(f"dim-{dim}", partial(_at, config, dim)))
            step(dim)
    data: dict[str, Any] = {"at": found, "density": config.density, "features": config.features}
    data["fits"] = _fits(found, config.seeds)
    return Result(data, {}, _tables(found))


def _at(config: Config, dim: int) -> dict[str, Any]:
    """All measurements at one d."""
    import jax

    from geometry import interference, sphere
    from geometry.signals import Activity

    numbers = {"fixed": config.features, "density": config.density * dim}
    asked: dict[str, tuple[int, int]] = {"few": (config.active, config.features)}
    if dim >= config.share:
        asked["share"] = (dim // config.share, config.features)
    for family, count in numbers.items():
        predicted = interference.most_active(count, dim)
        if predicted >= 2:
            low = max(1, min(predicted - 1, round((1 - _AROUND) * predicted)))
            high = max(predicted + 1, round((1 + _AROUND) * predicted))
            if high < min(config.sample, count):
                asked |= {f"{family}:low": (low, count), f"{family}:high": (high, count)}
    slots = max(k for k, _ in asked.values())
    pad = next(pad for pad in _PADS if dim <= pad)
    seen: dict[str, list[dict[str, float]]] = {name: [] for name in asked}
    for seed in range(config.seeds):
        key = jax.random.fold_in(jax.random.fold_in(jax.random.key(config.seed), dim), seed)
        making, reading = jax.random.split(key)
        rows = sphere.sample_padded(making, config.sample, dim, pad)
        for place, (name, (k, count)) in enumerate(asked.items()):
            seen[name].append(
                _rates(config, jax.random.fold_in(reading, place), rows, dim, k, count, slots)
            )
    one: dict[str, Any] = {"dim": dim, "families": {}}
    for name in ("few", "share"):
        if name in asked:
            k = asked[name][0]
            law = interference.law(dim, config.features, Activity(k), at_active=False)
            one[name] = {
                "active": k,
                "rms": [rate["rms"] for rate in seen[name]],
                "rms_theory": math.sqrt(law.variance),
                "alarms": [rate["half"] for rate in seen[name]],
                "alarms_theory": float(law.tail(0.5)),
            }
    for family, count in numbers.items():
        if f"{family}:low" in asked:
            one["families"][family] = _largest(dim, count, asked, seen, family)
    return one


def _rates(
    config: Config, key: Any, rows: Any, dim: int, active: int, count: int, slots: int
) -> dict[str, float]:
    """rms interference, false activations at 1/2, expected errors among `count` features."""
    from geometry import interference, readout
    from geometry.signals import Activity

    best = interference.bayes_threshold(count, dim, active)
    found = readout.read(
        key,
        rows,
        Activity(1 << (slots - 1).bit_length()),
        np.array([0.5, best]),
        bins=readout.Bins(-2.0, 3.0, 2),
        blocks=1,
        block=config.trials,
        active=active,
    )
    off, on = (float(value) for value in np.asarray(found.counts)[0])
    alarms = np.asarray(found.false_alarms)[0] / off
    misses = np.asarray(found.misses)[0] / on
    return {
        "rms": math.sqrt(float(np.asarray(found.squares)[0, 0])),
        "half": float(alarms[0]),
        "errors": float((count - active) * alarms[1] + active * misses[1]),
    }


def _largest(
    dim: int,
    count: int,
    asked: dict[str, tuple[int, int]],
    seen: dict[str, list[dict[str, float]]],
    family: str,
) -> dict[str, Any]:
    """The k of half an expected error, between two k: ln(errors) is linear in ln(k) there."""
    from geometry import interference
    from geometry.signals import Activity

    ks = [asked[f"{family}:{side}"][0] for side in ("low", "high")]
    theory = []
    for k in ks:
        theta = interference.bayes_threshold(count, dim, k)
        theory.append(float(interference.expected_errors(theta, dim, count, Activity(k))))
    errors = [[one["errors"] for one in seen[f"{family}:{side}"]] for side in ("low", "high")]
    # One dictionary may show no error; the sums over the others carry it then (jackknife).
    totals = np.array([np.sum(side) for side in errors])
    others = len(errors[0]) - 1
    left = [_interpolated(ks, (totals - out) / others) for out in np.array(errors).T]
    return {
        "features": count,
        "k": ks,
        "errors": [float(value) for value in totals / len(errors[0])],
        "errors_theory": theory,
        "largest": _interpolated(ks, totals / len(errors[0])),
        "left_out": left,
        "theory": _interpolated(ks, np.array(theory)),
    }


def _interpolated(ks: Sequence[int], errors: NDArray[np.float64]) -> float | None:
    """The k at which a line through both (ln k, ln errors) passes ln(1/2).

    None where no error was seen at one of them, or more at the smaller k.
    """
    if not 0 < errors[0] < errors[1]:
        return None
    low, high = np.log(errors)
    first, second = math.log(ks[0]), math.log(ks[1])
    return float(math.exp(first + (math.log(0.5) - low) * (second - first) / (high - low)))


def _slope(dims: Sequence[float], values: Sequence[float]) -> float:
    return float(np.polyfit(np.log(dims), np.log(values), 1)[0])


def _fits(found: list[dict[str, Any]], seeds: int) -> dict[str, Any]:
    """Exponents over d with intervals over seeds, and those of theory on the same grid."""
    fits: dict[str, Any] = {}
    for name in ("few", "share"):
        at = [one for one in found if name in one]
        if len(at) < 3:
            continue
        dims = [one["dim"] for one in at]
        slopes = [_slope(dims, [one[name]["rms"][seed] for one in at]) for seed in range(seeds)]
        ratios = [
            float(np.mean([one[name]["rms"][seed] / one[name]["rms_theory"] for one in at]))
            for seed in range(seeds)
        ]
        fits[name] = {
            "exponent": float(np.mean(slopes)),
            "interval": list(mean_interval(slopes)),
            "theory": _slope(dims, [one[name]["rms_theory"] for one in at]),
            "ratio": float(np.mean(ratios)),
            "ratio_interval": list(mean_interval(ratios)),
        }
    for family in FAMILIES:
        at = [one for one in found if family in one["families"]]
        rows = [one["families"][family] for one in at]
        known = [
            place
            for place, row in enumerate(rows)
            if None not in (row["theory"], row["largest"], *row["left_out"])
        ]
        if len(known) < 3:
            continue
        at, rows = [at[place] for place in known], [rows[place] for place in known]
        dims = [one["dim"] for one in at]
        whole = _slope(dims, [row["largest"] for row in rows])
        parts = [_slope(dims, [row["left_out"][seed] for row in rows]) for seed in range(seeds)]
        ratio = float(np.mean([row["largest"] / row["theory"] for row in rows]))
        ratios = [
            float(np.mean([row["left_out"][seed] / row["theory"] for row in rows]))
            for seed in range(seeds)
        ]
        fits[family] = {
            "exponent": whole,
            "interval": _jackknife(whole, parts),
            "theory": _slope(dims, [row["theory"] for row in rows]),
            "ratio": ratio,
            "ratio_interval": _jackknife(ratio, ratios),
        }
    return fits


def _jackknife(whole: float, parts: Sequence[float]) -> list[float]:
    """Interval at 95% from leave-one-out values (Efron and Tibshirani 1993, equation 11.5)."""
    from scipy import stats

    count = len(parts)
    spread = math.sqrt((count - 1) / count * float(np.sum((np.array(parts) - np.mean(parts)) ** 2)))
    reach = float(stats.t.ppf(0.975, count - 1)) * spread
    return [whole - reach, whole + reach]


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
        for family in FAMILIES:
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
    return verdicts(("C8",), found)


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
    duration="about 25 s on two cores",
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
