"""Verdicts on claims follow from named checks."""

from __future__ import annotations

import dataclasses

import pytest

from experiments.claims import CLAIMS, verdicts
from experiments.harness.checks import Check, ClaimVerdict, Verdict


def passing(name: str) -> Check:
    return Check(name, "", 1, None, (None, None), Verdict.PASS)


def test_eighteen_claims_with_stable_ids() -> None:
    assert list(CLAIMS) == [f"C{number}" for number in range(1, 19)]


@pytest.mark.parametrize("name", ["C1", "C2", "C3", "C4", "C7"])
def test_verdicts(name: str) -> None:
    checks = [passing(need) for need in CLAIMS[name].needs]
    assert verdicts([name], checks)[0].verdict is CLAIMS[name].when_met
    assert verdicts([name], checks[1:])[0].verdict is ClaimVerdict.NOT_RUN
    for verdict in (Verdict.INCONCLUSIVE, Verdict.NOT_CONVERGED):
        open_ = [dataclasses.replace(checks[0], verdict=verdict), *checks[1:]]
        assert verdicts([name], open_)[0].verdict is ClaimVerdict.INCONCLUSIVE
    failed = [dataclasses.replace(checks[0], verdict=Verdict.FAIL), *checks[1:]]
    refined = CLAIMS[name].when_met is ClaimVerdict.REFINED
    expected = ClaimVerdict.INCONCLUSIVE if refined else ClaimVerdict.REFUTED
    assert verdicts([name], failed)[0].verdict is expected


@pytest.mark.parametrize("name", ["C5", "C6", "C8", "C14"])
def test_a_claim_of_several_experiments(name: str) -> None:
    parts = CLAIMS[name].parts
    assert len(parts) > 1
    all_checks = [passing(need) for needs in parts.values() for need in needs]
    assert verdicts([name], all_checks)[0].verdict is CLAIMS[name].when_met
    assert verdicts([name], all_checks[:-1])[0].verdict is ClaimVerdict.NOT_RUN
    assert verdicts([name], [])[0].verdict is ClaimVerdict.NOT_RUN
    for part, needs in parts.items():
        # One experiment alone leaves it open, and names the others.
        held = verdicts([name], [passing(need) for need in needs])[0]
        assert held.verdict is ClaimVerdict.INCONCLUSIVE
        for other in parts:
            assert (f"experiments.{other}" in held.evidence) == (other != part)


def test_tenfold_scaling_is_refined_unless_the_target_stays() -> None:
    checks = {need: passing(need) for need in CLAIMS["C16"].needs}
    assert verdicts(["C16"], checks.values())[0].verdict is ClaimVerdict.REFINED
    for need, check in checks.items():
        failed = checks | {need: dataclasses.replace(check, verdict=Verdict.FAIL)}
        core = need in CLAIMS["C16"].core
        expected = ClaimVerdict.REFUTED if core else ClaimVerdict.INCONCLUSIVE
        assert verdicts(["C16"], failed.values())[0].verdict is expected


def test_a_claim_without_rule_is_not_run() -> None:
    assert verdicts(["C9"], [])[0].verdict is ClaimVerdict.NOT_RUN
