"""The verdicts of the capacity experiment."""

from __future__ import annotations

from typing import Any

from experiments.capacity_config import Config
from experiments.capacity_quadratic import EXCESS
from experiments.claims import verdicts_of
from experiments.harness.checks import HAIR, Band, Check, Claim, judge
from experiments.harness.experiment import Result

__all__ = ["checks", "claims"]

# What was asked of the experiment before it ran.
_DISTANCE, _SUM, _THRESHOLD, _SHARE, _SPARSE = 0.02, 1e-3, 0.03, 0.5, 6.0
# The cost of a row is linear in its capacity there, and trades of it are free.
_FLAT = 3.0
# Of the ReLU model's trainings, how many may still move.
_MOVING = 0.05


def checks(config: Config, result: Result) -> list[Check]:
    """Capacities, sharing thresholds, shares of seeds, blocks, the map, the order of importance."""
    data: Any = result.data
    return [
        *_capacities(data["example"]),
        *_thresholds(data["scan"]),
        *_shares(data["example"]["rows"]),
        *_blocks(data["example"]["rows"]),
        _map(data["map"]),
        *_order(data["example"]["rows"], config.tolerance),
        *_relu(data["relu"], config.tolerance),
    ]


def claims(found: list[Check]) -> list[Claim]:
    """C7."""
    return verdicts_of("capacity", found)


def _capacities(example: Any) -> list[Check]:
    rows = example["rows"]
    found = [
        judge(
            f"capacities of the best seed at F = {row['kurtosis']:g}, largest distance",
            theory="0 from the water-filling optimum; at most 0.02",
            estimate=row["distance"],
            band=(None, _DISTANCE),
            converged=row["best_converged"],
        )
        for row in rows
        if row["kurtosis"] != _FLAT
    ]
    found += [
        judge(
            f"loss of the best seed at F = {_FLAT:g} over the optimum's, less 1",
            theory="0; capacities say nothing here, since all that sum to d over the most "
            "important features cost the same",
            estimate=row["excess"],
            band=(None, EXCESS),
            converged=row["best_converged"],
        )
        for row in rows
        if row["kurtosis"] == _FLAT
    ]
    most = max(row["most"] for row in rows)
    found.append(
        judge(
            "sum of capacities, largest of all seeds",
            theory=f"at most D = {example['dim']}, with 0.001 for float32",
            estimate=most,
            band=(None, example["dim"] + _SUM),
        )
    )
    return found


def _thresholds(rows: Any) -> list[Check]:
    return [
        judge(
            f"sharing threshold at F = {row['kurtosis']:g}, over 2/(F - 1)",
            theory="1, within 3%: where C2, of two features in one dimension, begins to rise",
            estimate=row["ratio"],
            interval=None if row["interval"] is None else tuple(row["interval"]),
            band=(1 - _THRESHOLD, 1 + _THRESHOLD),
            converged=row["converged"],
        )
        for row in rows
    ]


def _shares(rows: Any) -> list[Check]:
    return [
        judge(
            f"share of seeds at the optimum, F = {row['kurtosis']:g}",
            theory=f"at least half; there: loss within {EXCESS:g} of the least, relatively, and "
            "capacities within the tolerance",
            estimate=row["reached"] / row["seeds"],
            interval=tuple(row["share_interval"]),
            band=(_SHARE, None),
            converged=row["moving"] == 0,
        )
        for row in rows
        if row["kurtosis"] >= _SPARSE
    ]


def _blocks(rows: Any) -> list[Check]:
    blocks = [block for row in rows for block in row["blocks"]]
    converged = all(row["best_converged"] for row in rows)
    off = [abs(block["dimension"] - round(block["dimension"])) for block in blocks]
    return [
        judge(
            "blocks of the best seeds, largest distance of a dimension from an integer",
            theory="0: a block of features that overlap fills whole dimensions; at most 0.02",
            estimate=max(off, default=None),
            band=(None, _DISTANCE),
            converged=converged,
        ),
        judge(
            "blocks of the best seeds, largest spread of the frame operator",
            theory="0: a block is a tight frame; at most 0.02 of the mean eigenvalue",
            estimate=max((block["spread"] for block in blocks), default=None),
            band=(None, _DISTANCE),
            converged=converged,
        ),
    ]


def _map(found: Any) -> Check:
    # Up to F = 3 the landscape has more minima than a few seeds can be asked to search.
    rows = [row for row in found["rows"] if row["kurtosis"] > 3]
    return judge(
        "map: capacities of the best seeds at F > 3, largest distance",
        theory="0 from the water-filling optimum; at most 0.02",
        estimate=max((row["distance"] for row in rows), default=None),
        band=(None, _DISTANCE),
        converged=all(row["best_converged"] for row in rows),
    )


def _order(rows: Any, tolerance: float) -> list[Check]:
    held = {row["kurtosis"]: row for row in rows}
    found = []

    def count(kurtosis: float, name: str, band: Band) -> None:
        row = held.get(kurtosis)
        if row is not None:
            found.append(
                judge(
                    f"C7: {name} features at F = {kurtosis:g}",
                    theory=f"{row['theory_census'][name]} by water filling",
                    # Importances for which theory itself lacks the class do not test the claim.
                    estimate=row["census"][name]
                    if _allows(band, row["theory_census"][name])
                    else None,
                    band=band,
                    converged=row["best_converged"],
                )
            )

    # The classes that the claim speaks of; one feature cannot share alone.
    count(6.0, "dedicated", (1, None))
    count(6.0, "shared", (2, None))
    count(6.0, "ignored", (1, None))
    # What the reading adds: no sharing of dense features, no room of one's own for sparse ones.
    count(2.0, "shared", (0, 0))
    count(180.0, "dedicated", (0, 0))
    found.append(
        judge(
            "C7: pairs of features out of the order of importance",
            theory="none: the best seeds' capacities never rise, by more than the tolerance "
            f"{tolerance:g}, as importance falls",
            estimate=sum(row["inversions"] for row in rows),
            band=(0, 0),
            converged=all(row["best_converged"] for row in rows),
        )
    )
    return found


def _allows(band: Band, count: int) -> bool:
    low, high = band
    return (low is None or low <= count) and (high is None or count <= high)


def _relu(found: Any, tolerance: float) -> list[Check]:
    rows = found["rows"]
    converged = all(row["best_converged"] for row in rows)
    return [
        judge(
            "C7: ReLU model: rank correlation of capacity with importance",
            theory="more than 0, which is no order: Kendall's, mean over probabilities; at most "
            f"{_MOVING:.0%} of the trainings may still move",
            estimate=found["correlation"],
            interval=found["correlation_interval"] and tuple(found["correlation_interval"]),
            band=(HAIR, None),
            converged=found["moving"] <= _MOVING,
        ),
        judge(
            "C7: ReLU model: pairs of features out of the order of importance",
            theory="none: the best seeds' capacities never rise, by more than the tolerance "
            f"{tolerance:g}, as importance falls",
            estimate=sum(row["inversions"] for row in rows),
            band=(0, 0),
            converged=converged,
        ),
        judge(
            "C7: ReLU model: probabilities at which the best seed has all three classes",
            theory="at least one: dedicated, shared and ignored side by side",
            estimate=sum(all(row["census"].values()) for row in rows),
            band=(1, None),
            converged=converged,
        ),
    ]
