"""The checks by symmetry: they hold, and fail as soon as something is broken."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import pytest
from numpy.typing import NDArray

from geometry import certify
from geometry.constructions import gold, kerdock
from geometry.constructions.basis import Basis
from geometry.constructions.binary import largest_walsh, sign_rows, walsh
from geometry.constructions.conference import ConferenceRows
from geometry.constructions.field import field
from geometry.constructions.fillings import peak_proved
from geometry.constructions.gold import Gold
from geometry.constructions.hadamard import HadamardColumns
from geometry.constructions.kerdock import Kerdock
from geometry.constructions.polygon import Polygon
from geometry.constructions.reed_solomon import ReedSolomon
from geometry.constructions.root_systems import RootSystemE
from geometry.constructions.simplex import Simplex
from geometry.packing import Indices, Packing, Rows


def check(packing: Packing) -> bool:
    outcome = packing.orbit_check()
    assert outcome is not None
    inside = sum(copies * math.comb(part.count, 2) for part, copies in packing.inner())
    assert outcome.pairs == math.comb(packing.count, 2) - inside
    assert outcome.detail
    return outcome.holds


@pytest.mark.parametrize(
    "packing",
    [
        Polygon(2),
        Polygon(3),
        Polygon(1000),
        Polygon(10**9),
        Polygon(10**25),
        Kerdock(2),
        Kerdock(8),
        Kerdock(10),
        Gold(3),
        Gold(7),
        Gold(9),
        ReedSolomon(2, 2, 2),
        ReedSolomon(2, 3, 4),
        ReedSolomon(27, 28, 28),
        ReedSolomon(32, 31, 32),
        ReedSolomon(9, 8, 8, 1, ConferenceRows(9)),
        ReedSolomon(25, 20, 20, 1, ConferenceRows(25)),
        ReedSolomon(8, 8, 8, 1, RootSystemE(8)),
        ReedSolomon(5, 4, 4, 1, Simplex(5)),
        ReedSolomon(256, 16, 16, 1, Kerdock(8)),
    ],
    ids=lambda packing: f"{type(packing).__name__}-{packing.dim}-{packing.count}",
)
def test_symmetry_checks_hold(packing: Packing) -> None:
    assert check(packing)


def test_families_without_a_symmetry_check() -> None:
    assert Basis(3).orbit_check() is None


@pytest.mark.parametrize("exponent", [0, 1, 2, 5, 6])
def test_walsh_against_the_definition(exponent: int) -> None:
    length = 1 << exponent
    signs = np.random.default_rng(exponent).choice([-1, 1], (3, length)).astype(np.int8)
    expected = np.array(
        [
            [
                sum(int(row[x]) * (-1) ** (w & x).bit_count() for x in range(length))
                for w in range(length)
            ]
            for row in signs
        ]
    )
    assert np.array_equal(walsh(signs), expected)
    bits = ((1 - signs) // 2).astype(np.int8)
    assert largest_walsh(bits) == np.abs(expected).max()
    assert largest_walsh(bits[:0]) == 0
    linear = np.arange(length)[:3]
    rows = sign_rows(bits[: len(linear)], linear)
    assert np.array_equal(rows.sum(axis=1), expected[np.arange(len(linear)), linear])


def test_largest_transform_of_the_longest_kind() -> None:
    zero = np.zeros((1, 1 << 13), np.int8)
    assert largest_walsh(zero) == 1 << 13


def test_gold_fails_with_one_bit_flipped(monkeypatch: pytest.MonkeyPatch) -> None:
    original = gold.gold_forms

    def flipped(exponent: int, labels: Indices) -> NDArray[np.int8]:
        bits = original(exponent, labels)
        bits[labels == 21, 5] ^= 1
        return bits

    monkeypatch.setattr(gold, "gold_forms", flipped)
    assert not check(Gold(5))


def test_gold_fails_with_linear_forms(monkeypatch: pytest.MonkeyPatch) -> None:
    # Tr(c x) is additive in c, and its Walsh transform has a value d.
    def linear(exponent: int, labels: Indices) -> NDArray[np.int8]:
        gf = field(1 << exponent)
        return gf.trace.astype(np.int8)[gf.multiply(labels[:, None], gf.elements)]

    monkeypatch.setattr(gold, "gold_forms", linear)
    assert not check(Gold(5))


def test_kerdock_fails_with_one_bit_flipped(monkeypatch: pytest.MonkeyPatch) -> None:
    original = kerdock.kerdock_forms

    def flipped(exponent: int, labels: Indices) -> NDArray[np.int8]:
        bits = original(exponent, labels)
        bits[labels == 3, 9] ^= 1
        return bits

    monkeypatch.setattr(kerdock, "kerdock_forms", flipped)
    assert not check(Kerdock(6))


def test_kerdock_fails_without_its_quadratic_part(monkeypatch: pytest.MonkeyPatch) -> None:
    # What is left, e Tr(ax), has the symmetry and the wrong Walsh transforms.
    monkeypatch.setattr(kerdock, "_quadratic", lambda gf: np.zeros(gf.order, np.int8))
    assert not check(Kerdock(6))


def relabelled(labels: Indices) -> Indices:
    """2 and 3 exchanged: every checked transform is as before, the symmetry is not."""
    return np.where((labels == 2) | (labels == 3), 5 - labels, labels)


def test_gold_fails_when_forms_are_not_additive(monkeypatch: pytest.MonkeyPatch) -> None:
    original = gold.gold_forms
    monkeypatch.setattr(gold, "gold_forms", lambda m, labels: original(m, relabelled(labels)))
    assert not check(Gold(5))


def test_kerdock_fails_without_its_scalings(monkeypatch: pytest.MonkeyPatch) -> None:
    original = kerdock.kerdock_forms
    monkeypatch.setattr(kerdock, "kerdock_forms", lambda m, labels: original(m, relabelled(labels)))
    assert not check(Kerdock(6))


class FlatSimplex(Simplex):
    """A simplex that claims smaller entries."""

    @property
    def peak_square(self) -> Fraction:
        return Fraction(1, 2)


class Large(Simplex):
    """A filling with more entries than are looked at."""

    @property
    def count(self) -> int:
        return 10**9

    @property
    def peak_square(self) -> Fraction:
        return Fraction(9, 10)


def test_entries_of_fillings() -> None:
    assert peak_proved(ConferenceRows(9)) is True
    assert peak_proved(Simplex(9)) is True  # 1 needs no look
    assert peak_proved(HadamardColumns(28, 3)) is True  # at equality, in integers
    assert peak_proved(FlatSimplex(9)) is False
    assert peak_proved(Large(9)) is None


def test_a_net_leaves_its_filling_to_another_certificate() -> None:
    net = ReedSolomon(9, 8, 8, 1, Simplex(9))
    outcome = net.orbit_check()
    assert outcome is not None
    assert outcome.whole
    assert outcome.pairs == net.count * (net.count - 1) // 2 - 8 * 45
    assert net.inner() == ((Simplex(9), 8),)
    finding = certify.certificate(net, net.coherence, most_operations=1).check()
    assert finding.level is certify.Level.BY_SYMMETRY
    assert finding.pairs == net.count * (net.count - 1) // 2


def test_polygon_fails_when_rows_are_off(monkeypatch: pytest.MonkeyPatch) -> None:
    original = Polygon.rows

    def shifted(self: Polygon, indices: Indices) -> Rows:
        values = original(self, indices).values
        values[indices == 7] += 1e-13
        return Rows.floating(values)

    monkeypatch.setattr(Polygon, "rows", shifted)
    assert not check(Polygon(100))
