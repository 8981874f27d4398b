"""Popular statements about nearly orthogonal directions, each against its proved bracket.

Sources of the readings: "99% orthogonal" can mean |cos| <= 0.01, an angle within 1% of 90 degrees,
or cos^2 <= 0.01, and the answers differ by orders of magnitude. The formula 10^(d F^2 / 1500) for
F degrees off 90 is examined where a widely read post states it, at the width 12288.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from experiments.harness.checks import Check
    from experiments.harness.experiment import Json, Table
    from geometry.exact import Cosine

__all__ = ["READINGS", "Reading", "checks", "examine", "table"]

THOUSANDS = 2000
GROWTH_DIM = 100_000


@dataclass(frozen=True)
class Reading:
    """A statement under one reading: at least `need` lines in R^`dim`, so far apart."""

    statement: str
    reading: str
    dim: int
    need: int
    eps: str = ""
    degrees: Fraction = Fraction(0)
    constructed: bool = True  # whether a construction may decide it: else only the upper bound

    def cosine(self) -> Cosine:
        """The allowed |cos|, exactly."""
        from geometry import exact

        return exact.eps(self.eps) if self.eps else exact.angle(self.degrees)


def _post(off: str) -> Reading:
    """10^(d F^2 / 1500) lines, F = `off` degrees off 90."""
    power = Fraction(off) ** 2 * 12288 / 1500
    whole, rest = divmod(power, 1)
    # Rounded down to nine digits: a bound below that refutes the formula too.
    need = int(10 ** float(rest) * 10**9) * 10 ** int(whole) // 10**9
    reading = f"F = {off}: 10^{float(power):.1f} lines"
    degrees = 90 - Fraction(off)
    statement = "10^(d·F²/1500) directions lie within F degrees of perpendicular, d = 12288"
    return Reading(statement, reading, 12288, need, degrees=degrees, constructed=False)


_NINETY_NINE = "thousands of 99% orthogonal directions fit in 500 dimensions"
_NINETY_FIVE = "thousands of 95% orthogonal directions fit in 500 dimensions"
READINGS = (
    Reading(_NINETY_NINE, "|cos| <= 0.01", 500, THOUSANDS, eps="0.01"),
    Reading(_NINETY_NINE, "angle within 1% of 90°", 500, THOUSANDS, degrees=Fraction("89.1")),
    Reading(_NINETY_NINE, "cos² <= 0.01", 500, THOUSANDS, eps="0.1"),
    Reading(_NINETY_FIVE, "|cos| <= 0.05", 500, THOUSANDS, eps="0.05"),
    Reading(_NINETY_FIVE, "angle within 5% of 90°", 500, THOUSANDS, degrees=Fraction("85.5")),
    Reading(
        "10,000 vectors in 100 dimensions are all between 89° and 91° apart",
        "angle within 1° of 90°",
        100,
        10_000,
        degrees=Fraction(89),
    ),
    *(_post(off) for off in ("1.35", "1.4", "1.5", "2", "5")),
)


def examine() -> dict[str, Json]:
    """The readings with their brackets and verdicts, and the further numbers that checks need."""
    from geometry import bounds, catalogue, exact
    from geometry.bounds import existence

    right, near = exact.eps("0"), exact.eps("0.05")
    step = GROWTH_DIM // 100
    growth = math.log(existence.existence_lower_bound(GROWTH_DIM + step, near))
    growth -= math.log(existence.existence_lower_bound(GROWTH_DIM, near))
    return {
        "readings": [_examined(reading) for reading in READINGS],
        "orthogonal_500_lower": catalogue.best(500, right).count,
        "orthogonal_500_upper": bounds.best_upper_bound(500, right).count,
        "orthogonal_3_upper": bounds.best_upper_bound(3, right).count,
        "near_3_upper": bounds.best_upper_bound(3, near).count,
        "near_200_upper": bounds.best_upper_bound(200, near).count,
        "near_500_lower": catalogue.best(500, near).count,
        "growth_rate": growth / step,
    }


def table(examined: dict[str, Any]) -> Table:
    """The readings as a table for the report."""
    from experiments.harness.experiment import Table

    columns = ("statement", "reading", "dim", "need", "lower", "upper", "verdict")
    return Table(
        ("statement", "read as", "d", "needs", "proved: at least", "proved: at most", "verdict"),
        tuple(tuple(row[name] for name in columns) for row in examined["readings"]),
        "Popular statements",
        "Each against its proved bracket: false when the upper bound is below what the statement "
        "needs, true when an explicit packing reaches it.",
    )


def _examined(reading: Reading) -> Json:
    """A reading's proved bracket, and whether it is true, false or open."""
    from geometry import bounds, catalogue

    eps = reading.cosine()
    lower = catalogue.best(reading.dim, eps).count if reading.constructed else None
    upper = bounds.best_upper_bound(reading.dim, eps).count
    verdict = "open"
    if upper < reading.need:
        verdict = "false"
    elif lower is not None and lower >= reading.need:
        verdict = "true"
    return {
        "statement": reading.statement,
        "reading": reading.reading,
        "dim": reading.dim,
        "eps_exact": str(eps),
        "need": reading.need,
        "lower": lower,
        "upper": upper,
        "verdict": verdict,
    }


def checks(examined: dict[str, Json]) -> list[Check]:
    """The checks that claims C1 to C4 are decided by, from what `examine` found."""
    from experiments.harness.checks import judge

    def found(name: str) -> float:
        value = examined[name]
        assert isinstance(value, int | float)
        return value

    def bracket(reading: str, side: str) -> int:
        rows = examined["readings"]
        assert isinstance(rows, list)
        for row in rows:
            if isinstance(row, dict) and row["reading"] == reading:
                value = row[side]
                assert isinstance(value, int)
                return value
        raise KeyError(reading)

    few, many = (None, THOUSANDS - 1), (THOUSANDS, None)
    rate = -0.5 * math.log1p(-(0.05**2))
    false, true = "fewer than 2000: false so read", "at least 2000: true so read"
    # 1/P(|g| > eps) grows like sqrt(d) exp(rate d): the root adds 1/(2d) to the slope.
    slope = (rate, rate + 1 / GROWTH_DIM)
    predictions: list[tuple[str, str, float, tuple[float | None, float | None]]] = [
        (
            "C1: lines at eps = 0, d = 500, lower",
            "an orthonormal basis",
            found("orthogonal_500_lower"),
            (500, 500),
        ),
        (
            "C1: lines at eps = 0, d = 500, upper",
            "linear independence",
            found("orthogonal_500_upper"),
            (500, 500),
        ),
        ("C2: |cos| <= 0.01, upper", false, bracket("|cos| <= 0.01", "upper"), few),
        (
            "C2: angle within 1% of 90°, upper",
            false,
            bracket("angle within 1% of 90°", "upper"),
            few,
        ),
        ("C2: cos² <= 0.01, lower", true, bracket("cos² <= 0.01", "lower"), many),
        (
            "C3: upper bound at d = 200, |cos| <= 0.05",
            "below 2d while d·eps² <= 1/2",
            found("near_200_upper"),
            (None, 400),
        ),
        (
            "C3: proved growth rate at |cos| <= 0.05",
            "-ln(1 - eps²)/2 nats a dimension, by covering",
            found("growth_rate"),
            slope,
        ),
        ("C4: lines at eps = 0, d = 3", "exactly 3", found("orthogonal_3_upper"), (3, 3)),
        ("C4: |cos| <= 0.05, d = 3, upper", "still 3", found("near_3_upper"), (None, 3)),
        (
            "C4: |cos| <= 0.05, d = 500, lower",
            "ten times d and more",
            found("near_500_lower"),
            (5000, None),
        ),
    ]
    return [
        judge(name, theory=theory, estimate=estimate, band=band)
        for name, theory, estimate, band in predictions
    ]
