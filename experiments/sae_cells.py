"""One cell of the autoencoder experiment: autoencoders of one kind, one for each seed, measured."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from experiments import effects, ensembles
from experiments.sae_config import PIECE, SEEN

if TYPE_CHECKING:
    from experiments.harness.progress import Progress
    from experiments.models.dictionary_learning import DictionaryTask
    from experiments.models.synthetic_activations import ActivationLaw
    from experiments.models.training import State
    from experiments.sae_config import Config
    from geometry.recovery import ChanceFloor

__all__ = [
    "READ",
    "REPRESENTED",
    "Cell",
    "absorbed",
    "estimate",
    "finest",
    "measure",
    "random_decoders",
    "train",
]

Rows = NDArray[np.float64]

THRESHOLD = 0.9
"""A feature is recovered by a latent of its own with a larger cosine."""
REPRESENTED = 0.5
"""Features whose direction is shorter are not represented, and not to be found."""
READ = 0.5
"""A unit reads a feature that explains a larger share of its variance."""
_FLOOR_DRAWS, _FEWER, _LARGE = 64, 8, 512
"""Draws of random decoders for the floor of chance, and fewer where they are large."""


@dataclass(frozen=True)
class Cell:
    """Trained members, the task, the samples that each has seen; the course of their recovery."""

    states: State
    task: DictionaryTask
    samples: int
    course: NDArray[np.float64]


def estimate(values: Sequence[float]) -> dict[str, Any]:
    """Return mean, Student's interval over seeds, and the values."""
    return {**effects.estimate(values), "seeds": [float(value) for value in values]}


def train(
    config: Config,
    progress: Progress,
    name: str,
    task: DictionaryTask,
    dictionaries: NDArray[np.float32],
    *,
    sparsity: float,
    samples: int,
) -> Cell:
    """Train one autoencoder on each of the `dictionaries` `[b, n, d]`.

    Members of cells with the same name but another architecture, sparsity or budget have the same
    keys, so that they are paired.
    """
    import jax

    from experiments.models import dictionary_learning, training

    pieces = max(1, math.ceil(samples / (PIECE * task.batch)))
    root = jax.random.fold_in(jax.random.key(config.seed), 1)
    trained = ensembles.train(
        progress,
        name,
        task,
        training.member_keys(root, len(dictionaries)),
        dictionary_learning.settings(
            dictionaries,
            sparsity=sparsity,
            rate=config.rate,
            steps=pieces * PIECE,
            growth=config.growth,
            fall=config.fall,
        ),
        records=pieces,
        every=PIECE,
        chunks=pieces,
    )
    course = (trained.trace["best"] > THRESHOLD).mean(axis=2)
    return Cell(trained.states, task, pieces * PIECE * task.batch, course)


def measure(config: Config, cell: Cell) -> dict[str, Any]:
    """Return what each autoencoder of a cell recovers and restores, as estimates over seeds.

    Recall, precision, F1, MCC and MMCS over chance, explained variance, active latents, living
    ones, kinds of failure, and how well single latents and single neurons read a feature.
    """
    from experiments.models import training

    half = max(1, config.evaluations // (2 * cell.task.batch))
    count = half * cell.task.batch
    found: dict[str, list[float]] = {}
    for seed in range(len(cell.states.step)):
        state = training.member(cell.states, seed)
        # The unit that reads a feature best is chosen on one half of the samples and measured on
        # the other, since the best of many measurements is too good.
        halves = [
            _summed(state, cell.task, range(part * half, (part + 1) * half)) for part in (0, 1)
        ]
        sums = {key: halves[0][key] + halves[1][key] for key in halves[0]}
        seen = (halves[0]["on"] >= SEEN) & (halves[1]["on"] >= SEEN)
        values = {**_restored(sums, 2 * count), **_recovered(config, state, sums)}
        if seen.any():
            values["latent_reading"] = _reading(halves, count, "code", "codes")[seen].mean()
            values["neuron_reading"] = _reading(halves, count, "input", "inputs")[seen].mean()
            law = best_neuron(state, cell.task.law)
            if law is not None:
                values["neuron_law"] = law[seen].mean()
        for key, value in values.items():
            found.setdefault(key, []).append(float(value))
    return {
        "samples": cell.samples,
        "half": count,
        "course": cell.course.tolist(),
        **{key: estimate(values) for key, values in found.items()},
    }


def _restored(sums: dict[str, Rows], count: int) -> dict[str, float]:
    """Explained variance, active latents, and who reads what."""
    variance = (sums["input_squares"] - sums["inputs"] ** 2 / count).sum()
    latents = _shares(sums, "code", "codes", count)
    neurons = _shares(sums, "input", "inputs", count)
    living = sums["fires"] > 0
    reading = latents.max(axis=1)[living] > READ
    return {
        "explained": float(1 - sums["error"] / variance),
        "active": float(sums["fires"].sum() / count),
        "latents_reading": float(reading.mean()) if living.any() else 0.0,
        "neurons_reading": float((neurons.max(axis=1) > READ).mean()),
    }


def _reading(halves: list[dict[str, Rows]], count: int, unit: str, units: str) -> Rows:
    """The share of each feature's best unit's variance that is the feature's, `[n]`."""
    choosing, measuring = (_shares(half, unit, units, count) for half in halves)
    best = choosing.argmax(axis=0)
    return np.asarray(measuring[best, np.arange(len(best))], np.float64)


def _summed(state: State, task: DictionaryTask, places: range) -> dict[str, Rows]:
    """Moments summed over batches, in float64."""
    from experiments.models import dictionary_learning

    total: dict[str, Rows] = {}
    for place in places:
        moments = dictionary_learning.moments(state, task, np.uint32(place))
        for key, value in moments._asdict().items():
            total[key] = total.get(key, 0) + np.asarray(value, np.float64)
    return total


def best_neuron(state: State, law: ActivationLaw) -> Rows | None:
    """Return each feature's share of its best neuron by theory, `[n]`; None where they are grouped.

    Neuron c is x_c = sum_i W_ic a_i.  With C the covariance of the amplitudes the squared
    correlation of x_c and a_i is (C W)_ic² / (C_ii (Wᵀ C W)_cc).
    """
    from experiments.models import synthetic_activations

    covariance = synthetic_activations.covariance(law)
    if covariance is None:
        return None
    rows = np.asarray(state.setting.dictionary, np.float64)
    carried = covariance @ rows
    scale = np.outer(np.diag(covariance), np.einsum("nd,nd->d", rows, carried))
    # A packing may leave a dimension out.
    shares = np.divide(carried**2, scale, out=np.zeros_like(scale), where=scale > 0)
    return np.asarray(shares.max(axis=1), np.float64)


def _shares(sums: dict[str, Rows], unit: str, units: str, count: int) -> Rows:
    """Squared correlation of each unit with each feature, `[units, n]`; 0 for constant ones."""
    products, own = sums[f"{unit}_products"], sums[f"{unit}_squares"] - sums[units] ** 2 / count
    truth = sums["amplitudes"]
    covariance = products - np.outer(sums[units], truth) / count
    scale = np.outer(own, sums["amplitude_squares"] - truth**2 / count)
    share = np.divide(covariance**2, scale, out=np.zeros_like(scale), where=scale > 0)
    return np.asarray(share, np.float64)


def _recovered(config: Config, state: State, sums: dict[str, Rows]) -> dict[str, float]:
    """Metrics of the decoder against the dictionary, and kinds of failure."""
    from geometry import recovery, recovery_failures

    learned, truth = decoder(state), represented(state)
    living = sums["fires"] > 0
    found = recovery.measure(learned, truth, threshold=THRESHOLD, living=living)
    floor = chance(config, len(learned), *truth.shape)
    kinds = recovery_failures.failures(learned, truth, threshold=THRESHOLD, living=living)
    count = np.bincount(kinds.latents, minlength=len(recovery_failures.Latent))
    hidden = np.bincount(kinds.features, minlength=len(recovery_failures.Feature))
    return {
        "recovery": found.recall,
        "precision": found.precision,
        "f1": found.f1,
        "mcc": recovery.above_chance(found.mcc, floor.mcc),
        "mmcs": recovery.above_chance(found.mmcs, floor.mmcs),
        "uniqueness": found.uniqueness,
        "hidden": float(len(truth)),
        **{
            f"latents: {kind.name.lower()}": float(count[kind]) for kind in recovery_failures.Latent
        },
        **{
            f"features: {kind.name.lower()}": float(hidden[kind])
            for kind in recovery_failures.Feature
        },
        "features: split": float((kinds.copies > 0).sum()),
    }


_FLOORS: dict[tuple[int, int, int, int], ChanceFloor] = {}


def chance(config: Config, latents: int, features: int, dim: int) -> ChanceFloor:
    """Return MCC and MMCS of random decoders, once for each size."""
    import jax

    from geometry import recovery

    size = (config.seed, latents, features, dim)
    if size not in _FLOORS:
        key = jax.random.fold_in(jax.random.key(config.seed), 2)
        draws = _FLOOR_DRAWS if max(latents, features) <= _LARGE else _FEWER
        _FLOORS[size] = recovery.chance_floor(key, latents, features, dim, draws=draws)
    return _FLOORS[size]


def random_decoders(config: Config) -> dict[str, Any]:
    """Return MCC over chance and recovery of random decoders, by seed: both should be 0.

    The interval of the first has two standard errors of the floor in it.
    """
    import jax

    from geometry import recovery, sphere

    root = jax.random.fold_in(jax.random.key(config.seed), 3)
    found: dict[str, list[float]] = {"mcc": [], "recovery": []}
    latents = config.latents or config.features
    floor = chance(config, latents, config.features, config.dim)
    for seed in range(config.seeds):
        learning, hiding = jax.random.split(jax.random.fold_in(root, seed))
        one = recovery.measure(
            sphere.sample(learning, latents, config.dim),
            sphere.sample(hiding, config.features, config.dim),
            threshold=THRESHOLD,
        )
        found["mcc"].append(recovery.above_chance(one.mcc, floor.mcc))
        found["recovery"].append(one.recall)
    estimates = {key: estimate(values) for key, values in found.items()}
    reach = 2 * floor.mcc_error / (1 - floor.mcc)
    low, high = estimates["mcc"]["interval"]
    estimates["mcc"]["interval"] = [low - reach, high + reach]
    return estimates


def decoder(state: State) -> Rows:
    """Return one member's decoder rows, `[m, d]`."""
    return np.asarray(state.params["decoder"][...], np.float64)


def represented(state: State) -> Rows:
    """Return the rows of one member's dictionary that are to be found, `[n, d]`."""
    truth = np.asarray(state.setting.dictionary, np.float64)
    return np.asarray(truth[np.linalg.norm(truth, axis=1) > REPRESENTED], np.float64)


def finest(cell: Cell) -> dict[str, Any]:
    """Return the first member's variables by name, and its dictionary."""
    from experiments.models import training

    state = training.member(cell.states, 0)
    weights = {**state.params, **state.rest}
    return {
        "weights": {key: np.asarray(value[...]).tolist() for key, value in weights.items()},
        "dictionary": represented(state).tolist(),
    }


def absorbed(config: Config, cell: Cell) -> dict[str, Any]:
    """Return the shares of parents that are recovered, and that children absorb, over seeds.

    A parent is absorbed where its own latent stays silent while a child's latent stands in.
    """
    from experiments.models import dictionary_learning, synthetic_activations, training
    from geometry import absorption

    parents = synthetic_activations.parents(cell.task.law)
    heads = np.unique(parents[parents >= 0])
    batches = max(1, config.evaluations // cell.task.batch)
    found: dict[str, list[float]] = {"parents": [], "children": [], "absorbed": []}
    for seed in range(len(cell.states.step)):
        state = training.member(cell.states, seed)
        seen = [
            [np.asarray(part) for part in dictionary_learning.firing(state, cell.task, place)]
            for place in np.arange(batches, dtype=np.uint32)
        ]
        living = np.any([fires.any(axis=0) for fires, _ in seen], axis=0)
        truth = np.asarray(state.setting.dictionary, np.float64)
        tree = absorption.hierarchy(
            decoder(state), truth, parents, threshold=THRESHOLD, living=living
        )
        counts = [absorption.silences(fires, on, tree) for fires, on in seen]
        fate = absorption.absorbed(sum(counts[1:], start=counts[0]), tree)
        found["parents"].append(float((tree.latents[heads] >= 0).mean()))
        found["children"].append(float((tree.latents[parents >= 0] >= 0).mean()))
        found["absorbed"].append(float(fate.absorbed[heads].mean()))
    return {key: estimate(values) for key, values in found.items()}
