import math

import pytest

from experiments.harness import exact_json
from experiments.harness.checks import (
    Claim,
    ClaimVerdict,
    Number,
    Verdict,
    check_from_json,
    claim_from_json,
    judge,
    judge_near,
)

HUGE = 10**400  # beyond every float


@pytest.mark.parametrize(
    ("interval", "band", "verdict"),
    [
        ((2, 3), (1, 4), Verdict.PASS),
        ((1, 4), (1, 4), Verdict.PASS),  # the ends belong to the band
        ((0.5, 3), (1, 4), Verdict.INCONCLUSIVE),
        ((2, 5), (1, 4), Verdict.INCONCLUSIVE),
        ((0, 5), (1, 4), Verdict.INCONCLUSIVE),
        ((4, 5), (1, 4), Verdict.INCONCLUSIVE),  # touches one end
        ((4.01, 5), (1, 4), Verdict.FAIL),
        ((-1, 0.99), (1, 4), Verdict.FAIL),
        ((2, 9), (1, None), Verdict.PASS),
        ((-2, 0), (1, None), Verdict.FAIL),
        ((-2, 9), (None, 9), Verdict.PASS),
        ((10, 11), (None, 9), Verdict.FAIL),
        ((-5, 5), (None, None), Verdict.PASS),
    ],
)
def test_interval_against_band(
    interval: tuple[Number, Number],
    band: tuple[Number | None, Number | None],
    verdict: Verdict,
) -> None:
    check = judge("c", theory="t", estimate=0, interval=interval, band=band)
    assert check.verdict is verdict
    assert check.interval == interval


@pytest.mark.parametrize(
    ("estimate", "verdict"), [(1, "PASS"), (4, "PASS"), (0.999, "FAIL"), (5, "FAIL")]
)
def test_exact_estimate_never_lies_across_an_end(estimate: Number, verdict: str) -> None:
    assert judge("c", theory="t", estimate=estimate, band=(1, 4)).verdict == verdict


def test_integers_beyond_floats_compare_exactly() -> None:
    assert judge("c", theory="t", estimate=2**60 + 1, band=(None, 2**60)).verdict == "FAIL"
    assert judge("c", theory="t", estimate=HUGE, band=(1.5, HUGE)).verdict == "PASS"
    assert judge("c", theory="t", estimate=1, interval=(1, HUGE), band=(0, 2.5)).verdict == (
        "INCONCLUSIVE"
    )


@pytest.mark.parametrize("estimate", [None, math.nan, math.inf])
def test_without_a_finite_number_nothing_is_concluded(estimate: float | None) -> None:
    check = judge("c", theory="t", estimate=estimate, band=(0, 1))
    assert (check.estimate, check.verdict) == (None, Verdict.INCONCLUSIVE)
    exact_json.dumps(exact_json.plain(check))


def test_an_interval_without_ends_is_dropped() -> None:
    check = judge("c", theory="t", estimate=0.5, interval=(0, math.inf), band=(0, 1))
    assert (check.estimate, check.interval, check.verdict) == (0.5, None, Verdict.INCONCLUSIVE)


def test_an_interval_is_cut_to_what_the_quantity_can_be() -> None:
    share = judge(
        "a", theory="b", estimate=0.99, interval=(0.97, 1.01), band=(0.9, None), within=(0.0, 1.0)
    )
    assert share.interval == (0.97, 1.0)
    none = judge(
        "a", theory="b", estimate=0.0, interval=(-0.1, 0.1), band=(0.0, 0.2), within=(0.0, 1.0)
    )
    assert (none.interval, none.verdict) == ((0.0, 0.1), "PASS")


def test_not_converged_goes_before_any_comparison() -> None:
    check = judge("c", theory="t", estimate=9, band=(0, 1), converged=False, note="n")
    assert (check.verdict, check.note) == (Verdict.NOT_CONVERGED, "n")


def test_backward_ranges_are_refused() -> None:
    with pytest.raises(ValueError, match=r"^`band` must be ordered; got \(2, 1\)\.$"):
        judge("c", theory="t", estimate=0, band=(2, 1))
    with pytest.raises(ValueError, match=r"^`interval` must be ordered; got \(2, 1\)\.$"):
        judge("c", theory="t", estimate=0, interval=(2, 1), band=(0, 1))
    with pytest.raises(ValueError, match=r"^`band` must have finite ends or None; got \(0, inf\)"):
        judge("c", theory="t", estimate=0, band=(0, math.inf))


def test_records_come_back_equal() -> None:
    check = judge("c", theory="t", estimate=HUGE, interval=(0.1, HUGE), band=(None, 2), note="n")
    claim = Claim("C1", "s", ClaimVerdict.OUT_OF_REACH, "e")
    for value, back in ((check, check_from_json), (claim, claim_from_json)):
        assert back(exact_json.loads(exact_json.dumps(exact_json.plain(value)))) == value


def test_near_is_a_share_of_the_centre() -> None:
    effect = {"mean": 2.0, "interval": [1.95, 2.05]}
    check = judge_near("a", theory="2 within 5%", effect=effect, centre=2.0, share=0.05)
    assert (check.band, check.verdict) == ((1.9, 2.1), Verdict.PASS)
    narrow = judge_near("a", theory="2 within 1%", effect=effect, centre=2.0, share=0.01)
    assert narrow.verdict is Verdict.INCONCLUSIVE
