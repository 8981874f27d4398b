"""How many nearly orthogonal directions fit in d dimensions?

    python -m experiments.packing --dim 500 --eps 0.05

Lines in R^d with pairwise |cos| <= eps: the report brackets their largest number N(d, eps) from
both sides. The lower bound is an explicit packing, printed as a recipe and certified; the upper
bound is a theorem, named. Beside them stand random directions, measured and by their exact law,
the bracket over eps and over d, and the popular statements of this kind with their verdicts.
About twenty seconds on two cores for (500, 0.05).
"""

from __future__ import annotations

import math
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import numpy as np

from experiments import claims, packing_figures, packing_words, popular
from experiments.harness import cli
from experiments.harness.checks import Check, Verdict, judge
from experiments.harness.errors import InputError
from experiments.harness.experiment import OUTPUT_ONLY, Experiment, Result, Table
from experiments.harness.run import main
from geometry import exact

if TYPE_CHECKING:
    from experiments.harness.progress import Progress
    from geometry.exact import Cosine
    from geometry.packing import Packing

__all__ = ["EXPERIMENT", "Config"]

DEFAULT_EPS = "0.05"
LARGEST_DIM = 1 << 16
_SHOWN_IN_SPACE = 500  # lines drawn in the 3-D view


# The words themselves are kept: they are plain JSON and read again without loss.
def _eps(word: str) -> str:
    exact.eps(word)
    return word


def _angle(word: str) -> str:
    exact.angle(word)
    return word


@dataclass(frozen=True)
class Config:
    """The question, and how hard to measure the random baseline."""

    dim: Annotated[tuple[int, ...], cli.integers("--dim", at_least=2, at_most=LARGEST_DIM)] = (500,)
    """Dimension d, one or several."""
    eps: Annotated[
        str | None,
        cli.option("--eps", exact.EPS_NEED, _eps, metavar="EPS"),
    ] = None
    """Allowed |cos|: decimal, fraction (1/16) or root (1/sqrt(5)); 0.05 unless --angle is given."""
    angle: Annotated[
        str | None,
        cli.option("--angle", exact.ANGLE_NEED, _angle, metavar="DEG"),
    ] = None
    """Smallest allowed angle in degrees, instead of --eps."""
    save: Annotated[str | None, cli.text("--save", metavar="FILE.npz")] = field(
        default=None, metadata=OUTPUT_ONLY
    )
    """Save the packing, for experiments.verify (a recipe and a sample when it is too large)."""
    show: Annotated[int, cli.integer("--show", at_least=0, at_most=1000)] = field(
        default=0, metadata=OUTPUT_ONLY
    )
    """Print the first rows of the packing."""
    candidates: Annotated[int, cli.integer("--candidates", at_least=1, at_most=10**7)] = 4096
    """Random candidates that the greedy baseline draws."""
    baseline: Annotated[int, cli.integer("--baseline", at_least=2, at_most=10**5)] = 4096
    """Most random directions whose coherence is measured."""
    histogram: Annotated[int, cli.integer("--histogram", at_least=2, at_most=20_000)] = 2000
    """Rows of the packing whose pairwise cosines are shown."""
    points: Annotated[int, cli.integer("--points", at_least=2, at_most=1000)] = 40
    """Points of the curves over eps (fewer above d = 4096) and over d."""
    seed: cli.Seed = 0
    """Root of the baseline's random numbers."""
    seeds: cli.Seeds = 16
    """Independent repetitions of the baseline."""


def _threshold(config: Config) -> Cosine:
    if config.angle is not None:
        return exact.angle(config.angle)
    return exact.eps(DEFAULT_EPS if config.eps is None else config.eps)


def validate(config: Config) -> None:
    """Hold what one field alone cannot show."""
    if config.eps is not None and config.angle is not None:
        raise InputError(
            f"--eps must come without --angle; got both, {config.eps} and {config.angle}."
        )
    if config.save is not None:
        if len(config.dim) > 1:
            raise InputError(f"--save must come with one --dim; got {len(config.dim)}.")
        path = Path(config.save)
        if path.is_dir() or not path.parent.is_dir():
            raise InputError(f"--save must name a file in a folder; got {config.save!r}.")


def measure(config: Config, progress: Progress) -> Result:
    """Bracket N(d, eps) for every d asked for, with its surroundings."""
    from experiments import brackets

    eps = _threshold(config)
    answers: list[dict[str, Any]] = []
    arrays: dict[str, Any] = {}
    families: list[tuple[str | int | float | None, ...]] = []
    upper_bounds: list[tuple[str | int | float | None, ...]] = []
    for dim in dict.fromkeys(config.dim):
        begun = time.perf_counter()
        with progress.phase(f"packing and certificate, d = {dim}"):
            packing, answer = _bracket(dim, eps)
        with progress.phase(f"random directions, d = {dim}"):
            answer["random"] = brackets.random_baseline(
                packing,
                eps,
                upper=answer["upper"]["count"],
                seed=config.seed,
                seeds=config.seeds,
                candidates=config.candidates,
                largest=config.baseline,
            )
        with progress.phase(f"bracket over eps, d = {dim}"):
            arrays |= brackets.over_eps(dim, eps, points=config.points)
        arrays |= brackets.cosines(packing, rows=config.histogram, seed=config.seed)
        if dim <= 3:
            shown = np.arange(min(packing.count, _SHOWN_IN_SPACE), dtype=np.int64)
            arrays[f"lines_{dim}"] = packing.rows(shown).unit()
        families += brackets.family_rows(dim, eps)
        upper_bounds += brackets.bound_rows(dim, eps)
        answers.append(answer | {"seconds": time.perf_counter() - begun})
    with progress.phase("bracket over d"):
        arrays |= brackets.over_dims(max(config.dim), eps, points=config.points)
    with progress.phase("popular statements"):
        examined = popular.examine()
    data: dict[str, Any] = {"answers": answers}
    if len(answers) == 1:  # one question: its keys at the top, the run's seconds beside them
        data = {name: value for name, value in answers[0].items() if name != "seconds"}
    return Result(
        {**data, "popular": examined},
        arrays,
        {
            **({} if len(answers) == 1 else {"answers": _overview(answers)}),
            "families": Table(
                (
                    "d",
                    "family",
                    "lines",
                    "certificate",
                    "paper",
                    "coherence",
                    "dimensions used",
                    "recipe",
                ),
                tuple(families),
                "Explicit families at this d and eps",
                "The largest packing of each family that fits, the one with most lines first, and "
                "how its coherence is known at little effort (above d = 2048 for the first four). "
                "The catalogue joins them by direct sums and fills what is left.",
            ),
            "bounds": Table(
                ("d", "bound", "at most", "statement", "reference"),
                tuple(upper_bounds),
                "Upper bounds at this d and eps",
                "All that answer; the smallest is the one printed.",
            ),
            "popular": popular.table(examined),
        },
    )


def _bracket(dim: int, eps: Cosine) -> tuple[Packing, dict[str, Any]]:
    """The packing, and the answer for one dimension, certificate included."""
    from geometry import bounds, catalogue, certify
    from geometry.bounds import existence

    packing = catalogue.best(dim, eps)
    upper = bounds.best_upper_bound(dim, eps)
    begun = time.perf_counter()
    finding = certify.certificate(packing, eps).check()
    certificate = {
        "level": str(finding.level),
        "holds": finding.holds,
        "pairs_checked": finding.pairs,
        "largest": float(finding.largest),
        "largest_exact": str(finding.largest),
        "detail": finding.detail,
        "seconds": time.perf_counter() - begun,
    }
    answer = {
        "dim": dim,
        "eps": float(eps),
        "eps_exact": str(eps),
        "angle_degrees": eps.angle_degrees(),
        "lower": {
            "count": packing.count,
            "coherence": float(packing.coherence),
            "coherence_exact": str(packing.coherence),
            "method": _method(packing),
            "words": packing.words(),
            "recipe": packing.recipe(),
            "certificate": certificate,
        },
        "existence": {"count": existence.existence_lower_bound(dim, eps), "method": "covering"},
        "upper": {
            "count": upper.count,
            "method": upper.method,
            "statement": upper.statement,
            "reference": upper.reference,
        },
    }
    return packing, answer


def _overview(answers: list[dict[str, Any]]) -> Table:
    return Table(
        ("d", "at least", "certificate", "packing", "at most", "bound"),
        tuple(
            (
                one["dim"],
                one["lower"]["count"],
                one["lower"]["certificate"]["level"],
                one["lower"]["method"],
                one["upper"]["count"],
                one["upper"]["method"],
            )
            for one in answers
        ),
        "The answers",
        "A packing of each dimension with its certificate, and the bound that won.",
    )


def _method(packing: Packing) -> str:
    """The families behind the parts of a packing, each with the moves that led from it."""
    from geometry.moves import DirectSum, leading

    parts = packing.parts if isinstance(packing, DirectSum) else (packing,)
    found = [leading(part) for part in parts]
    named = [", ".join([family.name, *reversed(moves)]) for family, moves in found]
    return " + ".join(dict.fromkeys(named))


def checks(config: Config, result: Result) -> list[Check]:
    """The bracket's own consistency, the random law, and the popular statements."""
    found: list[Check] = []
    for one in packing_words.answers_of(result):
        lower, upper, where = one["lower"], one["upper"], f"d = {one['dim']}"
        most = packing_words.large(upper["count"], up=True)
        certificate = lower["certificate"]
        found.append(
            judge(
                f"lower <= upper, {where}",
                theory=f"at most {most} ({upper['method']})",
                estimate=lower["count"],
                band=(one["dim"], upper["count"]),
            )
        )
        found.append(
            Check(
                f"certificate, {where}",
                theory=f"every |cos| <= {one['eps_exact']}",
                estimate=certificate["largest"],
                interval=None,
                band=(None, one["eps"]),
                verdict=Verdict.PASS if certificate["holds"] else Verdict.FAIL,
                note=f"{certificate['level']}: {certificate['detail']}",
            )
        )
        random = one["random"]["coherence"]
        if random["median"] is not None:
            found.append(
                judge(
                    f"coherence of {random['count']} random directions, {where}",
                    theory=f"median {random['law']:.4f}",
                    estimate=random["median"],
                    # Too few draws have no interval, and decide nothing.
                    interval=tuple(random["interval"] or (-math.inf, math.inf)),
                    # The interval of a median of n draws lies between these quantiles of the law
                    # with probability above 99% from n = 16 on.
                    band=(random["law_5"], random["law_95"]),
                )
            )
    examined: Any = result.data["popular"]
    return found + popular.checks(examined)


def finish(config: Config, result: Result) -> list[str]:
    """Save and print rows when asked to."""
    from experiments import packing_rows
    from geometry import catalogue

    lines: list[str] = []
    for one in packing_words.answers_of(result) if config.save is not None or config.show else []:
        packing = catalogue.build(one["lower"]["recipe"])
        if config.show:
            lines += packing_rows.shown(packing, config.show)
        if config.save is not None:
            lines.append(packing_rows.saved(packing, Path(config.save)))
    return lines


EXPERIMENT = Experiment(
    name="packing",
    question="How many nearly orthogonal directions fit in d dimensions?",
    primer=(
        "Two lines are nearly orthogonal when the |cosine| of the angle between them is at most "
        "some eps. In d dimensions d lines can be exactly orthogonal; how many more fit once a "
        "little overlap is allowed? An explicit list of lines, every pair of which was checked, "
        "proves that at least so many fit; an inequality proves that no more than so many can. "
        "The truth lies between the two. Random lines are shown for comparison: far more fit than "
        "chance finds."
    ),
    duration="about 20 s on two cores for (500, 0.05)",
    cite=(
        "V. I. Levenshtein, Designs as maximum codes in polynomial metric spaces, "
        "Acta Applicandae Mathematicae 29 (1992)",
        "B. Bukh, C. Cox, Nearly orthogonal vectors and small antipodal spherical codes, "
        "Israel Journal of Mathematics 238 (2020)",
        "P. Delsarte, J. M. Goethals, J. J. Seidel, Bounds for systems of lines, and Jacobi "
        "polynomials, Philips Research Reports 30 (1975)",
        "A. M. Kerdock, A class of low-rate nonlinear binary codes, Information and Control 20 "
        "(1972)",
    ),
    examples=(
        "python -m experiments.packing --dim 500 --eps 0.05",
        "python -m experiments.packing --dim 3 --eps '1/sqrt(5)'",
        "python -m experiments.packing --dim 100 200 500 --angle 89 --json",
        "python -m experiments.packing --dim 512 --eps 1/16 --save packing.npz --show 5",
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
    measure=measure,
    checks=checks,
    claims=lambda found: claims.verdicts(("C1", "C2", "C3", "C4"), found),
    answer=packing_words.answer,
    summary=packing_words.summary,
    figures=packing_figures.figures,
    validate=validate,
    finish=finish,
)

if __name__ == "__main__":
    raise SystemExit(main(EXPERIMENT))
