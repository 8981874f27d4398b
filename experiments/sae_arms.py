"""The arms of the autoencoder experiment: what is varied, and what is kept of each cell."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from experiments import dictionary, sae_cells
from experiments.sae_config import PIECE, Config

if TYPE_CHECKING:
    from experiments.harness.progress import Progress
    from experiments.models.synthetic_activations import ActivationLaw

__all__ = ["CROWDED", "FAMILY", "Cells", "budgets", "measure", "wants"]

Vectors = NDArray[np.float32]

CROWDED = 4
"""Features per dimension in the arm of weak penalties."""
FAMILY = (4, 0.2)
"""Features of a family in the arm of parents and children, and a child's probability to be on with
its parent."""
_TOY_STEPS, _TOY_BATCH = 1000, 256


@dataclass(frozen=True)
class Want:
    """What a cell trains and on what."""

    architecture: str
    law: ActivationLaw
    dictionary: str
    sparsity: float
    samples: int

    @property
    def name(self) -> str:
        """What the cell is kept under: equal cells of several arms are trained once."""
        law = self.law
        words = (
            self.architecture,
            self.dictionary,
            law.kind,
            f"{law.features}x{law.active:g}",
            *(() if law.group == 1 else (f"g{law.group}", f"t{law.strength:g}")),
            *((f"a{law.alpha:g}",) if law.alpha else ()),
            f"s{self.sparsity:g}",
            str(self.samples),
        )
        return "-".join(words).replace(".", "_").replace("+", "")


Rows = list[tuple[dict[str, Any], Want]]


class Cells:
    """Trains cells that are asked for, each once; a killed run finds those that were done."""

    def __init__(self, config: Config, progress: Progress) -> None:
        """For one run."""
        self._config = config
        self._progress = progress
        self._found: dict[str, dict[str, Any]] = {}
        self._dictionaries: dict[tuple[str, int], Vectors] = {}

    def dictionaries(self, kind: str, features: int) -> Vectors:
        """Return a dictionary for each seed, `[seeds, n, d]`."""
        found = self._dictionaries.get((kind, features))
        if found is None:
            found = dictionaries(self._config, kind, features)
            self._dictionaries[kind, features] = found
        return found

    def get(self, want: Want) -> dict[str, Any]:
        """Return what was measured on the cell."""
        name = want.name
        if name not in self._found:
            self._found[name] = self._progress.part(name, lambda: self._made(want))
        return self._found[name]

    def _made(self, want: Want) -> dict[str, Any]:
        from experiments.models.dictionary_learning import DictionaryTask

        config = self._config
        task = DictionaryTask(
            want.law,
            config.dim,
            config.latents or want.law.features,
            want.architecture,
            slots=max(config.slots, int(want.law.active)),
            batch=config.batch,
            window=config.window,
        )
        given = self.dictionaries(want.dictionary, want.law.features)
        cell = sae_cells.train(
            config,
            self._progress,
            want.name,
            task,
            given,
            sparsity=want.sparsity,
            samples=want.samples,
        )
        found = sae_cells.measure(config, cell)
        if want == shown(config):
            found |= sae_cells.finest(cell)
        if want.law.kind == "hierarchical":
            found |= sae_cells.absorbed(config, cell)
        return found


def measure(config: Config, progress: Progress) -> tuple[dict[str, Any], dict[str, Any]]:
    """Train and measure every arm.

    Returns the rows of each arm, and the variables and the dictionary of the first architecture's
    first autoencoder, trained longest.
    """
    cells = Cells(config, progress)
    rows = wants(config)
    with progress.phase("dictionaries"):
        # First, since one that does not exist ends the run.
        for kind in config.dictionaries:
            cells.dictionaries(kind, config.features)
    found: dict[str, Any] = {}
    kept: dict[str, Any] = {}
    with progress.phase("cells", total=sum(len(arm) for arm in rows.values())) as step:
        for name, arm in rows.items():
            found[name] = []
            for labels, want in arm:
                cell = dict(cells.get(want))
                for key in ("weights", "dictionary"):
                    if key in cell:
                        kept[key] = cell.pop(key)
                found[name].append({**labels, "name": want.name, **cell})
                step()
    return found, kept


def wants(config: Config) -> dict[str, Rows]:
    """Return what each arm asks for.  Raises ValueError where a law does not exist."""
    return {
        "architectures": _architectures(config),
        "dictionaries": _dictionaries(config),
        "sparsities": _sparsities(config),
        "sizes": _sizes(config),
        "penalties": _penalties(config),
        "families": _families(config),
    }


def shown(config: Config) -> Want:
    """Return the cell whose first autoencoder is shown and saved."""
    main = _main(config)
    return replace(main, samples=budgets(config)[-1])


def budgets(config: Config) -> list[int]:
    """Return the budgets, rising, each once when rounded up to whole pieces."""
    piece = PIECE * config.batch
    return sorted({-(-budget // piece) * piece for budget in config.budgets})


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


def sparsity(config: Config, architecture: str, active: float) -> float:
    """Return the weight of the penalty, or the number of latents, of an architecture."""
    return {
        "relu": config.relu_penalty,
        "gated": config.gated_penalty,
        "jumprelu": config.jumprelu_penalty,
    }.get(architecture, active)


def dictionaries(config: Config, kind: str, features: int) -> Vectors:
    """Return a dictionary for each seed, `[seeds, n, d]`, the same wherever it is asked for."""
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
    from experiments.models import toy_autoencoder

    vectors, _ = toy_autoencoder.directions(
        key, features, config.dim, steps=_TOY_STEPS, batch=_TOY_BATCH
    )
    return np.asarray(vectors)


def _main(config: Config) -> Want:
    """The first architecture at the main setting."""
    return Want(
        config.architectures[0],
        law(config, config.features, config.active),
        config.dictionaries[0],
        config.active,
        config.samples,
    )


def _architectures(config: Config) -> Rows:
    """Every architecture on every budget."""
    main = _main(config)
    return [
        (
            {"architecture": architecture, "budget": budget},
            replace(
                main,
                architecture=architecture,
                sparsity=sparsity(config, architecture, config.active),
                samples=budget,
            ),
        )
        for architecture in dict.fromkeys(config.architectures)
        for budget in budgets(config)
    ]


def _dictionaries(config: Config) -> Rows:
    """The first architecture on every dictionary."""
    main = _main(config)
    return [
        ({"kind": kind}, replace(main, dictionary=kind))
        for kind in dict.fromkeys(config.dictionaries)
    ]


def _sparsities(config: Config) -> Rows:
    """The first architecture with other numbers of latents than there are features on."""
    main = _main(config)
    return [
        ({"number": number}, replace(main, sparsity=number))
        for number in sorted(set(config.sparsities))
    ]


def _sizes(config: Config) -> Rows:
    """The first architecture over features per dimension and features on.

    Every pair of them, or without `grid` one varies while the other is as in the main setting.
    """
    main = _main(config)
    ratio = config.features / config.dim
    pairs: set[tuple[float, int]] = {
        (float(times), active)
        for times in config.ratios
        for active in config.actives
        if config.grid or times == ratio or active == config.active
    }
    pairs |= {(float(times), config.active) for times in config.ratios}
    pairs |= {(ratio, active) for active in config.actives}
    return [
        (
            {"ratio": times, "on": active},
            replace(
                main,
                law=law(config, round(times * config.dim), active),
                dictionary="random",
                sparsity=active,
            ),
        )
        for times, active in sorted(pairs)
    ]


def _penalties(config: Config) -> Rows:
    """ReLU with weak and strong penalties in a crowded space."""
    crowded = replace(
        _main(config),
        architecture="relu",
        law=law(config, CROWDED * config.dim, config.active),
        dictionary="random",
        samples=budgets(config)[-1],
    )
    return [
        ({"penalty": penalty}, replace(crowded, sparsity=penalty))
        for penalty in sorted(set(config.penalties))
    ]


def _families(config: Config) -> Rows:
    """Parents with children, for the architectures that differ most in what they make of them."""
    from experiments.models.synthetic_activations import ActivationLaw

    size, chance = FAMILY
    tree = ActivationLaw(
        config.features // size * size,
        config.active,
        "hierarchical",
        spread=config.spread,
        group=size,
        strength=chance,
    )
    main = replace(_main(config), law=tree, dictionary="random", samples=budgets(config)[-1])
    return [
        ({"architecture": architecture}, replace(main, architecture=architecture))
        for architecture in ("topk", "matryoshka")
    ]
