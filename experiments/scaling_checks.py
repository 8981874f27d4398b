"""What the scaling experiment is held to, and its tables."""

from __future__ import annotations

from typing import Any

from experiments.effects import cells
from experiments.harness.checks import Check, judge_effect
from experiments.harness.experiment import Table
from experiments.scaling_fits import DRIFT, LATE, TRAVEL

__all__ = ["checks", "tables"]

_EXPONENT = (-1.15, -0.85)
_OVERLAP = (0.9, 1.3)
_TAIL = (0.85, 1.15)


def checks(data: Any) -> list[Check]:
    """Verdicts on the trainings; C8 is decided over several experiments."""
    found = data["fits"]
    far = found["travel"] >= TRAVEL
    short = "" if far else f"; and rate times steps is {found['travel']:.2g}, below {TRAVEL:g}"
    lengths = (
        f"training half as long moves it by {found['drift']:+.2f}; settled if by at most {DRIFT:g}"
        f"{short}"
    )
    moved = (
        f"training half as long moves an overlap by up to {100 * found['overlap_moved']:.1f}%; "
        f"settled if by at most {100 * LATE:.0f}%{short}"
    )

    def held(
        name: str,
        theory: str,
        effect: Any,
        band: tuple[float, float],
        settled: bool,
        note: str = "",
    ) -> Check:
        return judge_effect(
            name, theory=theory, effect=effect, band=band, converged=settled, note=note
        )

    return [
        held(
            "C8: loss over width, strong superposition, exponent",
            "-1: interference of m^-1 from every feature that is on; within 0.15",
            found["exponent"],
            _EXPONENT,
            found["settled"],
            lengths,
        ),
        held(
            "C8: mean squared overlap over width, strong superposition, exponent",
            "-1, as of random directions; within 0.15",
            found["overlap_exponent"],
            _EXPONENT,
            found["overlap_settled"],
            moved,
        ),
        *(
            held(
                f"C8: mean squared overlap times m, strong superposition, m = {m}",
                "1, as of random directions",
                effect,
                _OVERLAP,
                found["overlap_settled"],
                moved,
            )
            for m, effect in zip(found["widths"], found["overlap"], strict=True)
        ),
        *(
            held(
                f"weak superposition: loss over the unlearned tail's, m = {m}",
                "1 where m features are represented, and those the most frequent; within 15%",
                effect,
                _TAIL,
                effect["settled"],
                ""
                if effect["mean"] is not None
                else "the decays did not leave fewer than m features in one training of each "
                "seed and more in another",
            )
            for m, effect in zip(found["widths"], found["weak"], strict=True)
        ),
    ]


def tables(data: Any) -> dict[str, Table]:
    """Numbers over width, and every arm."""
    found = data["fits"]
    over = zip(
        data["rows"], found["loss"], found["overlap"], found["weak"], found["tails"], strict=True
    )
    return {
        "widths": Table(
            (
                "m",
                "strong loss",
                "from",
                "to",
                "overlap² times m",
                "from ",
                "to ",
                "Welch's bound times m",
                "unlearned tail",
                "weak loss over it",
                "from  ",
                "to  ",
                "weak converged",
            ),
            tuple(
                (
                    row["width"],
                    *cells(loss),
                    *cells(overlap),
                    row["width"] * row["welch"],
                    tail,
                    *cells(weak),
                    "yes" if weak["settled"] else "NO",
                )
                for row, loss, overlap, weak, tail in over
            ),
            "Loss and overlap over width",
            "Means over seeds with Student's 95% intervals. The weak loss is taken between decays, "
            "where m features are represented.",
        ),
        "arms": Table(
            (
                "m",
                "arm",
                "decay",
                "loss",
                "its sampling error",
                "over the tail",
                "features represented",
                "change of the error with one on",
            ),
            tuple(
                (
                    row["width"],
                    name,
                    arm["decay"],
                    sum(arm["loss"]) / len(arm["loss"]),
                    sum(arm["error"]) / len(arm["error"]),
                    sum(arm["loss"]) / len(arm["loss"]) / row["tail"],
                    sum(arm["represented"]) / len(arm["represented"]),
                    arm["late_probe"],
                )
                for row in data["rows"]
                for name, arm in (
                    ("strong, half the steps", row["half"]),
                    ("strong", row["strong"]),
                    *(("weak", arm) for arm in row["weak"]),
                )
            ),
            "Every arm",
            "Means over seeds, of one seed for half the steps. The sampling error is that of one "
            "seed's loss, and its samples are the same for all widths and arms. The last column: "
            "relative change over the last fifth of the steps.",
        ),
    }
