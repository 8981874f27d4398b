"""Sparse autoencoders on the matched layers: the other way on, after training."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from experiments import ensembles
from experiments.intrinsic_cells import (
    CLOCK,
    LATE,
    RECORDS,
    Layers,
    batches,
    estimate,
    ratio,
    units,
)
from experiments.intrinsic_config import Config

if TYPE_CHECKING:
    from experiments.harness.progress import Progress
    from geometry.recovery import Recovery

__all__ = ["FOUND", "latents_on", "train"]

FOUND = 0.9
"""A feature is recovered by a latent of its own with a larger cosine."""
_SLOTS, _GROWTH, _FALL, _WINDOW = 8, 0.3, 0.3, 100


def train(
    config: Config, progress: Progress, layers: Layers
) -> tuple[list[dict[str, Any]], NDArray[np.float32], NDArray[np.bool_]]:
    """Train BatchTopK autoencoders on the layers of the first setting, and measure them.

    Returns a row for each sparsity, the responses `[seeds, m, N]` of the latents at the first one,
    and which of them live `[seeds, m]`.  As for units, a latent is alive if some feature alone
    makes it move the model's output by more than `feature_decoder.ALIVE`.
    """
    import jax

    from experiments.models import dictionary_learning, hidden_dictionary, training
    from experiments.models.feature_decoder import ALIVE
    from experiments.models.hidden_dictionary import HiddenDictionaryTask, Layer
    from experiments.models.synthetic_activations import ActivationLaw

    seeds, every = config.seeds, -(-config.sae_steps // RECORDS)
    models = jax.tree.map(lambda leaf: leaf[:seeds], layers.states)
    made = jax.device_get(hidden_dictionary.layer(models, layers.task, batches(config)))
    truths = np.stack(
        [
            hidden_dictionary.directions(Layer(*(leaf[seed] for leaf in made)))
            for seed in range(seeds)
        ]
    )
    on = config.probability * config.features
    latents = config.latents or config.hidden
    numbers = [times * on for times in dict.fromkeys(config.sparsities)]
    task = HiddenDictionaryTask(
        ActivationLaw(config.features, on, "independent"),
        config.hidden,
        latents,
        "batch-topk",
        slots=min(latents, max(_SLOTS, int(np.ceil(max(numbers))))),
        batch=config.sae_batch,
        window=_WINDOW,
    )
    count = len(numbers)

    def tiled(values: Any) -> Any:
        return np.concatenate([values] * count)

    root = jax.random.fold_in(jax.random.key(config.seed), 1)
    trained = ensembles.train(
        progress,
        "autoencoders",
        task,
        training.repeated(training.member_keys(root, seeds), count),
        dictionary_learning.settings(
            tiled(truths),
            sparsity=np.repeat(numbers, seeds),
            rate=config.sae_rate,
            steps=every * RECORDS,
            growth=_GROWTH,
            fall=_FALL,
            source=Layer(*(tiled(leaf) for leaf in made)),
        ),
        records=RECORDS,
        every=every,
        chunks=RECORDS,
    )
    owners = jax.tree.map(lambda *leaves: jax.numpy.concatenate(leaves), *[models] * count)
    reading = hidden_dictionary.read(trained.states, task, owners, layers.task, batches(config))
    found = {key: np.asarray(value) for key, value in reading._asdict().items()}
    decoders = np.asarray(trained.states.params["decoder"][...], np.float64)
    living = np.abs(found["responses"]).max(axis=2) * found["effects"] > ALIVE
    course = (trained.trace["best"] > FOUND).mean(axis=2)
    rows = []
    for place, number in enumerate(numbers):
        part = slice(place * seeds, (place + 1) * seeds)
        kinds = [units(*one) for one in zip(found["responses"][part], living[part], strict=True)]
        whole = [
            _recovered(*one)
            for one in zip(decoders[part], truths, found["fires"][part] > 0, strict=True)
        ]
        errors = found["error"][part].astype(np.float64)
        late = course[part].mean(axis=0)
        rows.append(
            {
                "name": f"autoencoder, {latents_on(number)}",
                "number": number,
                "latents": latents,
                "loss": estimate(errors),
                "ratio": ratio(errors, layers.rows[0]["loss"]["seeds"]),
                "explained": estimate(1 - found["unexplained"][part].astype(np.float64)),
                "active": estimate(found["active"][part].astype(np.float64)),
                **{key: estimate([kind[key] for kind in kinds]) for key in kinds[0]},
                "recovery": estimate([one.recall for one in whole]),
                "cosine": estimate([one.mmcs for one in whole]),
                "converged": bool(
                    config.sae_rate * every * RECORDS * (1 + 1e-9) >= CLOCK
                    and abs(late[-1] - late[-2]) <= LATE
                ),
            }
        )
    return rows, found["responses"][:seeds], living[:seeds]


def latents_on(number: float) -> str:
    """Return how many latents are on, in words."""
    given = f"{number:g}"
    return f"{given} latent{'s' * (given != '1')} on"


def _recovered(
    decoder: NDArray[np.float64], truth: NDArray[np.float64], fires: NDArray[np.bool_]
) -> Recovery:
    """Metrics against the directions; a feature that adds nothing to the layer is not recovered."""
    from geometry import recovery

    there = truth.any(axis=1)
    if not there.any():
        return recovery.Recovery(0.0, 0.0, 0.0, 0.0, 0.0, 0.0, np.full(len(truth), -1))
    found = recovery.measure(decoder, truth[there], threshold=FOUND, living=fires)
    share = float(there.mean())
    return found._replace(recall=found.recall * share, mmcs=found.mmcs * share)
