"""The arms of the autoencoder experiment: what is varied, and what is kept of each cell."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from experiments import dictionary, sae_cells
from experiments.sae_config import Config

if TYPE_CHECKING:
    from experiments.harness.progress import Progress
    from experiments.models.dictionary_learning import DictionaryTask
    from experiments.models.synthetic_activations import ActivationLaw

__all__ = ["CROWDED", "FAMILY", "measure"]

Vectors = NDArray[np.float32]

CROWDED = 4
"""Features per dimension in the arm of weak penalties."""
FAMILY = (4, 0.2, 2)
"""Features of a family in the arm of parents and children, a child's probability with its parent
on, and how many parents are on for each feature that is on elsewhere, in the mean."""
_TOY_STEPS, _TOY_RATE, _TOY_BATCH, _TOY_ON = 1000, 0.01, 256, 4


def measure(config: Config, progress: Progress) -> dict[str, Any]:
    """Train and measure every arm; each cell is kept, so that a killed run goes on."""
    arms = {
        "architectures": _architectures,
        "dictionaries": _dictionaries,
        "sparsities": _sparsities,
        "sizes": _sizes,
        "penalties": _penalties,
        "families": _families,
    }
    found = {}
    with progress.phase("arms", total=len(arms)) as step:
        for name, arm in arms.items():
            found[name] = arm(config, progress)
            step()
    return found


def law(config: Config, features: int, active: int, kind: str | None = None) -> ActivationLaw:
    """Return the law of the activations that the flags ask for."""
    from experiments.models.synthetic_activations import ActivationLaw

    which = kind or config.kind
    grouped = which in ("correlated", "hierarchical")
    return ActivationLaw(
        features,
        active,
        which,
        alpha=0.0 if which == "fixed" else config.alpha,
        spread=config.spread,
        group=config.group if grouped else 1,
        strength=config.strength if grouped else 0.0,
    )


def task(config: Config, given: ActivationLaw, architecture: str, active: int) -> DictionaryTask:
    """Return what is trained, with as many latents as features unless asked otherwise."""
    from experiments.models.dictionary_learning import DictionaryTask

    return DictionaryTask(
        given,
        config.dim,
        config.latents or given.features,
        architecture,
        slots=max(config.slots, active),
        batch=config.batch,
        window=config.window,
    )


def sparsity(config: Config, architecture: str, active: float) -> float:
    """Return the weight of the penalty, or the number of latents, of an architecture."""
    return {
        "relu": config.relu_penalty,
        "gated": config.gated_penalty,
        "jumprelu": config.jumprelu_penalty,
    }.get(architecture, active)


def dictionaries(config: Config, kind: str, features: int) -> Vectors:
    """Return a dictionary for each seed, `[seeds, n, d]`: those of a kind are the same everywhere."""
    import jax

    root = jax.random.fold_in(jax.random.key(config.seed), 0)
    found = []
    for seed in range(config.seeds):
        key = jax.random.fold_in(jax.random.fold_in(root, seed), features)
        if kind == "trained":
            found.append(_toy(config, key, features))
        else:
            found.append(dictionary.named(kind, key, features, config.dim).vectors)
    return np.stack(found)


def _toy(config: Config, key: Any, features: int) -> Vectors:
    """Directions that a toy model of superposition gives its features, with their lengths."""
    from experiments.models import toy_autoencoder, training

    toy = toy_autoencoder.ToyTask(
        features, config.dim, steps=_TOY_STEPS, exact=False, batch=_TOY_BATCH
    )
    given = toy_autoencoder.settings(
        1,
        probability=min(1.0, _TOY_ON / features),
        importance=np.ones(features),
        rate=_TOY_RATE,
    )
    states, _ = training.advance_all(training.ensemble(key[None], toy, given), toy, 1, _TOY_STEPS)
    return np.asarray(states.params["vectors"][...][0])


def _cell(
    config: Config,
    progress: Progress,
    name: str,
    what: DictionaryTask,
    given: Vectors,
    sparse: float,
    samples: int,
    extra: Any = None,
) -> dict[str, Any]:
    def make() -> dict[str, Any]:
        cell = sae_cells.train(
            config, progress, name, what, given, sparsity=sparse, samples=samples
        )
        found = sae_cells.measure(config, cell)
        return found | (extra(cell) if extra else {})

    kept: dict[str, Any] = progress.part(name, make)
    return kept


def _architectures(config: Config, progress: Progress) -> list[dict[str, Any]]:
    """Every architecture on every budget."""
    given = dictionaries(config, config.dictionaries[0], config.features)
    main = law(config, config.features, config.active)
    rows = []
    budgets = sorted(set(config.budgets))
    for architecture in dict.fromkeys(config.architectures):
        cells = []
        for budget in budgets:

            def finest(cell: sae_cells.Cell, last: bool = budget == budgets[-1]) -> dict[str, Any]:
                return sae_cells.finest(cell) if last else {}

            cells.append(
                _cell(
                    config,
                    progress,
                    f"{architecture}-{budget}",
                    task(config, main, architecture, config.active),
                    given,
                    sparsity(config, architecture, config.active),
                    budget,
                    finest,
                )
            )
        rows.append({"architecture": architecture, "cells": cells})
    return rows


def _dictionaries(config: Config, progress: Progress) -> list[dict[str, Any]]:
    """The first architecture on every dictionary."""
    first = config.architectures[0]
    main = law(config, config.features, config.active)
    return [
        {
            "dictionary": kind,
            **_cell(
                config,
                progress,
                f"dictionary-{kind}",
                task(config, main, first, config.active),
                dictionaries(config, kind, config.features),
                config.active,
                config.samples,
            ),
        }
        for kind in dict.fromkeys(config.dictionaries)
    ]


def _sparsities(config: Config, progress: Progress) -> list[dict[str, Any]]:
    """The first architecture with other numbers of latents than there are features on."""
    first = config.architectures[0]
    given = dictionaries(config, config.dictionaries[0], config.features)
    main = law(config, config.features, config.active)
    return [
        {
            "sparsity": number,
            **_cell(
                config,
                progress,
                f"sparsity-{number}",
                task(config, main, first, config.active),
                given,
                number,
                config.samples,
            ),
        }
        for number in sorted(set(config.sparsities))
    ]


def _sizes(config: Config, progress: Progress) -> list[dict[str, Any]]:
    """The first architecture over features per dimension and features on."""
    first = config.architectures[0]
    rows = []
    for ratio in sorted(set(config.ratios)):
        features = ratio * config.dim
        given = dictionaries(config, "random", features)
        for active in sorted(set(config.actives)):
            rows.append(
                {
                    "ratio": ratio,
                    "active": active,
                    **_cell(
                        config,
                        progress,
                        f"size-{ratio}-{active}",
                        task(config, law(config, features, active), first, active),
                        given,
                        active,
                        config.samples,
                    ),
                }
            )
    return rows


def _penalties(config: Config, progress: Progress) -> list[dict[str, Any]]:
    """ReLU with weak and strong penalties in a crowded space."""
    features = CROWDED * config.dim
    given = dictionaries(config, "random", features)
    crowded = law(config, features, config.active)
    return [
        {
            "penalty": penalty,
            **_cell(
                config,
                progress,
                f"penalty-{place}",
                task(config, crowded, "relu", config.active),
                given,
                penalty,
                config.samples,
            ),
        }
        for place, penalty in enumerate(sorted(set(config.penalties)))
    ]


def _families(config: Config, progress: Progress) -> list[dict[str, Any]]:
    """Parents with children, for the architectures that differ most in what they make of them."""
    from experiments.models.synthetic_activations import ActivationLaw

    size, chance, _ = FAMILY
    features = config.features // size * size
    given = dictionaries(config, "random", features)
    tree = ActivationLaw(
        features,
        config.active,
        "hierarchical",
        spread=config.spread,
        group=size,
        strength=chance,
    )
    rows = []
    for architecture in ("topk", "matryoshka"):
        rows.append(
            {
                "architecture": architecture,
                **_cell(
                    config,
                    progress,
                    f"family-{architecture}",
                    task(config, tree, architecture, config.active),
                    given,
                    config.active,
                    config.samples,
                    lambda cell: sae_cells.absorbed(config, cell),
                ),
            }
        )
    return rows
