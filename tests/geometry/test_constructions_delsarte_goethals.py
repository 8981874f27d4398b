"""Delsarte-Goethals sets: every pair of small ones, ranks against Walsh transforms, broken ones."""

from __future__ import annotations

import math

import numpy as np
import pytest
from numpy.typing import NDArray

from geometry import certify
from geometry.constructions import delsarte_goethals
from geometry.constructions.delsarte_goethals import DelsarteGoethals
from geometry.constructions.gold import Gold, trace_forms
from geometry.constructions.kerdock import Kerdock
from geometry.exact import eps
from geometry.packing import Indices

# (exponent, delta), dimension, lines, coherence, the numbers written out by hand.
CASES: list[tuple[DelsarteGoethals, int, int, str]] = [
    (DelsarteGoethals(2, 1), 4, 8, "1/2"),
    (DelsarteGoethals(3, 1), 8, 64, "1/2"),
    (DelsarteGoethals(4, 2), 16, 128, "1/4"),
    (DelsarteGoethals(4, 1), 16, 1024, "1/2"),
    (DelsarteGoethals(5, 2), 32, 1024, "1/4"),
    (DelsarteGoethals(5, 1), 32, 32768, "1/2"),
    (DelsarteGoethals(6, 3), 64, 2048, "1/8"),
    (DelsarteGoethals(6, 2), 64, 65536, "1/4"),
]
IDS = [f"{packing.exponent}-{packing.delta}" for packing, *_ in CASES]
Bits = NDArray[np.int8]
CUBIC = (np.arange(256) % 8 == 7).astype(np.int8)  # the product of three of eight bits
LARGE = [DelsarteGoethals(6, 1), DelsarteGoethals(7, 2), DelsarteGoethals(8, 3)]


@pytest.mark.parametrize(("packing", "dim", "count", "coherence"), CASES, ids=IDS)
def test_all_pairs(packing: DelsarteGoethals, dim: int, count: int, coherence: str) -> None:
    assert (packing.dim, packing.count) == (dim, count)
    assert packing.coherence == eps(coherence)
    assert packing.exact
    rows = packing.rows(np.arange(count))
    assert rows.values.dtype == np.int8
    assert (np.abs(rows.values) == 1).all()
    assert (rows.squared_norms == dim).all()
    # Adding a linear function to both rows of a pair keeps their product, so every d-th row,
    # which has none, stands for all rows of its form. Float32 holds integers below 2^24.
    signs = rows.values.astype(np.float32)
    largest = 0
    for start in range(0, count, 128 * dim):
        chosen = np.arange(start, min(start + 128 * dim, count), dim)
        gram = np.abs(signs[chosen] @ signs.T)
        gram[np.arange(len(chosen)), chosen] = 0
        largest = max(largest, int(gram.max()))
    assert largest == dim * float(packing.coherence)


@pytest.mark.parametrize(("packing", "dim", "count", "coherence"), CASES[:5], ids=IDS[:5])
def test_rows_of_a_form_differ_by_linear_functions(
    packing: DelsarteGoethals, dim: int, count: int, coherence: str
) -> None:
    signs = packing.rows(np.arange(count)).values.astype(np.int64).reshape(-1, dim, dim)
    parities = np.bitwise_count(np.arange(dim)[:, None] & np.arange(dim)) & 1
    assert np.array_equal(signs, signs[:, :1] * (1 - 2 * parities.astype(np.int64)))
    flat = signs.reshape(count, dim)
    assert packing.tight
    assert np.array_equal(flat.T @ flat, count * np.eye(dim, dtype=np.int64))
    assert packing.peak_square == 1 / dim
    assert packing.blocks == dim


@pytest.mark.parametrize("packing", [*(case[0] for case in CASES), *LARGE])
def test_rows_by_index(packing: DelsarteGoethals) -> None:
    chosen = np.random.default_rng(packing.count).integers(0, packing.count, 50)
    together = packing.rows(chosen).values
    for index, row in zip(chosen, together, strict=True):
        assert np.array_equal(packing.rows(np.array([index])).values[0], row)
    assert packing.rows(np.arange(0)).values.shape == (0, packing.dim)


@pytest.mark.parametrize("packing", LARGE)
def test_random_rows_of_large_ones(packing: DelsarteGoethals) -> None:
    rng = np.random.default_rng(packing.count)
    signs = packing.rows(np.unique(rng.integers(0, packing.count, 2000))).values
    gram = np.abs(signs.astype(np.float32) @ signs.T.astype(np.float32))
    np.fill_diagonal(gram, 0)
    assert gram.max() == packing.dim * float(packing.coherence)


def test_known_subsets() -> None:
    # Least members are the sign rows of Kerdock and Gold, in the same order.
    for small, known in ((DelsarteGoethals(6, 3), Kerdock(6)), (DelsarteGoethals(5, 2), Gold(5))):
        assert small.count == known.count - known.dim
        indices = np.arange(small.count)
        assert np.array_equal(small.rows(indices).values, known.rows(indices).values)


def test_delta_1_is_all_quadratic_forms() -> None:
    for exponent in (4, 5):
        packing = DelsarteGoethals(exponent, 1)
        assert packing.count == 2 ** (exponent + math.comb(exponent, 2))
        signs = packing.rows(np.arange(packing.count)).values
        assert len({row.tobytes() for row in signs}) == packing.count


def test_counts() -> None:
    packing = DelsarteGoethals(12, 5)
    assert (packing.dim, packing.count) == (4096, 17179869184)
    assert packing.coherence == eps("1/32")
    large = DelsarteGoethals(13, 2)
    assert large.count == 2**78
    top = np.array([2**63 - 1, 2**62 + 5])
    signs = large.rows(top).values.astype(np.int64)
    assert abs(int(signs[0] @ signs[1])) <= 2**11
    # An index below 2^63 is a label below 2^50: c_1, c_2, c_3 of 13 bits and 11 bits of c_4.
    label, linear = divmod(2**63 - 1, 2**13)
    form = np.zeros(2**13, np.int8)
    for j in range(1, 5):
        coefficient = label >> 13 * (j - 1) & (2**13 - 1)
        form ^= trace_forms(13, j, np.array([coefficient]))[0]
    parity = np.bitwise_count(np.arange(2**13) & linear) & 1
    assert np.array_equal(signs[0], 1 - 2 * (form ^ parity).astype(np.int64))


@pytest.mark.parametrize(
    ("exponent", "delta", "message"),
    [
        (1, 1, r"`exponent` must lie in \[2, 22\]; got 1\."),
        (23, 1, r"`exponent` must lie in \[2, 22\]; got 23\."),
        (6, 4, r"`delta` must lie in \[1, 3\]; got 4\."),
        (7, 4, r"`delta` must lie in \[1, 3\]; got 4\."),
        (7, 0, r"`delta` must lie in \[1, 3\]; got 0\."),
    ],
)
def test_bad_parameters(exponent: int, delta: int, message: str) -> None:
    with pytest.raises(ValueError, match=rf"^{message}$"):
        DelsarteGoethals(exponent, delta)


@pytest.mark.parametrize("text", ["0", "1/64", "0.03", "1/32", "0.1", "1/4", "1/2", "0.9"])
@pytest.mark.parametrize("max_dim", [0, 1, 3, 4, 31, 32, 4096, 12288, 65536])
def test_candidates_are_all_that_fit(max_dim: int, text: str) -> None:
    allowed = eps(text)
    expected = {
        (exponent, delta)
        for exponent in range(2, 17)
        for delta in range(1, exponent // 2 + 1)
        if 2**exponent <= max_dim and eps(f"1/{2**delta}") <= allowed
    }
    found = list(DelsarteGoethals.candidates(max_dim, allowed))
    assert {(one.exponent, one.delta) for one in found} == expected
    assert len(found) == len(expected)


def test_tight_frames_are_all_listed() -> None:
    for most in (1, 7, 8, 64, 5000, 2**21):
        expected = {
            DelsarteGoethals(exponent, delta)
            for exponent in range(2, 16)
            for delta in range(1, exponent // 2 + 1)
            if DelsarteGoethals(exponent, delta).count <= most
        }
        found = list(DelsarteGoethals.tight_frames(most))
        assert set(found) == expected
        assert len(found) == len(expected)


@pytest.mark.parametrize("packing", [*(case[0] for case in CASES), *LARGE])
def test_orbit_check_holds(packing: DelsarteGoethals) -> None:
    outcome = packing.orbit_check()
    assert outcome is not None
    assert outcome.holds
    assert outcome.whole
    assert outcome.pairs == math.comb(packing.count, 2)
    finding = certify.certificate(packing, packing.coherence, most_operations=1).check()
    assert finding.holds
    assert finding.level is certify.Level.BY_SYMMETRY


def test_orbit_check_of_a_part(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(delsarte_goethals, "_MOST_RANKS", 1 << 11)
    for packing, forms, inner in (
        (DelsarteGoethals(6, 1), 2**15, 2**10),  # c_2 agrees: forms (a, c_1) of 10 bits
        (DelsarteGoethals(7, 1), 2**21, 2**14),  # c_3 agrees: forms (c_1, c_2) of 14 bits
    ):
        outcome = packing.orbit_check()
        assert outcome is not None
        assert outcome.holds
        assert not outcome.whole
        cosets = forms // inner
        assert outcome.pairs == cosets * math.comb(inner * packing.dim, 2)


def test_orbit_check_of_random_forms(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(delsarte_goethals, "_MOST_BITS", 1 << 11)
    outcome = DelsarteGoethals(8, 2).orbit_check()
    assert outcome is not None
    assert outcome.holds
    assert not outcome.whole
    assert outcome.pairs % 2**16 == 0
    original = DelsarteGoethals._forms

    def cubic(self: DelsarteGoethals, labels: Indices) -> Bits:
        return np.asarray(original(self, labels) ^ (labels & 1)[:, None].astype(np.int8) * CUBIC)

    monkeypatch.setattr(DelsarteGoethals, "_forms", cubic)
    outcome = DelsarteGoethals(8, 4).orbit_check()
    assert outcome is not None
    assert not outcome.holds


@pytest.mark.parametrize("size", [1, 4, 7])
def test_ranks_against_elimination_in_python(size: int) -> None:
    rng = np.random.default_rng(size)
    packed = rng.integers(0, 1 << size, (200, size)).astype(np.int32)
    packed[:50] &= rng.integers(0, 1 << size, (50, size)).astype(np.int32)
    packed[50:90, size // 2 :] = packed[50:90, : size - size // 2]
    for rows, rank in zip(packed.tolist(), delsarte_goethals._ranks(packed), strict=True):
        span = {0}
        for row in rows:
            span |= {row ^ one for one in span}
        assert len(span) == 2**rank


@pytest.mark.parametrize("packing", [DelsarteGoethals(6, 2), DelsarteGoethals(5, 1)])
@pytest.mark.parametrize("kind", ["flipped", "cubic", "repeated", "relabelled"])
def test_orbit_check_fails_with_other_traces(
    monkeypatch: pytest.MonkeyPatch, packing: DelsarteGoethals, kind: str
) -> None:
    def other(degree: int, power: int, labels: Indices) -> Bits:
        bits = trace_forms(degree, power, labels)
        if kind == "flipped":
            bits[labels == 21, 5] ^= 1
        elif kind == "cubic":  # the form of label 3 is a product of three bits more
            points = np.arange(1 << degree)
            bits[labels == 3] ^= (points & 7 == 7).astype(np.int8)
        elif kind == "repeated":  # forms c and c + 1 are the same
            bits = trace_forms(degree, power, labels | 1)
        else:
            bits = trace_forms(degree, power, np.where(labels == 0, 0, labels % 31 + 1))
        return bits

    monkeypatch.setattr(delsarte_goethals, "trace_forms", other)
    outcome = packing.orbit_check()
    assert outcome is not None
    assert not outcome.holds


def test_orbit_check_fails_with_another_kerdock_set(monkeypatch: pytest.MonkeyPatch) -> None:
    # Multiples of one form, without the sum over i: two of them have a sum of small rank.
    def other(exponent: int, labels: Indices) -> Bits:
        bits = trace_forms(exponent - 1, 1, labels)
        return np.concatenate([bits, bits], axis=1)

    monkeypatch.setattr(delsarte_goethals, "kerdock_forms", other)
    for packing in (DelsarteGoethals(6, 3), DelsarteGoethals(6, 2)):
        outcome = packing.orbit_check()
        assert outcome is not None
        assert not outcome.holds


@pytest.mark.parametrize("packing", DelsarteGoethals.examples())
def test_examples_and_texts(packing: DelsarteGoethals) -> None:
    assert packing.count**2 * packing.dim <= 1e9
    assert len(set(DelsarteGoethals.examples())) == 3
    assert "\n" not in packing.words() + packing.proof
    assert packing.proof.endswith(".")
    assert not packing.words().endswith(".")
