"""Certificates prove what is true, and fail when a row is perturbed."""

from __future__ import annotations

import dataclasses
from fractions import Fraction

import numpy as np
import pytest
from numpy.typing import NDArray

from geometry import certify, exact
from geometry.certify import AllPairs, GramIdentity, InSection, Level, WithSample
from geometry.constructions.chirps import Chirps
from geometry.constructions.conference import ConferenceFrame, ConferenceRows
from geometry.constructions.delsarte_goethals import DelsarteGoethals
from geometry.constructions.gold import Gold
from geometry.constructions.polygon import Polygon
from geometry.constructions.root_systems import RootSystemD, RootSystemE
from geometry.constructions.simplex import Simplex
from geometry.exact import Cosine
from geometry.moves import DirectSum, Puncture, Subset, ZeroPad
from geometry.packing import Packing, Rows, Section
from geometry.rounding import float64_bound


def every(packing: Packing) -> Rows:
    return packing.rows(np.arange(packing.count, dtype=np.int64))


def test_integer_rows_are_compared_exactly() -> None:
    packing = ConferenceRows(25)
    finding = AllPairs(every(packing), packing.coherence, packing.coherence, "").check()
    assert finding.holds
    assert finding.level is Level.ALL_PAIRS
    assert finding.pairs == 26 * 25 // 2
    assert finding.largest == exact.eps("1/24")
    just_below = Cosine.ratio(Fraction(1, 24) - Fraction(1, 10**30))
    assert not AllPairs(every(packing), just_below, packing.coherence, "").check().holds


@pytest.mark.parametrize("row", [0, 7, 25])
def test_a_perturbed_integer_row_fails(row: int) -> None:
    packing = ConferenceRows(25)
    values = every(packing).values.copy()
    values[row, 3] += 3
    rows = Rows.integral(values)
    assert not AllPairs(rows, packing.coherence, packing.coherence, "").check().holds


def test_a_repeated_row_fails() -> None:
    values = every(ConferenceRows(13)).values.copy()
    values[5] = -values[9]
    finding = AllPairs(Rows.integral(values), exact.eps("0.99"), exact.eps("0.99"), "").check()
    assert not finding.holds
    assert finding.largest == Cosine(Fraction(1))


def test_large_integers_are_exact_too() -> None:
    # Products of 2^26 - 1 and neighbours need all of float64's 53 bits.
    a = 2**26 - 1
    values = np.array([[a, 0], [a - 1, 1]], np.int64)
    finding = AllPairs(Rows.integral(values), exact.eps("0.5"), exact.eps("0.5"), "").check()
    assert finding.largest == Cosine(Fraction(a - 1) ** 2 / ((a - 1) ** 2 + 1))


def test_mixed_norms_are_compared_across_classes() -> None:
    rows = Rows.integral(np.array([[1, 0, 0], [0, 1, 0], [1, 1, 1]], np.int8))
    finding = AllPairs(rows, exact.eps("1/sqrt(3)"), exact.eps("1/sqrt(3)"), "").check()
    assert finding.holds
    assert finding.largest == exact.eps("1/sqrt(3)")


def test_float_rows_prove_what_leaves_room_for_rounding() -> None:
    packing = Simplex(7)
    roomy = AllPairs(every(packing), exact.eps("0.15"), packing.coherence, "why").check()
    assert roomy.holds
    assert roomy.level is Level.ALL_PAIRS
    assert packing.coherence < roomy.largest
    tight = AllPairs(every(packing), packing.coherence, packing.coherence, "why").check()
    assert tight.holds
    assert tight.level is Level.BY_THEOREM
    assert not AllPairs(every(packing), exact.eps("0.14"), packing.coherence, "").check().holds


def test_a_perturbed_float_row_fails() -> None:
    packing = Simplex(7)
    values = every(packing).values.copy()
    values[2, 0] += 1e-12  # a thousand times the rounding bound
    rows = Rows.floating(values)
    assert not AllPairs(rows, packing.coherence, packing.coherence, "").check().holds


HALF = exact.eps("1/2")


@pytest.mark.parametrize(
    ("values", "norms", "said"),
    [
        ([[1, 0], [0, 0]], [1, 1], "another squared norm"),
        ([[1, 1], [1, 1]], [4, 4], "another squared norm"),
        ([[1.0, 0], [0.9, 0.1]], [1, 1], "no integers"),
        ([[1.0, 0], [0, np.nan]], [1, 0], "NaN"),
        ([[1.0, 0], [0, np.inf]], [0, 0], "NaN or infinite"),
        ([[1.0, 0], [0, 0.0]], [1, 0], "no unit vector"),
        ([[1.0, 0], [0, 3.0]], [1, 0], "no unit vector"),
        ([[2.8e-162, 0], [0.6, 0.8]], [0, 0], "no unit vector"),
        ([[1, 0], [0, 1]], [1, -1], "negative"),
        ([[2.0**40, 0], [0, 1]], [1, 1], "too large"),
    ],
)
def test_rows_that_are_not_what_they_state_never_pass(
    values: list[list[float]], norms: list[int], said: str
) -> None:
    rows = Rows(np.array(values), np.array(norms))
    finding = AllPairs(rows, HALF, HALF, "").check()
    assert not finding.holds
    assert said in finding.detail
    assert finding.pairs == 0


@pytest.mark.parametrize("row", [0, 7])
def test_a_generator_that_drops_an_entry_fails(row: int) -> None:
    rows = every(ConferenceRows(25))
    values = rows.values.copy()
    values[row, 3] = 0
    stale = Rows(values, rows.squared_norms)
    assert not AllPairs(stale, HALF, HALF, "").check().holds


def test_float_rows_are_compared_with_integral_ones_too() -> None:
    rows = Rows(np.array([[1.0, 0.0], [0.8, 0.6]]), np.array([1, 0]))
    finding = AllPairs(rows, exact.eps("0.79"), exact.eps("0.79"), "").check()
    assert not finding.holds
    assert AllPairs(rows, exact.eps("0.81"), exact.eps("0.8"), "").check().holds


def test_products_beyond_float32_are_exact() -> None:
    # Squared norms 2^26 + 1 and inner product 2^26 - 1, which float32 rounds to 2^26.
    a = 2**13
    rows = Rows.integral(np.array([[a, 1], [a, -1]], np.int64))
    finding = AllPairs(rows, exact.eps("0.99999999"), exact.eps("0.99999999"), "").check()
    assert finding.largest == Cosine.ratio(Fraction(2**26 - 1, 2**26 + 1))


def test_the_rounding_bound_is_the_derived_one() -> None:
    for dim in (2, 500, 12288):
        terms = Fraction(dim + 8, 2**53)
        derived = 2 * terms / (1 - terms)
        assert abs(Fraction(float64_bound(dim)) / derived - 1) < Fraction(1, 2**50)


def product(left: list[Fraction], right: list[Fraction]) -> Fraction:
    return sum((a * b for a, b in zip(left, right, strict=True)), Fraction(0))


def test_the_rounding_bound_holds_against_exact_arithmetic() -> None:
    values = np.random.default_rng(3).normal(size=(6, 40))
    values /= np.linalg.norm(values, axis=1)[:, None]
    computed = AllPairs(Rows.floating(values), exact.eps("0.99"), exact.eps("0.99"), "").check()
    largest = Fraction(0)
    rational = [[Fraction(float(x)) for x in row] for row in values]
    for i in range(6):
        for j in range(i):
            inner = product(rational[i], rational[j])
            norms = product(rational[i], rational[i]) * product(rational[j], rational[j])
            largest = max(largest, inner * inner / norms)
    assert Cosine(largest) <= computed.largest
    assert float(computed.largest) - float(Cosine(largest)) < 2 * float64_bound(40)


@pytest.mark.parametrize(
    "packing", [Simplex(2), Simplex(9), ConferenceFrame(5), ConferenceFrame(9)]
)
def test_gram_identities_prove_equiangular_packings(packing: Packing) -> None:
    whole = certify.certificate(packing, packing.coherence)
    assert isinstance(whole, WithSample)
    proof = whole.proof
    assert isinstance(proof, GramIdentity)
    finding = whole.check()
    assert finding.holds
    assert finding.level is Level.ALL_PAIRS
    for wrong in (
        dataclasses.replace(proof, dim=packing.dim - 1),
        dataclasses.replace(proof, allowed=Cosine(packing.coherence.square * Fraction(99, 100))),
        dataclasses.replace(proof, stated=Cosine(packing.coherence.square * Fraction(99, 100))),
    ):
        assert not wrong.check().holds


def test_a_flipped_sign_breaks_the_gram_identity() -> None:
    packing = ConferenceFrame(13)
    whole = certify.certificate(packing, packing.coherence)
    assert isinstance(whole, WithSample)
    proof = whole.proof
    assert isinstance(proof, GramIdentity)
    signs = proof.signs.copy()
    signs[2, 5] = signs[5, 2] = -signs[2, 5]
    assert not dataclasses.replace(proof, signs=signs).check().holds


def test_a_section_is_compared_exactly_in_the_larger_space() -> None:
    packing = RootSystemE(6)
    proof = certify.certificate(packing, exact.eps("1/2"))
    assert isinstance(proof, InSection)
    finding = proof.check()
    assert finding.holds
    assert finding.level is Level.ALL_PAIRS
    assert finding.pairs == 36 * 35 // 2
    assert finding.largest == exact.eps("1/2")
    # The float rows in R^6 are the same lines: the same |cos|, pair by pair.
    in_eight, in_six = proof.section.rows.unit(), every(packing).unit()
    bound = float64_bound(8)
    assert np.abs(in_eight @ in_eight.T - in_six @ in_six.T).max() <= bound

    section = proof.section
    values = section.rows.values.copy()
    values[4] = section.normals[0]  # a root of E8 still, at 0 or 1/2, but outside the subspace
    outside = Section(Rows.integral(values), section.normals)
    assert AllPairs(outside.rows, exact.eps("1/2"), exact.eps("1/2"), "").check().holds
    assert not dataclasses.replace(proof, section=outside).check().holds
    dependent = Section(section.rows, section.normals[[0, 0]])
    assert not dataclasses.replace(proof, section=dependent).check().holds


def test_symmetry_and_theorem_take_over_when_pairs_are_too_many() -> None:
    packing = Gold(5)
    found = {}
    for limit in (10**9, 1):
        proof = certify.certificate(packing, packing.coherence, most_operations=limit)
        found[limit] = proof.check()
        assert found[limit].holds
    assert found[10**9].level is Level.ALL_PAIRS
    assert found[1].level is Level.BY_SYMMETRY
    assert found[1].pairs == found[10**9].pairs == packing.count * (packing.count - 1) // 2
    padded = certify.certificate(ZeroPad(packing, 40), packing.coherence, most_operations=1)
    assert padded.check().level is Level.BY_SYMMETRY
    spot = certify.ByTheorem(packing, packing.coherence).check()
    assert spot.holds
    assert spot.level is Level.BY_THEOREM


@dataclasses.dataclass(frozen=True)
class Liar(ConferenceRows):
    """A packing that states a smaller coherence than it has."""

    @property
    def coherence(self) -> Cosine:
        return Cosine(Fraction(1, 10**4))


def test_a_false_statement_is_found() -> None:
    assert not certify.ByTheorem(Liar(13), exact.eps("0.5")).check().holds
    assert not certify.certificate(Liar(13), exact.eps("0.5")).check().holds
    with pytest.raises(ValueError, match="must have a symmetry"):
        certify.BySymmetry(Liar(13), exact.eps("0.5")).check()


def test_parts_are_checked_each_once_and_counted_for_all() -> None:
    packing = DirectSum((ConferenceRows(13), Simplex(12), Simplex(12)))
    finding = certify.certificate(packing, exact.eps("1/12")).check()
    assert finding.holds
    assert finding.level is Level.ALL_PAIRS
    assert finding.pairs == packing.count * (packing.count - 1) // 2
    assert finding.largest == exact.eps("1/12")
    assert not certify.certificate(packing, exact.eps("0.08")).check().holds


def test_a_sum_is_as_sure_as_its_weakest_part() -> None:
    parts = (ConferenceRows(13), Polygon(7))
    finding = certify.certificate(DirectSum(parts), exact.angle(Fraction(180, 7))).check()
    assert finding.holds
    assert finding.level is Level.BY_SYMMETRY


def test_a_subset_counts_its_own_pairs() -> None:
    part = Subset(Gold(5), 100)
    finding = certify.certificate(part, part.coherence, most_operations=1).check()
    assert finding.holds
    assert finding.pairs == 100 * 99 // 2


def test_a_subset_is_compared_pair_by_pair() -> None:
    finding = certify.certificate(Subset(ConferenceRows(13), 4), exact.eps("1/12")).check()
    assert finding.holds
    assert finding.pairs == 6


class AllEqual(ConferenceFrame):
    """A frame whose rows are all the same line."""

    def rows(self, indices: NDArray[np.int64]) -> Rows:
        return super().rows(np.zeros_like(indices))


class TooNarrow(RootSystemD):
    """Rows with more coordinates than the stated dimension."""

    @property
    def dim(self) -> int:
        return self.rank - 2


class TooMany(Chirps):
    """More lines than there are."""

    @property
    def count(self) -> int:
        return 3 * super().count

    def rows(self, indices: NDArray[np.int64]) -> Rows:
        return super().rows(indices % super().count)


class TooSmall(Chirps):
    """A dimension less than its rows have."""

    @property
    def dim(self) -> int:
        return super().dim - 1


@pytest.mark.parametrize("effort", [1, 10**10])
@pytest.mark.parametrize("wrong", [AllEqual(13), TooNarrow(9), TooMany(5), TooSmall(5)])
def test_a_proof_is_of_the_rows_at_hand(wrong: Packing, effort: int) -> None:
    allowed = exact.eps("0.9")
    assert not certify.certificate(wrong, allowed, most_operations=effort).check().holds


class UnevenLater(DelsarteGoethals):
    """Sign rows at first, and axes later."""

    def rows(self, indices: NDArray[np.int64]) -> Rows:
        values = super().rows(indices).values.copy()
        values[indices >= 64] = 0
        values[indices >= 64, 0] = 8
        return Rows.integral(values)


def test_uneven_blocks_are_noticed_anywhere() -> None:
    punctured = Puncture(UnevenLater(6, 3), 2)
    assert not certify.certificate(punctured, exact.eps("0.5"), most_operations=1).check().holds
