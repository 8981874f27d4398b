"""The verdicts of the incidental experiment."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np

from experiments import incidental_probes, incidental_sizes
from experiments.claims import verdicts_of
from experiments.harness.checks import HAIR, Band, Check, Claim, judge
from experiments.harness.experiment import Result
from experiments.intervals import mean_interval

__all__ = ["checks", "claims"]

# Not from theory: what the question asks to be resolved.
_RESOLUTION = 0.1


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
            else "no count differs between 80, 90 and 100% of the steps"
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
        if "reason" in fit:
            found.append(
                judge(
                    f"exponents, {optimiser}",
                    theory="a Poisson regression where m >= 2n",
                    estimate=None,
                    band=(None, None),
                    note=fit["reason"],
                )
            )
            continue
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
                    theory=f"1 where m >= 2n, to {_RESOLUTION}",
                    estimate=row["ratio"],
                    interval=tuple(row["interval"]),
                    band=(1 - _RESOLUTION, 1 + _RESOLUTION),
                    note=_explained(name, optimiser),
                )
            )
    return found


_CROWDED = (
    "It counts pairs, each as if it were alone: a third feature may land on a neuron that is "
    "taken, which costs a share of order n/m. So its power of n and m is not that of counts on a "
    "finite grid, and the drop model, which lets neurons be taken, is the law to hold them "
    "against."
)
_ITSELF = "n² for n(n-1) lets a feature meet itself, a share of 1/n too many. "
_ADAPTIVE = (
    "AdamW does not leave the choice to the start: which weight remains has little to do with "
    "its size there, and pairs that disturb each other (a positive inner product at the start) "
    "are drawn together, where proximal descent parts them: while they part, the gradient "
    "strengthens their weights of opposite signs on common neurons, and AdamW gives that small "
    "push the step of any other. The table has the ranks and the overlaps."
)


def _explained(law: str, optimiser: str) -> str:
    parts = {"n²/4m": [_ITSELF + _CROWDED], "n(n-1)/(4m-2)": [_CROWDED]}.get(law, [])
    return " ".join(parts + ([_ADAPTIVE] if optimiser == "adamw" else []))


def _starts(data: Any) -> list[Check]:
    rows = data["starts"]
    natural = rows["random"]["collisions"]
    published = data["probe"] == [16, 256]

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
            "C10: natural collisions of opposite signs still share their neuron",
            theory="more than half: training keeps them rather than undoes them",
            estimate=_share(natural["opposite"]),
            interval=tuple(natural["opposite"]["interval"]),
            band=(0.5, None),
            converged=rows["random"]["converged"],
        ),
        judge(
            "C10: natural collisions of equal signs still share their neuron",
            theory="less than half: training undoes them",
            estimate=_share(natural["equal"]),
            interval=tuple(natural["equal"]["interval"]),
            band=(None, 0.5),
            converged=rows["random"]["converged"],
        ),
        judge(
            "cut of the count by a collision-free start",
            theory="a half at n = 16, m = 256, measured before, ± 0.2"
            if published
            else "between none and all",
            estimate=rows["cut"]["mean"],
            interval=_interval(rows["cut"]),
            band=(0.3, 0.7) if published else (0.0, 1.0),
            converged=rows["collision-free"]["converged"],
        ),
    ]


def _share(row: Any) -> float | None:
    return row["lasted"] / row["met"] if row["met"] else None


def _interval(row: Any) -> tuple[float, float] | None:
    return None if row["interval"] is None else (row["interval"][0], row["interval"][1])


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
        judge(
            "λt at which half of the features have one weight left",
            theory=f"{row['flow_half']:.3g} in the flow from the same starts, within 10%",
            estimate=row["half"],
            band=(0.9 * row["flow_half"], 1.1 * row["flow_half"]),
        ),
    ]


def _noise(data: Any) -> list[Check]:
    rows = {row["kind"]: row for row in data["noises"] if row["kind"] in incidental_probes.KINDS}
    m = data["noise_size"][1]

    def aligned(kind: str, theory: str, band: Band) -> Check:
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
    # Seeds have the same starts under every kind.
    falls = [
        np.subtract(rows[one]["alignments"], rows[two]["alignments"])
        for one, two in itertools.pairwise(incidental_probes.KINDS)
    ]
    least = min(falls, key=np.mean)
    return [
        aligned("bipolar", "more than 0.7", (0.7, None)),
        aligned(
            "gaussian",
            f"3/(m+2) = {centre:.4g}, as for a random direction, ± 0.03",
            (centre - 0.03, centre + 0.03),
        ),
        aligned("laplace", "less than 0.12", (None, 0.12)),
        judge(
            "least fall of the alignment, from bipolar to uniform, Gaussian and Laplace noise",
            theory="positive: alignment falls as kurtosis rises",
            estimate=float(np.mean(least)),
            interval=mean_interval(least),
            band=(HAIR, None),
            converged=all(row["converged"] for row in rows.values()),
        ),
    ]


def _claimed(data: Any) -> list[Check]:
    starts, m = data["starts"], data["noise_size"][1]
    noise = {row["kind"]: row for row in data["noises"]}
    none = data["penalties"][0]
    law = data["noise_size"][0] ** 2 / (4 * m)
    with_penalty = next(row for row in data["penalties"] if row["penalty"] > 0)
    random = 3 / (m + 2)
    return [
        *_roomiest(data),
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
            converged=none["converged"],
        ),
        judge(
            "C11: axis alignment with a penalty",
            theory=f"at least 0.9, at λ = {with_penalty['penalty']:g}",
            estimate=with_penalty["alignment"],
            interval=tuple(with_penalty["alignment_interval"]),
            band=(0.9, None),
            within=(0.0, 1.0),
            converged=with_penalty["converged"],
        ),
        judge(
            "C11: axis alignment under Laplace noise, no penalty",
            theory=f"less than that of a random direction, 3/(m+2) = {random:.4g}",
            estimate=noise["laplace"]["alignment"],
            interval=tuple(noise["laplace"]["alignment_interval"]),
            band=(None, random),
            converged=noise["laplace"]["converged"],
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


def _roomiest(data: Any) -> list[Check]:
    """The size with the most neurons for each feature, if there is one for each anywhere."""
    rows = [row for row in data["counts"] if row["neurons"] >= row["features"]]
    if not rows:
        return []
    row = max(rows, key=lambda row: (row["neurons"] / row["features"], row["seeds"]))
    return [
        judge(
            "C9: shared neurons with the most room",
            theory="some, although there is a neuron for every feature",
            estimate=row["count"],
            interval=tuple(row["interval"]),
            band=(HAIR, None),
            converged=row["converged"],
            note=f"n = {row['features']}, m = {row['neurons']}, {row['optimiser']}",
        )
    ]


def claims(found: list[Check]) -> list[Claim]:
    """C9, C10, C11."""
    return verdicts_of("incidental", found)
