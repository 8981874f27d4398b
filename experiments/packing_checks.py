"""The checks that both questions of the packing experiment share."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from experiments.harness.checks import Check, Verdict, judge

__all__ = ["certificate", "random_coherence"]


def certificate(found: Mapping[str, Any], where: str, *, allowed: float, words: str) -> Check:
    """Whether every |cos| was proved to be at most `allowed`, which `words` say exactly."""
    return Check(
        f"certificate, {where}",
        theory=f"every |cos| <= {words}",
        estimate=found["largest"],
        interval=None,
        band=(None, allowed),
        verdict=Verdict.PASS if found["holds"] else Verdict.FAIL,
        note=f"{found['level']}: {found['detail']}",
    )


def random_coherence(found: Mapping[str, Any], where: str) -> list[Check]:
    """The measured median coherence of random directions beside its law; none if not measured."""
    if found["median"] is None:
        return []
    return [
        judge(
            f"coherence of {found['count']} random directions, {where}",
            theory=f"median {found['law']:.4f}",
            estimate=found["median"],
            # Too few draws have no interval, and decide nothing.
            interval=tuple(found["interval"] or (-math.inf, math.inf)),
            # The interval of a median of n draws lies between these quantiles of the law with
            # probability above 99% from n = 16 on.
            band=(found["law_5"], found["law_95"]),
        )
    ]
