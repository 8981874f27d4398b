"""The measurements of the steering experiment; the arms are listed here, and only here."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from experiments import dictionary, steering_recovered
from experiments.dictionary import Dictionary
from experiments.effects import estimate
from experiments.steering_config import Config
from experiments.steering_recovered import ARM, Autoencoder, Member
from experiments.steering_theory import SCALES

if TYPE_CHECKING:
    from jax import Array

    from experiments.harness.progress import Step

__all__ = ["ARMS", "make", "roots", "steer_kind"]

_SCANNED = 32
_SCAN_STEPS = 400
# Float32 readings of orthogonal directions stay below this, for a written direction of length 1.
_ROUNDING = 1e-6

Vectors = NDArray[np.float32]
Targets = NDArray[np.int64]


def _true(vectors: Vectors, targets: Targets, key: Array) -> NDArray[np.float64]:
    return np.asarray(vectors[targets], np.float64)


def _dual(vectors: Vectors, targets: Targets, key: Array) -> NDArray[np.float64]:
    from geometry import steering

    return steering.dual_directions(vectors, targets)


def _neuron(vectors: Vectors, targets: Targets, key: Array) -> NDArray[np.float64]:
    from geometry import steering

    best, _ = steering.best_neurons(vectors, targets)
    return np.eye(vectors.shape[1])[best]


def _random(vectors: Vectors, targets: Targets, key: Array) -> NDArray[np.float64]:
    from geometry import sphere

    return np.asarray(sphere.sample(key, len(targets), vectors.shape[1]), np.float64)


# What is written along, `[targets, d]`; its length does not matter.  A new arm is one line here;
# the recovered direction, where there are autoencoders, comes third.
ARMS: Mapping[str, Callable[[Vectors, Targets, Array], NDArray[np.float64]]] = {
    "true direction": _true,
    "dual direction": _dual,
    "best neuron": _neuron,
    "random direction": _random,
}


def _estimate(values: Sequence[float]) -> dict[str, Any]:
    """The mean and its interval over seeds; without those that have no number."""
    there = [value for value in values if np.isfinite(value)]
    if len(there) < 2:
        return {"mean": None, "interval": None}
    return estimate(there)


def roots(seed: int) -> tuple[Array, Array, Array]:
    """Return the keys of dictionaries and targets, of autoencoders, of the reference settings."""
    import jax

    made, trained, reference = jax.random.split(jax.random.key(seed), 3)
    return made, trained, reference


def make(config: Config, kind: str, seed: int, shape: tuple[int, int]) -> Dictionary:
    """Return the dictionary of a kind, or of the file, for one of the seeds."""
    if config.file is not None:
        return dictionary.from_file(kind, config.tensor)
    features, dim = shape
    key = _keys(config, seed)[0]
    if kind != "trained":
        return dictionary.named(kind, key, features, dim)
    from experiments.models import toy_autoencoder

    vectors, loss = toy_autoencoder.directions(key, features, dim, steps=config.steps, batch=128)
    return dictionary.normalised(
        "trained",
        np.asarray(vectors),
        f"Toy model: loss {float(loss):.3g} a sample after {config.steps} steps",
    )


def _keys(config: Config, seed: int) -> Array:
    """Keys of a seed's dictionary, targets, random directions, and company."""
    import jax

    return jax.random.split(jax.random.fold_in(roots(config.seed)[0], seed), 4)


def steer_kind(
    config: Config,
    kind: str,
    shape: tuple[int, int],
    trained: Mapping[Member, tuple[Dictionary, Autoencoder]],
    step: Step,
) -> tuple[str, str, dict[str, Any], dict[str, NDArray[Any]]]:
    """Steer one kind over all seeds: its name, a notice, numbers, and arrays for the figures.

    `trained` has the dictionaries that there are autoencoders for.
    """
    import jax

    seeds = []
    kept: dict[str, NDArray[Any]] = {}
    name, notice = kind, ""
    one: Dictionary | None = None
    for seed in range(config.seeds):
        _, choosing, drawing, company = _keys(config, seed)
        autoencoder: Autoencoder | None = None
        if (kind, seed) in trained:
            one, autoencoder = trained[kind, seed]
        elif one is None or config.file is None:
            one = make(config, kind, seed, shape)
        if seed == 0:
            name, notice = one.name, one.notice
        count = len(one.vectors)
        targets = np.asarray(jax.random.permutation(choosing, count)[: config.targets], np.int64)
        written = {
            arm: direction(one.vectors, targets, jax.random.fold_in(drawing, place))
            for place, (arm, direction) in enumerate(ARMS.items())
        }
        found: dict[str, Any] = {}
        drawn: dict[str, NDArray[Any]] = {}
        if autoencoder is not None:
            directions, found["recovered"], drawn = _recovered(
                config, autoencoder, one.vectors, targets, company
            )
            written = _third(written, directions)
        steered, kinds = _steer(config, one.vectors, targets, written)
        seeds.append(found | steered)
        kept = kept or drawn | kinds
        step()
    row = _summed(seeds)
    autoencoders = [one for (of, _), (_, one) in trained.items() if of == kind]
    if autoencoders:
        row["settled"] = steering_recovered.settled(config, autoencoders)
    return name, notice, row, kept


def _third(
    written: dict[str, NDArray[np.float64]], directions: NDArray[np.float64]
) -> dict[str, NDArray[np.float64]]:
    items = list(written.items())
    return dict([*items[:2], (ARM, directions), *items[2:]])


def _summed(seeds: list[dict[str, Any]]) -> dict[str, Any]:
    """Means over seeds, with intervals; an arm that a seed lacks is left out."""
    arms = [arm for arm in seeds[0]["arms"] if all(arm in one["arms"] for one in seeds)]
    row: dict[str, Any] = {
        "arms": {
            arm: {
                "selectivity": _estimate([one["arms"][arm]["selectivity"] for one in seeds]),
                "collateral": _estimate([one["arms"][arm]["collateral"] for one in seeds]),
                "first": _estimate([one["arms"][arm]["first"] for one in seeds]),
                "on": [
                    _estimate([one["arms"][arm]["on"][place] for one in seeds])
                    for place in range(len(SCALES))
                ],
            }
            for arm in arms
        },
        "gain": _estimate([one["gain"] for one in seeds]),
        "tenfold": float(np.mean([one["tenfold"] for one in seeds])),
        "first_deviation": max(one["first_deviation"] for one in seeds),
        "leverage_deviation": max(one["leverage_deviation"] for one in seeds),
    }
    if ARM in arms:
        row["recovered"] = {
            key: _estimate([one["recovered"][key] for one in seeds])
            for key in seeds[0]["recovered"]
        }
    return row


def _recovered(
    config: Config, autoencoder: Autoencoder, vectors: Vectors, targets: Targets, key: Array
) -> tuple[NDArray[np.float64], dict[str, float], dict[str, NDArray[Any]]]:
    """The picked directions; how near they are, what they keep, what scaling their latents does.

    Numbers whose name ends in `_all` are over all targets, others over the recovered ones, and NaN
    where there are none.
    """
    from geometry import steering

    picked = steering_recovered.pick(autoencoder.decoder, autoencoder.living, vectors, targets)
    own = steering.selectivity(vectors, targets, vectors[targets])
    kept = steering.selectivity(vectors, targets, picked.directions) / own
    theory = steering.kept_selectivity(picked.cosines, 1 / own, *vectors.shape)
    there = picked.recovered

    def mean(values: NDArray[np.float64]) -> float:
        return float(values[there].mean()) if there.any() else float("nan")

    found = {
        "share": float(there.mean()),
        "cosine": mean(picked.cosines),
        "cosine_all": float(picked.cosines.mean()),
        "kept": mean(kept),
        "kept_all": float(kept.mean()),
        "theory": mean(theory),
        "ratio": mean(kept) / mean(theory),
    }
    steered = steering_recovered.steer_latents(config, autoencoder, vectors, targets, picked, key)
    for setting, numbers in steered.items():
        found |= {f"{setting}_{name}": mean(values) for name, values in numbers.items()}
    arrays: dict[str, NDArray[Any]] = {
        "cosine": picked.cosines.astype(np.float32),
        "kept": kept.astype(np.float32),
    }
    return picked.directions, found, arrays


def _steer(
    config: Config,
    vectors: Vectors,
    targets: Targets,
    arms: Mapping[str, NDArray[np.float64]],
) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
    """All arms on one dictionary; `arms` has what is written along, `[targets, d]`."""
    from geometry import capacity, steering
    from geometry.decoders import matched_filter

    count = len(vectors)
    doses = np.array([(s - 1) * config.amplitude for s in SCALES])
    up, down = doses > 0, doses < 0
    found: dict[str, Any] = {"arms": {}}
    kept: dict[str, NDArray[Any]] = {}
    for arm, written in arms.items():
        effect = np.einsum("md,md->m", np.asarray(vectors[targets], np.float64), written)
        # Equal effect on the target: w_i·v = 1.
        unit = (written / effect[:, None]).astype(np.float32)
        on = np.zeros(len(SCALES))
        over = steering.couplings(vectors, targets, unit, config.theta / doses[up])
        on[up] = over.passing.mean(axis=0) / (count - 1)
        # Scaled down, the features that the direction holds down come up.
        under = steering.couplings(vectors, targets, -unit, config.theta / -doses[down])
        on[down] = under.passing.mean(axis=0) / (count - 1)
        # Orthogonal features never come on, whatever rounding makes of their cosines.
        coupled = over.largest > _ROUNDING * np.linalg.norm(unit, axis=1)
        first = steering.first_false_activation(
            config.theta, config.amplitude, np.where(coupled, over.largest, 0)
        )
        selectivity = steering.selectivity(vectors, targets, written)
        found["arms"][arm] = {
            "selectivity": float(selectivity.mean()),
            # A median: random directions nearly orthogonal to a target have no mean.
            "collateral": float(np.median(np.sqrt(over.mean_square.astype(np.float64)))),
            "on": on.tolist(),
            # Finite, since JSON has no infinity: beyond a million nothing else ever turns on.
            "first": float(np.median(np.minimum(first, 1e6))),
        }
        kept[f"{arm}:selectivity"] = selectivity.astype(np.float32)
        if arm == "true direction":
            kept["first"] = np.minimum(first, 1e6).astype(np.float32)
            found["first_deviation"] = _scanned(config, vectors, targets[:_SCANNED], first)
            raised = 10 * config.amplitude * vectors[targets]
            readings = np.asarray(matched_filter.correlations(vectors, raised[:_SCANNED]))
            found["tenfold"] = float(readings[np.arange(len(readings)), targets[:_SCANNED]].mean())
        if arm == "dual direction":
            leverage = capacity.leverage(vectors)[targets]
            found["leverage_deviation"] = float(np.abs(selectivity / leverage - 1).max())
    own, neuron = (found["arms"][arm]["selectivity"] for arm in ("true direction", "best neuron"))
    found["gain"] = own / neuron
    return found, kept


def _scanned(
    config: Config, vectors: Vectors, targets: Targets, predicted: NDArray[np.float64]
) -> float:
    """The largest distance of the predicted first activation to the scanned one, in scan steps.

    Each target is read at 400 scales, to about twice its prediction; the first scale at which
    another feature is past the threshold lies within a step above the prediction.
    """
    from geometry.decoders import matched_filter

    worst = 0.0
    for place, target in enumerate(targets):
        if not np.isfinite(predicted[place]):
            continue
        reach = 1.97 * (predicted[place] - 1)  # no step falls on the prediction itself
        scales = 1 + reach * np.arange(1, _SCAN_STEPS + 1) / _SCAN_STEPS
        own = vectors[target].astype(np.float64) * config.amplitude
        before = np.asarray(matched_filter.correlations(vectors, own[None]))
        after = np.asarray(
            matched_filter.correlations(vectors, (scales[:, None] * own).astype(np.float32))
        )
        change = after - before
        change[:, target] = -np.inf
        passed = np.flatnonzero((change > config.theta).any(axis=1))
        if len(passed) == 0:
            return float(_SCAN_STEPS)
        # Float32 readings may pass a hair early.
        gap = (scales[passed[0]] - predicted[place]) / (reach / _SCAN_STEPS)
        worst = max(worst, gap if gap >= 0 else -gap * _SCAN_STEPS)
    return worst
