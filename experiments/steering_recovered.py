"""Autoencoders trained on each dictionary's activations, and what is steered with them.

For each target the latent that a user would pick: the one matched to it one-to-one, or else the
nearest that lives.  Its decoder row is a direction like any other; and its own activation is scaled
tenfold, as users do.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from experiments import ensembles, steering_config
from experiments.dictionary import Dictionary
from experiments.harness.errors import InputError
from experiments.steering_config import RECORDS, Config

if TYPE_CHECKING:
    from jax import Array

    from experiments.harness.progress import Progress
    from experiments.models.dictionary_learning import DictionaryTask
    from experiments.models.training import State

__all__ = [
    "ARM",
    "LEAST",
    "TENFOLD",
    "Autoencoder",
    "Member",
    "Picked",
    "pick",
    "settled",
    "steer_latents",
    "train_all",
]

ARM = "recovered direction"
LEAST = 0.9
"""The cosine past which a latent recovers a feature."""
TENFOLD = 10
CLOCK = 10.0
"""Least rate times steps: Adam could have moved a weight ten times from 0 to 1."""
LATE = 0.02
"""Most change of the recovery over the last tenth of trainings that have settled."""
_BLOCK = 256

Floats = NDArray[np.float64]
Places = NDArray[np.int64]
Member = tuple[str, int]


class Autoencoder(NamedTuple):
    """A trained member, and its task; the course of its recovery.

    `course` `[records]`: the share of features with a living latent near, in training.
    """

    state: State
    task: DictionaryTask
    course: Floats

    @property
    def decoder(self) -> Floats:
        """The latents' directions `[m, d]`."""
        return np.asarray(self.state.params["decoder"][...], np.float64)

    @property
    def living(self) -> NDArray[np.bool_]:
        """Which latents were active lately, and have a direction.  Shape `[m]`."""
        from experiments.models import dictionary_learning

        silent = np.asarray(self.state.rest["silent"][...])
        lately = silent <= max(self.task.window, dictionary_learning.SILENT)
        return np.asarray(lately & self.decoder.any(axis=1), np.bool_)

    def hold(self, rate: float) -> None:
        """Raise InputError where training ran away, or no latent lives."""
        if not np.isfinite(self.decoder).all() or not self.living.any():
            raise InputError(
                f"--rate must be small enough for autoencoders to learn; got {rate:g}: one was "
                "left without a living latent."
            )


def train_all(
    config: Config, made: Mapping[Member, Dictionary], key: Array, progress: Progress
) -> dict[Member, Autoencoder]:
    """Return an autoencoder for each dictionary; those of the same number of features together.

    A dictionary with fewer features than are on at a time gets none.
    """
    import jax
    import jax.numpy as jnp

    from experiments.models import training

    keys = training.member_keys(key, config.seeds)
    found: dict[Member, Autoencoder] = {}
    for count in sorted({len(one.vectors) for one in made.values()}):
        members = [member for member, one in made.items() if len(one.vectors) == count]
        dictionaries = np.stack([made[member].vectors for member in members])
        asked = steering_config.samples(config, *dictionaries.shape[1:])
        if not asked or count < config.active:
            continue
        steps = steering_config.steps(config, asked)
        task, settings = _task(config, dictionaries, steps)
        trained = ensembles.train(
            progress,
            f"autoencoders-{count}",
            task,
            # Dictionaries of the same place share their draws, so that kinds are paired.
            keys[jnp.array([seed for _, seed in members])],
            settings,
            records=RECORDS,
            every=steps // RECORDS,
            chunks=RECORDS,
        )
        states = jax.device_get(_plain(trained.states))
        course = (trained.trace["best"] > LEAST).mean(axis=2)
        for place, member in enumerate(members):
            one = jax.tree.map(lambda leaf, at=place: jnp.asarray(leaf[at]), states)
            found[member] = Autoencoder(one, task, course[place])
            found[member].hold(config.rate)
    return found


def _plain(states: State) -> State:
    """States without their keys, which are not needed any more."""
    import jax.numpy as jnp

    return states._replace(key=jnp.zeros(len(states.step)))


def _task(
    config: Config, dictionaries: NDArray[np.float32], steps: int
) -> tuple[DictionaryTask, Any]:
    import jax.numpy as jnp

    from experiments.models import dictionary_learning
    from experiments.models.synthetic_activations import ActivationLaw

    features, dim = dictionaries.shape[1:]
    latents = config.latents or features
    task = dictionary_learning.DictionaryTask(
        ActivationLaw(features, config.active, spread=config.spread),
        dim,
        latents,
        slots=min(config.slots, latents),
        batch=config.batch,
        window=config.window,
    )
    settings = dictionary_learning.settings(
        jnp.asarray(dictionaries),
        sparsity=config.active,
        rate=config.rate,
        steps=steps,
        growth=config.growth,
        fall=config.fall,
    )
    return task, settings


def settled(config: Config, trained: Sequence[Autoencoder]) -> bool:
    """Return whether trainings were long enough, and their mean recovery no longer moves."""
    steps = trained[0].state.step
    late = np.mean([one.course[-2:] for one in trained], axis=0)
    # A hair more, since 0.01·1000 need not be 10 in binary.
    far = config.rate * float(steps) * (1 + 1e-9) >= CLOCK
    return bool(far and abs(late[1] - late[0]) <= LATE)


class Picked(NamedTuple):
    """For each target its latent, unit direction `[t, d]` and cosine, and if it is recovered."""

    latents: Places
    directions: Floats
    cosines: Floats
    recovered: NDArray[np.bool_]


def pick(
    decoder: Floats, living: NDArray[np.bool_], vectors: NDArray[np.float32], targets: Places
) -> Picked:
    """Return what a user would pick for `targets` `[t]` from a decoder `[m, d]`.

    The latent matched one-to-one to the target at a cosine above .9, or else the nearest living
    one, which may be that of another target too.
    """
    from geometry import recovery

    table = recovery.cosines(decoder, vectors)
    matched = recovery.recovered(table, threshold=LEAST, living=living)[targets]
    nearest = np.where(living[:, None], table[:, targets], -np.inf).argmax(axis=0)
    there = matched >= 0
    latents = np.where(there, matched, nearest)
    rows = decoder[latents]
    directions = rows / np.linalg.norm(rows, axis=1, keepdims=True)
    return Picked(latents, directions, table[latents, targets], there)


def steer_latents(
    config: Config,
    autoencoder: Autoencoder,
    vectors: NDArray[np.float32],
    targets: Places,
    picked: Picked,
    key: Array,
) -> dict[str, dict[str, Floats]]:
    """Scale each picked latent tenfold on its target alone, and among others; values `[t]`.

    - `reading`: what w_i·x becomes over 10a, the others' part of it as before.
    - `code`: what the latent's part of the reconstruction becomes, over 10a.
    - `on`: the share of other features whose reading rises past theta.
    - `latents`: how many other latents' parts of the reconstruction do.
    """
    import jax
    import jax.numpy as jnp

    count, chosen = len(vectors), vectors[targets]
    spare = jax.random.uniform(key, (len(targets), count - 1))
    ahead = np.asarray(jax.lax.top_k(spare, config.active - 1)[1]) + 1
    others = vectors[(targets[:, None] + ahead) % count].sum(axis=1)
    found = {}
    for name, inputs in (("alone", chosen), ("company", chosen + others)):
        parts = [
            _scaled(config, autoencoder, vectors, targets[block], picked.latents[block], x)
            for block, x in _blocks(jnp.asarray(config.amplitude * inputs, jnp.float32))
        ]
        found[name] = {key: np.concatenate([part[key] for part in parts]) for key in parts[0]}
    return found


def _blocks(inputs: Array) -> list[tuple[slice, Array]]:
    return [
        (slice(at, at + _BLOCK), inputs[at : at + _BLOCK]) for at in range(0, len(inputs), _BLOCK)
    ]


def _scaled(
    config: Config,
    autoencoder: Autoencoder,
    vectors: NDArray[np.float32],
    targets: Places,
    latents: Places,
    inputs: Array,
) -> dict[str, Floats]:
    import jax.numpy as jnp

    from experiments.models import latent_steering

    done = latent_steering.scale_latents(
        autoencoder.state, autoencoder.task, inputs, jnp.asarray(latents, jnp.int32), factor=TENFOLD
    )
    moves = np.asarray(done.moved, np.float64) @ np.asarray(vectors, np.float64).T
    place = np.arange(len(targets))
    own = moves[place, targets]
    moves[place, targets] = -np.inf
    goal = TENFOLD * config.amplitude
    return {
        "reading": (config.amplitude + own) / goal,
        "code": np.asarray(done.after, np.float64) / goal,
        "on": (moves > config.theta).sum(axis=1) / (len(vectors) - 1),
        "latents": np.asarray(done.rises > config.theta).sum(axis=1).astype(np.float64),
    }
