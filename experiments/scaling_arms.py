"""The trainings of the scaling experiment: every width, strong and weak, and what came of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from experiments import ensembles

if TYPE_CHECKING:
    from experiments.harness.progress import Progress
    from experiments.models.recovery_loss import Sample
    from experiments.scaling_config import Config

__all__ = ["RECORDS", "WEAK_AT", "ranks", "train_all", "travel"]

RECORDS = 10
WEAK_AT = 32
"""The width at which the weak decays are those of the flag."""
_RATE_AT = 8
_SHOWN = 160
_REPRESENTED = 0.5
"""A feature whose row is longer is represented (the paper's threshold)."""


def ranks(features: int) -> NDArray[np.int64]:
    """Return some ranks from 1 to n, evenly spaced in the logarithm, each once."""
    return np.unique(np.geomspace(1, features, _SHOWN).round().astype(np.int64))


def _rate(config: Config, m: int) -> float:
    return float(config.rate * (_RATE_AT / m) ** 0.25)


def travel(config: Config) -> float:
    """Return rate·steps at the largest width, where it is least."""
    return _rate(config, max(config.widths)) * config.steps


def train_all(config: Config, progress: Progress) -> list[dict[str, Any]]:
    """Train every width, rising; lists over seeds."""
    import jax

    from experiments.models import rare_features, recovery_loss

    chances = rare_features.probabilities(config.features, config.alpha, config.expected)
    root = jax.random.key(config.seed)
    # Not one of the widths' keys.
    measuring = jax.random.fold_in(root, 0)
    samples = [
        recovery_loss.sample(jax.random.fold_in(measuring, seed), chances, config.evaluations)
        for seed in range(config.seeds)
    ]
    rows = []
    widths = sorted(set(config.widths))
    with progress.phase("widths", total=len(widths)) as step:
        for m in widths:

            def measure(m: int = m) -> Any:
                return _width(config, progress, m, chances, samples)

            rows.append(progress.part(f"width-{m}", measure))
            step()
    return rows


def _width(
    config: Config,
    progress: Progress,
    m: int,
    chances: NDArray[np.float64],
    samples: list[Sample],
) -> dict[str, Any]:
    import jax

    from experiments.models import rare_features, training
    from experiments.models.feature_recovery import FeatureRecoveryTask, settings

    seeds = config.seeds
    every = -(-config.steps // RECORDS)
    steps = every * RECORDS
    weak = [decay * m / WEAK_AT for decay in sorted(set(config.weak))]
    # The first seed's strong training half as long comes first, then arm by arm all seeds.
    decays = [-config.strong, -config.strong, *weak]
    counts = [1, *(seeds for _ in decays[1:])]
    lengths = [steps // 2, *(steps for _ in decays[1:])]
    keys = training.member_keys(jax.random.fold_in(jax.random.key(config.seed), m), seeds)
    trained = ensembles.train(
        progress,
        f"width-{m}",
        FeatureRecoveryTask(
            config.features, config.alpha, config.expected, m, config.batch, config.outputs
        ),
        jax.numpy.concatenate([keys[:1], training.repeated(keys, len(decays) - 1)]),
        settings(
            rate=_rate(config, m),
            bias_rate=2 / m,
            decay=np.repeat(decays, counts),
            steps=np.repeat(lengths, counts),
        ),
        records=RECORDS,
        every=every,
        chunks=RECORDS,
    )
    arms = []
    first = 0
    for decay, count in zip(decays, counts, strict=True):
        members = list(range(first, first + count))
        arms.append({"decay": decay, **_arm(trained, members, samples, ranks(len(chances)))})
        first += count
    return {
        "width": m,
        "tail": rare_features.tail_loss(chances, m),
        "half": arms[0],
        "strong": arms[1],
        "weak": arms[2:],
    }


def _arm(
    trained: ensembles.Trained,
    members: list[int],
    samples: list[Sample],
    shown: NDArray[np.int64],
) -> dict[str, Any]:
    """Loss, its error, features represented, mean squared overlap, by seed.

    Lengths of rows, and the loss while a feature alone is on, by rank, of the first seed.
    """
    import jax.numpy as jnp

    from experiments.models import recovery_loss
    from geometry import capacity

    found: dict[str, list[Any]] = {
        key: [] for key in ("loss", "error", "represented", "overlap", "lengths", "alone")
    }
    whole = {key: np.asarray(trained.states.params[key][...]) for key in ("vectors", "bias")}
    for member, given in zip(members, samples, strict=False):
        vectors, bias = jnp.asarray(whole["vectors"][member]), jnp.asarray(whole["bias"][member])
        loss = recovery_loss.loss(vectors, bias, given)
        rows = np.asarray(vectors, np.float64)
        lengths = np.linalg.norm(rows, axis=1)
        found["loss"].append(loss.mean)
        found["error"].append(loss.error)
        found["represented"].append(int((lengths > _REPRESENTED).sum()))
        units = rows[lengths > 0] / lengths[lengths > 0, None]
        overlap = capacity.off_diagonal_moments(units).mean_square.mean()
        found["overlap"].append(float(overlap))
        found["lengths"].append(lengths[shown - 1])
        alone = recovery_loss.alone(vectors, bias, jnp.asarray(shown - 1))
        found["alone"].append(np.asarray(alone, np.float64))
    probe = trained.trace["probe"][members].mean(axis=0)
    represented = trained.trace["represented"][members].astype(np.float64).mean(axis=0)
    return {
        **{key: found[key] for key in ("loss", "error", "represented", "overlap")},
        "lengths": found["lengths"][0].tolist(),
        "alone": found["alone"][0].tolist(),
        "late_probe": float(abs(probe[-1] / probe[-3] - 1)),
        "late_represented": float(abs(represented[-1] - represented[-3])),
    }
