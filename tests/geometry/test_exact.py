"""Exact cosines: reading, comparing, printing."""

from __future__ import annotations

import math
from fractions import Fraction

import pytest

from geometry import exact
from geometry.exact import Cosine


@pytest.mark.parametrize(
    ("text", "square"),
    [
        ("0.05", Fraction(1, 400)),
        ("1/20", Fraction(1, 400)),
        (".05", Fraction(1, 400)),
        ("5e-2", Fraction(1, 400)),
        (" 1 / 20 ", Fraction(1, 400)),
        ("1/sqrt(5)", Fraction(1, 5)),
        ("sqrt(1/5)", Fraction(1, 5)),
        ("1/√5", Fraction(1, 5)),
        ("sqrt(3)/4", Fraction(3, 16)),
        ("2*sqrt(3)/7", Fraction(12, 49)),
        ("0", Fraction(0)),
        (0.05, Fraction(1, 400)),  # a float is read as the decimal it prints
        (Fraction(1, 3), Fraction(1, 9)),
    ],
)
def test_reads_exactly(text: str | float | Fraction, square: Fraction) -> None:
    assert exact.eps(text) == Cosine(square)


@pytest.mark.parametrize(
    "text",
    ["", "abc", "nan", "inf", "-0.1", "1", "1.0", "2", "1/0", "1/sqrt(0)", "1/2/3", "sqrt(-1)",
     "-1/2", "1e-999999999", "9" * 5000, "0x1", "١", "1/sqrt(x)", "sqrt()", "True", "0.5%"],
)  # fmt: skip
def test_refuses_in_one_short_line(text: str) -> None:
    with pytest.raises(ValueError, match=r"^eps must be a number in \[0, 1\)") as caught:
        exact.eps(text)
    assert len(str(caught.value)) < 150


@pytest.mark.parametrize("text", ["0", "-5", "90.1", "91", "nan", "x", "", "1/0", "1" * 500])
def test_refuses_angles(text: str) -> None:
    with pytest.raises(ValueError, match=r"^angle must be a number of degrees in \(0, 90\]"):
        exact.angle(text)


def test_angles_fold_where_the_square_is_rational() -> None:
    assert exact.angle(60) == exact.eps("1/2")
    assert exact.angle(45) == exact.eps("1/sqrt(2)")
    assert exact.angle(30) == exact.eps("sqrt(3)/2")
    assert exact.angle(90) == exact.eps(0)
    assert not exact.angle(36).is_rational


def test_order_at_and_around_equality() -> None:
    golden = exact.angle(36)  # (1 + sqrt 5) / 4 = 0.80901699437494742410229...
    assert exact.eps("0.8090169943749474241022") < golden
    assert golden < exact.eps("0.8090169943749474241023")
    assert exact.eps("1/20") <= exact.eps("0.05") <= exact.eps("1/20")
    assert exact.angle("89.999999999") > exact.eps(0)
    assert exact.angle(36) > exact.angle("36.0000000001")
    # Apart by about 1e-47: double precision does not show it, nor do 128 bits.
    tiny = Fraction(1, 10**45)
    assert Cosine(Fraction(1), Fraction(36)) > Cosine(Fraction(1), Fraction(36) + tiny)
    assert Cosine(Fraction(1, 2), Fraction(7)) < Cosine(Fraction(2, 3), Fraction(7))
    assert Cosine(Fraction(3, 4), Fraction(10)) != Cosine(Fraction(3, 4), Fraction(11))


def test_bounds_enclose_and_floats_are_close() -> None:
    cosine = exact.angle("89.1")
    low, high = cosine.square_bounds(200)
    assert low < high
    assert high - low < Fraction(1, 10**50)
    true = math.cos(math.radians(89.1))
    assert float(low) == pytest.approx(true**2, rel=1e-12)
    assert float(cosine) == pytest.approx(true, rel=1e-12)
    assert Cosine.ratio(Fraction(cosine.upper_float())) > cosine
    assert cosine.angle_degrees() == pytest.approx(89.1, abs=1e-9)


def test_prints_the_way_it_is_written() -> None:
    for text in ("1/20", "1/√5", "√3/4", "0", "1/2"):
        assert str(exact.eps(text)) == text
    assert str(exact.angle(89)) == "cos(89°)"
    assert str(Cosine(Fraction(1, 5), Fraction(10))) == "1/√5·cos(10°)"


def test_a_bad_cosine_is_refused() -> None:
    with pytest.raises(ValueError, match="`square` must be >= 0"):
        Cosine(Fraction(-1))
    with pytest.raises(ValueError, match="`value` must be >= 0"):
        Cosine.ratio(-1)


def test_bounds_enclose_and_round_up() -> None:
    for one in (
        exact.eps("1/20"),
        exact.eps("1/sqrt(7)"),
        exact.angle("36"),
        exact.eps("0"),
        exact.eps("0.999999999"),
    ):
        low, high = one.bounds()
        assert Cosine.ratio(low) <= one <= Cosine.ratio(high)
        assert high - low <= Fraction(3, 2**96)
        above = one.rounded_up()
        assert one <= above <= Cosine.ratio(high + Fraction(1, 10**12))
    assert exact.eps("1/20").bounds() == (Fraction(1, 20), Fraction(1, 20))
    assert exact.eps("1/20").rounded_up() == exact.eps("0.05")


def test_long_decimals_are_written_as_such() -> None:
    assert str(Cosine.ratio(Fraction(98100884317, 10**12))) == "0.098100884317"
    assert str(Cosine(Fraction(389200349**2, 10**16 * 6143))) == "3.89200349/√6143"
    assert str(Cosine.ratio(Fraction(157, 10**4))) == "157/10000"
