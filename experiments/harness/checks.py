"""Verdicts: on a prediction, from an interval and a band; on a claim, from its checks."""

from __future__ import annotations

import enum
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

Number = int | float
Band = tuple[Number | None, Number | None]

HAIR = 1e-9
"""Bands are closed: one for what is more than 0, or more than 1, begins this far above it."""


class Verdict(enum.StrEnum):
    """What a check found."""

    PASS = "PASS"
    FAIL = "FAIL"
    INCONCLUSIVE = "INCONCLUSIVE"
    NOT_CONVERGED = "NOT CONVERGED"


class ClaimVerdict(enum.StrEnum):
    """What an experiment says about a published claim."""

    SUPPORTED = "supported"
    REFUTED = "refuted"
    REFINED = "refined"
    INCONCLUSIVE = "inconclusive"
    OUT_OF_REACH = "out of reach"
    NOT_RUN = "not run"


@dataclass(frozen=True)
class Check:
    """A prediction beside its measurement.

    `theory` says the prediction in a few words. `interval` is the range in which the measured
    quantity lies with the stated confidence, None where the estimate is exact. `band` is the range
    that the theory allows, its ends included; None is no limit on that side.
    """

    name: str
    theory: str
    estimate: Number | None
    interval: tuple[Number, Number] | None
    band: Band
    verdict: Verdict
    note: str = ""


@dataclass(frozen=True)
class Claim:
    """A published claim and its verdict; `evidence` names the checks and the numbers."""

    id: str
    statement: str
    verdict: ClaimVerdict
    evidence: str


def judge(
    name: str,
    *,
    theory: str,
    estimate: Number | None,
    interval: tuple[Number, Number] | None = None,
    band: Band,
    within: tuple[float, float] | None = None,
    converged: bool = True,
    note: str = "",
) -> Check:
    """Return the check with its verdict.

    `within` is a range that the quantity cannot leave, as a share cannot leave [0, 1]: the interval
    is cut to it, by which it loses nothing that it could have covered.

    NOT CONVERGED if the run says so. Else PASS if the interval (the estimate, where there is no
    interval) lies in the band, FAIL if it lies outside, INCONCLUSIVE if it overlaps an end, or if
    there is no finite number to compare; such a number is recorded as None. Integers of any size
    compare exactly, also with floats.

    Raises ValueError if the band or the interval runs backwards, or an end of the band is not
    finite.
    """
    low, high = band
    for end in band:
        if end is not None and not _finite(end):
            raise ValueError(f"`band` must have finite ends or None; got {band}.")
    if low is not None and high is not None and low > high:
        raise ValueError(f"`band` must be ordered; got {band}.")
    if interval is not None and interval[0] > interval[1]:
        raise ValueError(f"`interval` must be ordered; got {interval}.")

    if interval is not None and within is not None:
        low_end, high_end = within
        interval = (
            min(max(interval[0], low_end), high_end),
            max(min(interval[1], high_end), low_end),
        )
    estimate = estimate if estimate is not None and _finite(estimate) else None
    known = interval is None or (_finite(interval[0]) and _finite(interval[1]))
    measured = interval or (None if estimate is None else (estimate, estimate))
    if not converged:
        verdict = Verdict.NOT_CONVERGED
    elif measured is None or not known:
        verdict = Verdict.INCONCLUSIVE
    else:
        verdict = _compare(measured, low, high)
    return Check(name, theory, estimate, interval if known else None, band, verdict, note)


def judge_effect(
    name: str,
    *,
    theory: str,
    effect: Mapping[str, Any],
    band: Band,
    within: tuple[float, float] | None = None,
    converged: bool = True,
    note: str = "",
) -> Check:
    """Return the check of a measured effect: its `mean`, and its `interval` or None, as `judge`."""
    interval = effect["interval"]
    return judge(
        name,
        theory=theory,
        estimate=effect["mean"],
        interval=None if interval is None else (interval[0], interval[1]),
        band=band,
        within=within,
        converged=converged,
        note=note,
    )


def judge_near(
    name: str,
    *,
    theory: str,
    effect: Mapping[str, Any],
    centre: float,
    share: float,
    converged: bool = True,
    note: str = "",
) -> Check:
    """Return the check that an effect lies within `share` of a positive `centre`, as a share."""
    return judge_effect(
        name,
        theory=theory,
        effect=effect,
        band=(centre * (1 - share), centre * (1 + share)),
        converged=converged,
        note=note,
    )


def _compare(measured: tuple[Number, Number], low: Number | None, high: Number | None) -> Verdict:
    if (low is None or low <= measured[0]) and (high is None or measured[1] <= high):
        return Verdict.PASS
    if (low is not None and measured[1] < low) or (high is not None and high < measured[0]):
        return Verdict.FAIL
    return Verdict.INCONCLUSIVE


def _finite(value: Number) -> bool:
    # An integer beyond the range of floats is finite, but math.isfinite cannot convert it.
    return isinstance(value, int) or math.isfinite(value)


def check_from_json(record: Mapping[str, Any]) -> Check:
    """Return the check that a record holds."""
    interval = record["interval"]
    return Check(
        name=record["name"],
        theory=record["theory"],
        estimate=record["estimate"],
        interval=None if interval is None else (interval[0], interval[1]),
        band=(record["band"][0], record["band"][1]),
        verdict=Verdict(record["verdict"]),
        note=record["note"],
    )


def claim_from_json(record: Mapping[str, Any]) -> Claim:
    """Return the claim that a record holds."""
    return Claim(
        record["id"], record["statement"], ClaimVerdict(record["verdict"]), record["evidence"]
    )
