"""The measurements of the read-out experiment: picture, l1 transition, widths, message passing."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from experiments.intervals import mean_interval
from experiments.logistic import Crossing, crossing

if TYPE_CHECKING:
    from experiments.harness.progress import Step

__all__ = ["DECODERS", "deltas", "message_passing", "picture", "rhos", "transition", "widths"]

DECODERS = (
    "k strongest",
    "Bayes threshold",
    "orthogonal matching pursuit",
    "l1 (FISTA), signed",
    "l1 (FISTA), nonnegative",
    "message passing, signed",
    "message passing, nonnegative",
)
_PENALTY = 1e-3
_FISTA_STEPS = 600
_PASSING_STEPS = 200
# Up to so many features one shape for every width saves more than the smaller products would.
_DENSE = 512
_LEAST_ACTIVE = 32
# Of read-outs at each width and seed.
_LINEAR_BLOCKS = 4
# k over the Donoho-Tanner value, where the logistic curve is fitted.
_NEAR = (0.82, 0.91, 1.0, 1.09, 1.18)


def deltas(cells: int) -> NDArray[np.float64]:
    """Columns of the picture: d/N at the centres of `cells` equal cells of [0, 1]."""
    return (np.arange(cells) + 0.5) / cells


def rhos(cells: int) -> NDArray[np.float64]:
    """Rows of the picture: k/d at the centres of the cells."""
    return deltas(cells)


def picture(
    seed: int, features: int, cells: int, trials: int, step: Step
) -> dict[str, NDArray[np.float32]]:
    """Share of trials in which each decoder finds the support: `[cells, cells]`, rho by delta."""
    import jax

    from geometry import signals, sphere

    shares = {name: np.zeros((cells, cells), np.float32) for name in DECODERS}
    root = jax.random.fold_in(jax.random.key(seed), 1)
    groups = 2
    for column, delta in enumerate(deltas(cells)):
        dim = max(1, round(delta * features))
        ks = np.maximum(1, np.round(rhos(cells) * dim)).astype(np.int32)
        active = np.repeat(ks, -(-trials // groups))
        for group in range(groups):
            key = jax.random.fold_in(jax.random.fold_in(root, column), group)
            making, positive, signed = jax.random.split(key, 3)
            # Zero columns change nothing, and let one compilation serve every width.
            rows = np.asarray(sphere.sample_padded(making, features, dim, features))
            codes = {
                sign: np.asarray(
                    signals.draw_codes(place, len(active), features, active, signed=sign)
                )
                for sign, place in ((False, positive), (True, signed))
            }
            for name, found in _decoded(rows, codes, dim, active).items():
                shares[name][:, column] += found.reshape(cells, -1).mean(axis=1) / groups
        step()
    return shares


def _decoded(
    rows: NDArray[np.float32],
    codes: dict[bool, NDArray[np.float32]],
    dim: int,
    active: NDArray[np.int32],
) -> dict[str, NDArray[np.bool_]]:
    """Which trials each decoder gets right: the k largest entries are the support, signs too."""
    from geometry import donoho_tanner, interference
    from geometry.decoders import amp, fista, matched_filter, pursuit

    features = len(rows)
    inputs = {sign: code @ rows for sign, code in codes.items()}
    readings = np.asarray(matched_filter.correlations(rows, inputs[True]))
    levels = np.array(
        [
            interference.bayes_threshold(features, dim, int(k)) if k < features else 0.0
            for k in active
        ]
    )
    positive = np.asarray(matched_filter.correlations(rows, inputs[False]))
    found = {
        DECODERS[0]: _separated(codes[True], readings),
        DECODERS[1]: ((positive > levels[:, None]) == (codes[False] != 0)).all(axis=1),
        DECODERS[2]: np.asarray(pursuit.recovers(rows, codes[True], most=features // 2)),
    }
    for place, sign in ((3, True), (4, False)):
        lasso = fista.decode(
            rows, inputs[sign], _PENALTY, nonnegative=not sign, steps=_FISTA_STEPS, tolerance=0.05
        )
        found[DECODERS[place]] = _separated(codes[sign], np.asarray(lasso.codes))
    for place, sign in ((5, True), (6, False)):
        alpha = float(donoho_tanner.tuning(dim / features, nonnegative=not sign))
        passed = amp.decode(
            rows, inputs[sign], alpha, steps=_PASSING_STEPS, nonnegative=not sign, dim=dim
        )
        found[DECODERS[place]] = _separated(codes[sign], np.asarray(passed.codes))
    return found


def _separated(truth: NDArray[np.float32], found: NDArray[np.float32]) -> NDArray[np.bool_]:
    """Whether every active entry, with its sign, exceeds every other in size."""
    on = np.where(truth != 0, found * np.sign(truth), np.inf).min(axis=1)
    off = np.where(truth == 0, np.abs(found), -np.inf).max(axis=1)
    # An iteration that diverged holds NaN, and is not right.
    return np.asarray((on > np.maximum(off, 0)) & np.isfinite(found).all(axis=1))


def transition(
    seed: int, features: int, delta: float, trials: int, groups: int, *, nonnegative: bool
) -> dict[str, Any]:
    """The k at which basis pursuit fails half of the time, against Donoho and Tanner's.

    Theirs is a statement about large N. Where their k is small a step of one feature is a large
    share of it, and the crossing lies above: by 8% at N = 400, d/N = .1, where k is 7.6 (linear
    programming agrees trial by trial). So N is raised until their signed k is at least 32.
    """
    import jax

    from geometry import donoho_tanner, signals, sphere
    from geometry.decoders import basis_pursuit

    share = float(donoho_tanner.threshold(delta)) * delta
    features = max(features, math.ceil(_LEAST_ACTIVE / share))
    dim = round(delta * features)
    predicted = float(donoho_tanner.threshold(dim / features, nonnegative=nonnegative)) * dim
    ks = np.unique(np.clip(np.round(np.array(_NEAR) * predicted), 1, dim - 1)).astype(np.int32)
    each = -(-trials // groups)
    active = np.repeat(ks, each)
    root = jax.random.fold_in(jax.random.key(seed), 2 + nonnegative)
    root = jax.random.fold_in(root, dim)
    recovered, undecided = np.zeros((2, groups, len(ks)), np.int64)
    for group in range(groups):
        making, drawing = jax.random.split(jax.random.fold_in(root, group))
        if 2 * dim > features or features <= _DENSE:
            rows = sphere.sample_padded(making, features, dim, features)
        else:
            rows = sphere.sample(making, features, dim)
        span = basis_pursuit.subspace(rows, dense=rows.shape[1] == features)
        codes = signals.draw_codes(drawing, len(active), features, active, signed=not nonnegative)
        outcome = basis_pursuit.decide(span, codes, nonnegative=nonnegative, steps=1000)
        by_k = outcome.reshape(len(ks), each)
        recovered[group] = (by_k == basis_pursuit.RECOVERED).sum(axis=1)
        undecided[group] = (by_k == basis_pursuit.UNDECIDED).sum(axis=1)
    fit = _crossing(ks, recovered, undecided, each)
    return {
        "delta": delta,
        "features": features,
        "dim": dim,
        "nonnegative": nonnegative,
        "predicted": predicted,
        "k": ks.tolist(),
        "success": (recovered.sum(axis=0) / (groups * each)).tolist(),
        "trials": groups * each,
        "undecided": float(undecided.sum() / (groups * each * len(ks))),
        "ratio": None if fit is None else fit.at / predicted,
        "interval": None
        if fit is None
        else [fit.interval[0] / predicted, fit.interval[1] / predicted],
        "width": None if fit is None else fit.width,
    }


def _crossing(
    x: NDArray[Any], recovered: NDArray[np.int64], undecided: NDArray[np.int64], each: int
) -> Crossing | None:
    """The crossing, its interval wide enough for both readings of the undecided trials.

    None where it is not determined: the trials, or some resample of them, all end alike.
    """
    low = crossing(x, recovered, each)
    high = crossing(x, recovered + undecided, each)
    if low is None or high is None:
        return None
    interval = min(low.interval[0], high.interval[0]), max(low.interval[1], high.interval[1])
    if not all(map(math.isfinite, interval)):
        return None
    return Crossing((low.at + high.at) / 2, interval, low.width)


def widths(seed: int, features: int, active: int, seeds: int, trials: int) -> dict[str, Any]:
    """How wide each decoder needs the layer to be for `active` of `features`."""
    from geometry import donoho_tanner, interference

    half = interference.least_dim(features, active, theta=0.5)
    bayes = interference.least_dim(features, active)
    linear = _linear(seed, features, active, seeds, half, bayes)
    sparse = []
    for name, predicted, signed in (
        ("l1, signed", donoho_tanner.least_dim(features, active), True),
        (
            "l1, nonnegative",
            donoho_tanner.least_dim(features, active, nonnegative=True),
            False,
        ),
        ("orthogonal matching pursuit", None, True),
    ):
        sparse.append(
            _sparse(seed, features, active, max(seeds, 5), trials, name, predicted, signed)
        )
    return {
        "features": features,
        "active": active,
        "bits": interference.information_bits(features, active),
        "half": half,
        "bayes": bayes,
        "linear": linear,
        "sparse": sparse,
    }


def _linear(
    seed: int, features: int, active: int, seeds: int, half: int, bayes: int
) -> list[dict[str, Any]]:
    """Errors of the thresholds 1/2 and Bayes at the widths that either needs, beside theory."""
    import jax

    from geometry import interference, readout, sphere
    from geometry.signals import Activity

    activity = Activity(active)
    dims = sorted({half, bayes})
    root = jax.random.fold_in(jax.random.key(seed), 4)
    found = []
    for dim in dims:
        best = interference.bayes_threshold(features, dim, active)
        errors: list[list[float]] = [[], []]
        for member in range(seeds):
            making, reading = jax.random.split(
                jax.random.fold_in(jax.random.fold_in(root, dim), member)
            )
            rows = sphere.sample_padded(making, features, dim, dims[-1])
            # A block at a time, so that one compilation serves all.
            wrong = np.zeros(2)
            for block in range(_LINEAR_BLOCKS):
                seen = readout.read(
                    jax.random.fold_in(reading, block),
                    rows,
                    activity,
                    np.array([0.5, best]),
                    bins=readout.Bins(-2.0, 3.0, 2),
                    blocks=1,
                )
                wrong += np.asarray(seen.false_alarms)[0] + np.asarray(seen.misses)[0]
            for place in range(2):
                errors[place].append(wrong[place] / _LINEAR_BLOCKS / readout.block_of(features))
        for place, (name, theta) in enumerate((("threshold 1/2", 0.5), ("Bayes threshold", best))):
            found.append(
                {
                    "decoder": name,
                    "dim": dim,
                    "errors": float(np.mean(errors[place])),
                    "interval": list(mean_interval(errors[place])),
                    "theory": float(interference.expected_errors(theta, dim, features, activity)),
                }
            )
    return found


def _sparse(
    seed: int,
    features: int,
    active: int,
    groups: int,
    trials: int,
    name: str,
    predicted: int | None,
    signed: bool,
) -> dict[str, Any]:
    """Success over d of a decoder that knows the code is sparse, and where it is one half."""
    import jax

    from geometry import signals, sphere
    from geometry.decoders import basis_pursuit, pursuit

    if predicted is None:
        # Orthogonal matching pursuit needs about 2 k ln N numbers (Tropp and Gilbert, IEEE Trans.
        # Inf. Theory 53, 2007, theorem 6 and section V): searched around it.
        centre = 2 * active * math.log(features)
        dims = [round(centre * share) for share in (0.5, 0.6, 0.7, 0.8, 0.9)]
    else:
        dims = [round(predicted * share) for share in (0.92, 1.0, 1.08)]
    dims = [min(max(dim, active + 1), features - 1) for dim in dims]
    each = -(-trials // groups)
    root = jax.random.fold_in(jax.random.key(seed), 5 + len(name))
    recovered, undecided = np.zeros((2, groups, len(dims)), np.int64)
    for group in range(groups):
        for place, dim in enumerate(dims):
            key = jax.random.fold_in(jax.random.fold_in(root, dim), group)
            making, drawing = jax.random.split(key)
            rows = np.asarray(sphere.sample_padded(making, features, dim, max(dims)))
            codes = signals.draw_codes(drawing, each, features, active, signed=signed)
            if predicted is None:
                won = np.asarray(pursuit.recovers(rows, codes, most=active))
                recovered[group, place] = won.sum()
                continue
            span = np.zeros_like(rows)
            span[:, :dim] = basis_pursuit.subspace(rows[:, :dim], dense=False)
            outcome = basis_pursuit.decide(span, codes, nonnegative=not signed, steps=800)
            recovered[group, place] = (outcome == basis_pursuit.RECOVERED).sum()
            undecided[group, place] = (outcome == basis_pursuit.UNDECIDED).sum()
    # Success rises with d: over -d it falls, as the fit expects.
    fit = _crossing(-np.array(dims), recovered, undecided, each)
    return {
        "decoder": name,
        "predicted": predicted,
        "dims": dims,
        "success": (recovered.sum(axis=0) / (groups * each)).tolist(),
        "trials": groups * each,
        "undecided": float(undecided.sum() / (groups * each * len(dims))),
        "dim": None if fit is None else -fit.at,
        "interval": None if fit is None else [-fit.interval[1], -fit.interval[0]],
    }


def message_passing(seed: int, features: int, groups: int) -> dict[str, Any]:
    """Message passing's error at its fixed point, against state evolution (science's setting)."""
    import jax
    import jax.numpy as jnp

    from geometry import signals, sphere, state_evolution
    from geometry.decoders import amp

    delta, rho, sigma, alpha = 0.5, 0.2, 0.1, 1.2
    dim = round(delta * features)
    active = round(rho * dim)
    root = jax.random.fold_in(jax.random.key(seed), 6)
    errors = []
    for group in range(groups):
        making, drawing, noising = jax.random.split(jax.random.fold_in(root, group), 3)
        rows = sphere.sample(making, features, dim)
        codes = signals.draw_codes(drawing, 16, features, active, signed=True)
        inputs = codes @ rows + sigma * jax.random.normal(noising, (16, dim))
        passed = amp.decode(rows, inputs, alpha, steps=30)
        errors.append(float(jnp.mean((passed.codes - codes) ** 2)))
    share = active / features
    fixed = state_evolution.fixed_point(
        delta,
        (-1.0, 0.0, 1.0),
        (share / 2, 1 - share, share / 2),
        sigma=sigma,
        alpha=alpha,
    )
    return {
        "features": features,
        "error": float(np.mean(errors)),
        "interval": list(mean_interval(errors)),
        "theory": fixed.mean_square_error,
    }
