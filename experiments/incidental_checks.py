"""The verdicts of the incidental experiment."""

from __future__ import annotations

import itertools
from typing import Any

from experiments import incidental_probes, incidental_sizes
from experiments.claims import verdicts
from experiments.harness.checks import Check, Claim, judge
from experiments.harness.experiment import Result

__all__ = ["checks", "claims"]

_RESOLUTION = 0.1
# Bands are closed, and 0 is not more than 0.
_POSITIVE = 1e-9


def checks(_config: object, result: Result) -> list[Check]:
    """Counts, exponents, interventions, dynamics, noise."""
    data: Any = result.data
    return [
        *_counts(data),
        *_exponents(data),
        *_starts(data),
        *_course(data),
        *_noise(data),
        *_claimed(data),
    ]


def _counts(data: Any) -> list[Check]:
    found = []
    for row in data["counts"]:
        size = (row["features"], row["neurons"])
        if row["optimiser"] == "proximal" and size in incidental_sizes.REFERENCE:
            mean, error = incidental_sizes.REFERENCE[size]
            joint = 2 * (error**2 + row["error"] ** 2) ** 0.5
            found.append(
                judge(
                    f"shared neurons at n = {size[0]}, m = {size[1]}",
                    theory=f"{mean:g} ± {error:g}, measured before; two joint standard errors",
                    estimate=row["count"],
                    band=(mean - joint, mean + joint),
                    converged=row["converged"],
                )
            )
    for optimiser in dict.fromkeys(row["optimiser"] for row in data["counts"]):
        rows = [row for row in data["counts"] if row["optimiser"] == optimiser]
        done = sum(row["converged"] for row in rows)
        criterion = (
            "rate·steps·penalty >= 5"
            if optimiser == "proximal"
            else "no count moves in the last fifth"
        )
        found.append(
            judge(
                f"sizes that converged, {optimiser}",
                theory=f"all {len(rows)}: 99% of features on one weight > 0.5, and {criterion}",
                estimate=done,
                band=(len(rows), len(rows)),
                converged=done == len(rows),
            )
        )
    return found


def _exponents(data: Any) -> list[Check]:
    found = []
    for optimiser, fit in data["exponents"].items():
        for place, size in enumerate(fit["over"]):
            low, high = fit["intervals"][place]
            found.append(
                judge(
                    f"half-width of the exponent in {size}, {optimiser}",
                    theory="at most 0.1 at 95%",
                    estimate=(high - low) / 2,
                    band=(None, 0.1),
                )
            )
            for name, powers in fit["laws"].items():
                centre = powers[place]
                found.append(
                    judge(
                        f"exponent in {size}, {optimiser}, against {name}",
                        theory=f"{centre:.3f} on the same sizes, to {_RESOLUTION}",
                        estimate=fit["observed"][place],
                        interval=(low, high),
                        band=(centre - _RESOLUTION, centre + _RESOLUTION),
                        note=_explained(name, optimiser),
                    )
                )
        for name, row in fit["ratios"].items():
            found.append(
                judge(
                    f"all shared neurons over those of {name}, {optimiser}",
                    theory="1 where m >= 2n, to a tenth",
                    estimate=row["ratio"],
                    interval=tuple(row["interval"]),
                    band=(0.9, 1.1),
                    note=_explained(name, optimiser),
                )
            )
    return found


_PAIRS = (
    "n²/4m counts pairs, each as if it were alone, and so too many: it lets a feature meet itself "
    "(n² for n(n-1)), and a third feature land on a neuron that is taken. Both errors are of order "
    "n/m, so that they bend the exponents on any finite grid; the drop model has neither."
)
_ATTRACTION = (
    "AdamW shares more than chance where m is much larger than n. While two features with a "
    "positive overlap part, the gradient strengthens their weights of opposite signs on common "
    "neurons; AdamW gives this small push the step size of any other. The weights that end shared "
    "were of lower rank at the start than those that end alone."
)


def _explained(law: str, optimiser: str) -> str:
    parts = [_PAIRS] if law in ("n²/4m", "n(n-1)/(4m-2)") else []
    return " ".join(parts + ([_ATTRACTION] if optimiser == "adamw" else []))


def _starts(data: Any) -> list[Check]:
    rows = data["starts"]

    def count(name: str, most: float) -> Check:
        row = rows[name]
        return judge(
            f"shared neurons from a {name} start",
            theory=f"none; at most {most:g}",
            estimate=row["count"],
            interval=tuple(row["interval"]),
            band=(None, most),
            converged=row["converged"],
        )

    return [
        count("margin", 0.01),
        count("non-negative", 0.01),
        judge(
            "C10: planted pair of opposite signs still shares its neuron",
            theory="always, as the ReLU hides the collision; at least 0.98",
            estimate=rows["planted-opposite"]["shared"],
            interval=tuple(rows["planted-opposite"]["shared_interval"]),
            band=(0.98, None),
            converged=rows["planted-opposite"]["converged"],
        ),
        judge(
            "C10: planted pair of equal signs still shares its neuron",
            theory="never, as the two disturb each other; at most 0.02",
            estimate=rows["planted-same"]["shared"],
            interval=tuple(rows["planted-same"]["shared_interval"]),
            band=(None, 0.02),
            converged=rows["planted-same"]["converged"],
        ),
        judge(
            "cut of the count by a collision-free start",
            theory="a half at n = 16, m = 256, measured before, ± 0.2",
            estimate=rows["cut"]["mean"],
            interval=tuple(rows["cut"]["interval"]),
            band=(0.3, 0.7),
            converged=rows["collision-free"]["converged"],
        ),
    ]


def _course(data: Any) -> list[Check]:
    row = data["course"]
    return [
        judge(
            "|w|_1 against 1/(1/√m + λt), 0.02 < λt < 0.9, worst",
            theory="within a factor of 1.5",
            estimate=row["fold"],
            interval=tuple(row["fold_interval"]),
            band=(1.0, 1.5),
        ),
        judge(
            "|w|_1 against the flow of each feature alone, worst",
            theory="the flow from the same starts, within 10%",
            estimate=row["apart"],
            band=(None, 0.1),
        ),
        judge(
            f"slope of the non-zero weights in log λt, from λt = {row['slope_from']:.3g}",
            theory=f"-2 ± 0.3; {row['slope_law']:.2f} for many neurons, "
            f"{row['slope_flow']:.2f} for the flow from the same starts",
            estimate=row["slope"],
            interval=tuple(row["slope_interval"]),
            band=(-2.3, -1.7),
        ),
    ]


def _noise(data: Any) -> list[Check]:
    rows = {row["kind"]: row for row in data["noises"] if row["kind"] in incidental_probes.KINDS}
    m = data["noise_size"][1]

    def aligned(kind: str, theory: str, band: tuple[float | None, float | None]) -> Check:
        row = rows[kind]
        return judge(
            f"axis alignment under {kind} noise",
            theory=theory,
            estimate=row["alignment"],
            interval=tuple(row["alignment_interval"]),
            band=band,
            converged=row["converged"],
        )

    centre = 3 / (m + 2)
    family = [row["alignment"] for row in data["noises"] if row["kind"] == "three-point"]
    falls = [a - b for a, b in itertools.pairwise(family)]
    return [
        aligned("bipolar", "more than 0.7", (0.7, None)),
        aligned(
            "gaussian",
            f"3/(m+2) = {centre:.4g}, as for a random direction, ± 0.03",
            (centre - 0.03, centre + 0.03),
        ),
        aligned("laplace", "less than 0.12", (None, 0.12)),
        judge(
            "least fall of the alignment from one kurtosis of the family to the next",
            theory="positive: alignment falls as kurtosis rises",
            estimate=min(falls),
            band=(_POSITIVE, None),
            converged=all(row["converged"] for row in data["noises"]),
        ),
    ]


def _claimed(data: Any) -> list[Check]:
    starts, m = data["starts"], data["noise_size"][1]
    noise = {row["kind"]: row for row in data["noises"]}
    none = data["penalties"][0]
    law = data["noise_size"][0] ** 2 / (4 * m)
    room = max(
        (row for row in data["counts"] if row["converged"]),
        key=lambda row: (row["features"], row["neurons"]),
        default=data["counts"][0],
    )
    return [
        judge(
            "C9: shared neurons with the most room",
            theory="some, although there is a neuron for every feature",
            estimate=room["count"],
            interval=tuple(room["interval"]),
            band=(_POSITIVE, None),
            converged=room["converged"],
            note=f"n = {room['features']}, m = {room['neurons']}, {room['optimiser']}",
        ),
        judge(
            "C9: shared neurons from a start with a margin",
            theory="none: it is the start that matters; at most 0.01",
            estimate=starts["margin"]["count"],
            interval=tuple(starts["margin"]["interval"]),
            band=(None, 0.01),
            converged=starts["margin"]["converged"],
        ),
        judge(
            "C11: axis alignment without a penalty",
            theory=f"3/(m+2) = {3 / (none['neurons'] + 2):.4g} exactly, the flow being the same in "
            "every basis; within 3%",
            estimate=none["alignment"],
            interval=tuple(none["alignment_interval"]),
            band=(0.97 * 3 / (none["neurons"] + 2), 1.03 * 3 / (none["neurons"] + 2)),
        ),
        judge(
            "C11: axis alignment under bipolar noise, no penalty",
            theory="more than 0.7",
            estimate=noise["bipolar"]["alignment"],
            interval=tuple(noise["bipolar"]["alignment_interval"]),
            band=(0.7, None),
            converged=noise["bipolar"]["converged"],
        ),
        judge(
            "C11: shared neurons under bipolar noise",
            theory=f"fewer than n²/4m = {law:g}",
            estimate=noise["bipolar"]["count"],
            interval=tuple(noise["bipolar"]["interval"]),
            band=(None, law),
            converged=noise["bipolar"]["converged"],
        ),
    ]


def claims(found: list[Check]) -> list[Claim]:
    """C9, C10, C11."""
    return verdicts(("C9", "C10", "C11"), found)
