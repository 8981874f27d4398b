"""How many nearly orthogonal directions fit in d dimensions; how far apart can n be?

    python -m experiments.packing --dim 500 --eps 0.05
    python -m experiments.packing --dim 5 --count 16

Lines in R^d with pairwise |cos| <= eps: the report brackets their largest number N(d, eps) from
both sides. The lower bound is an explicit packing, printed as a recipe and certified; the upper
bound is a theorem, named. Beside them stand random directions, measured and by their exact law,
the bracket over eps and over d, and the popular statements of this kind with their verdicts.
10 s on two cores for (500, 0.05).

With --count the question is turned round: the report has the n lines whose closest two are farthest
apart, of the catalogue or of an optimiser, whichever is better, and how far apart n lines can be at
all.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from experiments import claims
from experiments.command import main
from experiments.harness.checks import ClaimVerdict
from experiments.harness.experiment import Experiment
from experiments.packing_bracket import BRACKET
from experiments.packing_config import Config, validate
from experiments.packing_count import COUNT
from experiments.packing_question import answers_of

if TYPE_CHECKING:
    from experiments.harness.checks import Check, Claim
    from experiments.harness.experiment import Result
    from experiments.packing_question import Question

__all__ = ["EXPERIMENT", "Config"]


def _question(config: Config) -> Question:
    return BRACKET if config.count is None else COUNT


def _claims(found: list[Check]) -> list[Claim]:
    """On the popular statements, which are examined with the first question only."""
    known = claims.verdicts_of("packing", found)
    return [claim for claim in known if claim.verdict is not ClaimVerdict.NOT_RUN]


def _finish(config: Config, result: Result) -> list[str]:
    """Save and print rows when asked to."""
    from experiments import packing_rows

    lines: list[str] = []
    for one in answers_of(result) if config.save is not None or config.show else []:
        packing = _question(config).packing_of(result, one)
        if config.show:
            lines += packing_rows.shown(packing, config.show)
        if config.save is not None:
            lines.append(packing_rows.saved(packing, Path(config.save)))
    return lines


EXPERIMENT = Experiment(
    name="packing",
    question="How many nearly orthogonal directions fit in d dimensions; how far apart can n be?",
    primer=(
        "Two lines are nearly orthogonal when the |cosine| of the angle between them is at most "
        "some eps. In d dimensions d lines can be exactly orthogonal; how many more fit once a "
        "little overlap is allowed? An explicit list of lines, every pair of which was checked, "
        "proves that at least so many fit; an inequality proves that no more than so many can. "
        "The truth lies between the two. Random lines are shown for comparison: far more fit than "
        "chance finds. Asked the other way round (--count), the number of lines is given, and "
        "their coherence, the largest |cosine| of any two, is to be as small as can be."
    ),
    duration="10 s on two cores",
    seconds=11,
    cite=(
        "V. I. Levenshtein, Designs as maximum codes in polynomial metric spaces, "
        "Acta Applicandae Mathematicae 29 (1992)",
        "B. Bukh, C. Cox, Nearly orthogonal vectors and small antipodal spherical codes, "
        "Israel Journal of Mathematics 238 (2020)",
        "P. Delsarte, J. M. Goethals, J. J. Seidel, Bounds for systems of lines, and Jacobi "
        "polynomials, Philips Research Reports 30 (1975)",
        "A. M. Kerdock, A class of low-rate nonlinear binary codes, Information and Control 20 "
        "(1972)",
        "J. H. Conway, R. H. Hardin, N. J. A. Sloane, Packing lines, planes, etc.: packings in "
        "Grassmannian spaces, Experimental Mathematics 5 (1996)",
    ),
    examples=(
        "python -m experiments.packing --dim 500 --eps 0.05",
        "python -m experiments.packing --dim 3 --eps '1/sqrt(5)'",
        "python -m experiments.packing --dim 100 200 500 --angle 89 --json",
        "python -m experiments.packing --dim 512 --eps 1/16 --save packing.npz --show 5",
        "python -m experiments.packing --dim 5 --count 16",
        "python -m experiments.packing --dim 3 4 5 --count 12 --budget 60",
    ),
    config=Config,
    presets={
        "tiny": {
            "dim": (16,),
            "points": 6,
            "seeds": 6,
            "candidates": 256,
            "baseline": 128,
            "histogram": 100,
        },
        "quick": {},
        "paper": {"points": 80, "seeds": 64},
        "full": {"points": 160, "seeds": 256, "candidates": 65536, "histogram": 4000},
    },
    measure=lambda config, progress: _question(config).measure(config, progress),
    checks=lambda config, result: _question(config).checks(config, result),
    claims=_claims,
    answer=lambda config, result: _question(config).answer(config, result),
    summary=lambda config, result: _question(config).summary(config, result),
    figures=lambda config, result: _question(config).figures(config, result),
    validate=validate,
    finish=_finish,
)

if __name__ == "__main__":
    raise SystemExit(main(EXPERIMENT))
