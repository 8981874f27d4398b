"""How close to orthogonal are the directions of this matrix?

    python -m experiments.audit weights.safetensors --tensor embedding.weight

Audits a real matrix, an embedding, an unembedding, an autoencoder's decoder, row by row or column
by column: the law of |cos| over its pairs, the closest pairs (by token, with a vocabulary file),
duplicates, zero rows, norms, and what that geometry does to a reader when k of the directions are
active at once; as given, and with their mean taken away.  Beside it stand random directions,
Welch's bound, and the least coherent packing known of as many directions.  20 s on two
cores for 32,000 rows in 256 dimensions; `nox -s demo` does that with a real table.
"""

from __future__ import annotations

import dataclasses
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from experiments import audit_checks, audit_figures, audit_matrix, audit_words
from experiments.audit_config import MOST_PAIRS, Config, overview, validate
from experiments.command import main
from experiments.harness.errors import InputError, shortened
from experiments.harness.experiment import Experiment, Result

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from experiments.audit_matrix import View
    from experiments.audit_pairs import Seen
    from experiments.harness.progress import Progress
    from geometry.rows import RowSource

__all__ = ["EXPERIMENT", "Config"]

_NORM_BINS = 80
_SHOWN = 20
_NAMED = 3
_SHOWN_GROUP = 8
_MOST_EIGENVALUES = 1000


def measure(config: Config, progress: Progress) -> Result:
    """Moments, duplicates, pairs and interference, raw and centred; then what to compare with."""
    from geometry.duplicates import duplicates

    assert config.file is not None
    with ExitStack() as stack:
        given, source = stack.enter_context(
            audit_matrix.opened(config.file, config.tensor, config.axis)
        )
        with progress.phase("reading"):
            rows = stack.enter_context(audit_matrix.directions(source, config.axis))
        total = rows.shape[0]
        with progress.phase(f"{config.axis} looked at, for duplicates", total) as step:
            groups = duplicates(rows, step=step)
        views = _views(config, rows, given.kind, progress)
        raw = views["raw"]
        dim = raw.moments.dim
        words = _words(config, total)
        data: dict[str, Any] = {
            "file": Path(config.file).name,
            "tensor": given.name,
            "type": given.kind,
            "axis": config.axis,
            "rows": total,
            "count": raw.count,
            "dim": dim,
            "zero": _first(raw.moments.zero),
            "duplicates": _equal(groups, raw.moments.zero),
            "norms": _spread(raw.moments.norms[raw.index]),
            "notices": words.notices,
            "views": {},
        }
        arrays: dict[str, Any] = _histograms(views)
        closest: list[tuple[Any, ...]] = []
        for name, view in views.items():
            one, drawn, pairs = _measured(config, view, groups, progress)
            data["views"][name] = one
            arrays |= {f"{name}:{key}": value for key, value in drawn.items()}
            named = [_pair(view, words.tokens, *pair) for pair in pairs]
            one["closest"] = [list(pair) for pair in named[:_NAMED]]
            closest += [(name, *pair) for pair in named]
    with progress.phase("what to compare with"):
        from experiments import audit_baselines

        against, curves = audit_baselines.baselines(raw.count, dim)
    data |= against
    arrays |= curves
    arrays["norms"] = raw.moments.norms
    return Result(data, arrays, audit_words.tables(data, closest, words.tokens))


def _views(config: Config, rows: RowSource, kind: str, progress: Progress) -> dict[str, View]:
    """The rows as given, and less their mean; each with its moments."""
    from geometry.gram_moments import moments

    found: dict[str, View] = {}
    index = np.arange(rows.shape[0])
    least = 0.0
    for name in audit_matrix.VIEWS:
        with progress.phase(f"{config.axis} summed, {name}", rows.shape[0]) as step:
            try:
                known = moments(rows, least=least, step=step)
            except ValueError as error:
                raise InputError(
                    f"FILE must hold {config.axis} to compare, {name}: {error}"
                ) from None
        found[name] = audit_matrix.view(name, rows, index, known)
        if found[name].count < 3:
            raise InputError(
                f"FILE must hold at least 3 {name} {config.axis} that are not zero; "
                f"got {found[name].count}."
            )
        index = found[name].index
        if name == "raw":
            rows, least = audit_matrix.centred(found[name], kind)
    return found


def _measured(
    config: Config, view: View, equal: list[NDArray[np.int64]], progress: Progress
) -> tuple[dict[str, Any], dict[str, NDArray[Any]], list[tuple[int, int, float]]]:
    """One view: numbers, arrays for the figures, and the closest pairs with their signed cosine."""
    from experiments import audit_pairs, audit_reading

    moments = view.moments
    if max(config.active) >= view.count:
        raise InputError(
            f"--active must be below the {view.count} {view.name} {config.axis} that are not zero; "
            f"got {max(config.active)}."
        )
    try:
        seen = _pairs(config, view, equal, progress)
    except ValueError:
        # A defect, unless the file is another by now.
        audit_matrix.hold_directions(view)
        raise
    signed = audit_pairs.cosines(view, seen.first, seen.second)
    with progress.phase(
        f"batches of active features, {view.name}", len(config.active) * config.seeds
    ) as step:
        read = audit_reading.interference(config, view, step)
    exact = seen.unseen is not None
    numbers = {
        "count": view.count,
        "zero": _first(moments.zero),
        "mean_cosine": moments.mean_cosine,
        "rms": moments.mean_square**0.5,
        "effective_dimension": moments.effective_dimension,
        "row_participation": float(moments.row_participation.mean()),
        "column_participation": float(moments.column_participation.mean()),
        "norms": _spread(moments.norms[np.delete(np.arange(len(moments.norms)), moments.zero)]),
        "exact": exact,
        "sampled": None if exact else len(seen.nearest),
        "pairs": int(seen.counts.sum()),
        "largest": {
            "cosine": float(seen.cosine[0]),
            "at_most": max(float(seen.cosine[0]), seen.unseen) if seen.unseen is not None else 1.0,
            "rows": [int(view.index[seen.first[0]]), int(view.index[seen.second[0]])],
        },
        "quantiles": [
            {"share": share, "interval": list(ends)}
            for share, ends in zip(audit_pairs.QUANTILES, seen.quantiles, strict=True)
        ],
        "nearest": _spread(seen.nearest),
        "square": list(seen.square),
        "exact_square": seen.exact_square,
        "square_error": seen.square_error,
        "interference": read,
    }
    ranks = _ranks(len(moments.eigenvalues))
    edges = np.linspace(0, 1, audit_pairs.BINS + 1)
    # Rounding may leave a largest |cos| a little above 1.
    nearest = np.histogram(np.minimum(seen.nearest, 1), edges)[0]
    arrays = {
        "cosines": seen.counts / seen.counts.sum(),
        "nearest": nearest / nearest.sum(),
        "ranks": ranks + 1,
        "eigenvalues": moments.eigenvalues[ranks],
    }
    pairs = list(zip(seen.first.tolist(), seen.second.tolist(), signed.tolist(), strict=True))
    return numbers, arrays, pairs


def _pairs(config: Config, view: View, equal: list[NDArray[np.int64]], progress: Progress) -> Seen:
    import jax

    from experiments import audit_pairs

    pairs = view.count * (view.count - 1) // 2
    few = config.pairs == "auto" and pairs <= MOST_PAIRS
    # A sample of all rows would be all pairs, each of them twice.
    if config.pairs == "all" or few or view.count <= config.sample:
        # Once for the counts and once for the closest.
        with progress.phase(f"pairs compared, {view.name}", 2 * pairs) as step:
            return audit_pairs.all_pairs(view, config.closest, step, progress.crew)
    many = config.sample - config.sample % audit_pairs.groups_of(config.sample)
    # The same rows of both views, where they have as many.
    key = jax.random.fold_in(jax.random.key(config.seed), 2)
    drawn = jax.random.choice(key, view.count, (many,), replace=False)
    name = f"pairs compared, {view.name}, sample of {many:,} {config.axis}"
    with progress.phase(name, many * view.count) as step:
        chosen = np.asarray(drawn, np.int64)
        return audit_pairs.sampled_pairs(view, chosen, config.closest, equal, step, progress.crew)


@dataclasses.dataclass(frozen=True)
class _Words:
    tokens: list[str] | None
    notices: list[str]


def _words(config: Config, total: int) -> _Words:
    """The token of each row, and what does not fit."""
    if config.vocabulary is None:
        return _Words(None, [])
    from experiments import vocabulary

    tokens = vocabulary.read(config.vocabulary)
    if len(tokens) == total:
        return _Words([vocabulary.shown(one) for one in tokens], [])
    notice = (
        f"The vocabulary {shortened(Path(config.vocabulary).name)} has {len(tokens):,} tokens for "
        f"{total:,} {config.axis}; tokens name the {config.axis} from the first on."
    )
    shown = [vocabulary.shown(one) for one in tokens[:total]]
    return _Words(shown + [""] * (total - len(shown)), [notice])


def _pair(
    view: View, tokens: list[str] | None, first: int, second: int, cosine: float
) -> tuple[Any, ...]:
    ends = int(view.index[first]), int(view.index[second])
    return cosine, *ends, *(() if tokens is None else (tokens[end] for end in ends))


def _first(rows: NDArray[np.int64]) -> dict[str, Any]:
    return {"count": len(rows), "first": rows[:_SHOWN].tolist()}


def _equal(groups: list[NDArray[np.int64]], zero: NDArray[np.int64]) -> dict[str, Any]:
    """Groups of equal rows, without the zero rows; the largest first."""
    nothing = set(zero[:1].tolist())
    kept = [group for group in groups if int(group[0]) not in nothing]
    kept.sort(key=lambda group: (-len(group), int(group[0])))
    return {
        "groups": len(kept),
        "rows": sum(len(group) for group in kept),
        "first": [
            {"count": len(group), "rows": group[:_SHOWN_GROUP].tolist()} for group in kept[:_SHOWN]
        ],
    }


def _spread(values: NDArray[np.float64]) -> dict[str, float]:
    return {
        "min": float(values.min()),
        "median": float(np.median(values)),
        "max": float(values.max()),
    }


def _ranks(count: int) -> NDArray[np.int64]:
    """Places of eigenvalues to draw: all, or so many with the first ones all there."""
    if count <= _MOST_EIGENVALUES:
        return np.arange(count)
    spaced = np.geomspace(1, count, _MOST_EIGENVALUES) - 1
    even = np.linspace(0, count - 1, _MOST_EIGENVALUES)
    return np.unique(np.concatenate([spaced, even]).round().astype(np.int64))


def _histograms(views: dict[str, View]) -> dict[str, NDArray[Any]]:
    """Norms of both views on the same bins."""
    norms = {name: np.delete(view.moments.norms, view.moments.zero) for name, view in views.items()}
    high = max(float(values.max()) for values in norms.values())
    low = min(float(values.min()) for values in norms.values())
    edges = np.linspace(low, high if high > low else low + 1, _NORM_BINS + 1)
    found = {f"{name}:norms": np.histogram(values, edges)[0] for name, values in norms.items()}
    return found | {"norm_edges": edges}


EXPERIMENT = Experiment(
    name="audit",
    question="How close to orthogonal are the directions of this matrix?",
    primer=(
        "A network keeps what it knows of words, or of features, as directions: rows of an "
        "embedding, columns of a decoder. Often there are far more of them than dimensions, and "
        "then they cannot all be orthogonal. How far they are from it is measured by the cosine "
        "between two of them: 0 is orthogonal, 1 the same. Random directions in d "
        "dimensions have a typical |cos| of 1/√d, Welch's bound says how small the largest can be "
        "at best, and the best "
        "packing known comes close to it. Real directions often lean towards a common mean, so "
        "everything is shown as given (raw) and with their mean taken away (centred). When k "
        "features are active at once, cosines add up to interference: the reading of a feature "
        "that is off. Where it passes 1/2, the feature looks on."
    ),
    duration="20 s on two cores for 32,000 x 256",
    alone="needs a file",
    cite=(
        "L. R. Welch, Lower bounds on the maximum cross correlation of signals, IEEE Trans. Inf. "
        "Theory 20 (1974)",
        "J. J. Benedetto, M. Fickus, Finite normalized tight frames, Adv. Comput. Math. 18 (2003)",
        "V. A. Marchenko, L. A. Pastur, Distribution of eigenvalues for some sets of random "
        "matrices, Math. USSR Sb. 1 (1967)",
        "J. Mu, P. Viswanath, All-but-the-top: simple and effective postprocessing for word "
        "representations, ICLR (2018)",
        "R. S. Woodruff, Confidence intervals for medians and other position measures, J. Amer. "
        "Statist. Assoc. 47 (1952)",
    ),
    examples=(
        "python -m experiments.audit weights.safetensors",
        "python -m experiments.audit weights.safetensors --tensor embedding.weight",
        "python -m experiments.audit decoder.npy --axis columns --active 8 16 32",
        "python -m experiments.audit table.npz --vocabulary tokenizer.json --pairs sample",
    ),
    config=Config,
    presets={
        "tiny": {"active": (1, 4), "trials": 32, "seeds": 3, "sample": 32, "closest": 5},
        "quick": {},
        "paper": {"trials": 4096, "seeds": 12, "sample": 4096},
        "full": {"trials": 16384, "seeds": 24, "sample": 16384, "closest": 100},
    },
    measure=measure,
    checks=audit_checks.checks,
    claims=lambda _: [],
    answer=audit_words.answer,
    summary=audit_words.summary,
    figures=audit_figures.figures,
    validate=validate,
    overview=overview,
    shared=True,
)

if __name__ == "__main__":
    raise SystemExit(main(EXPERIMENT))
