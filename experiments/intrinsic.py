"""Two ways out of superposition: train with less of it, or undo it afterwards.  At what price?

    python -m experiments.intrinsic

A layer of k units sees N sparse features through d numbers and restores them (Jermyn, Schiefer and
Hubinger 2022).  Where its biases start, an l1 penalty, softmax linear units, its width and the rate
are varied, with the same projections and samples; and sparse autoencoders are trained on the layer
with biases that start at 0.  The report lays loss against the share of units, or latents, that
respond to one feature alone.  45 s on two cores.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from experiments import (
    intrinsic_autoencoders,
    intrinsic_cells,
    intrinsic_checks,
    intrinsic_figures,
)
from experiments.claims import verdicts_of
from experiments.command import main
from experiments.effects import cells, in_words
from experiments.harness.checks import Check, Claim
from experiments.harness.experiment import Experiment, Result, Table
from experiments.intrinsic_config import BELOW, Config, validate
from experiments.sentences import first_of

if TYPE_CHECKING:
    from experiments.harness.progress import Progress

__all__ = ["EXPERIMENT", "Config"]


def measure(config: Config, progress: Progress) -> Result:
    """Train the layers, then autoencoders on the matched ones."""
    rows: dict[intrinsic_cells.Cell, dict[str, Any]] = {}
    first: dict[str, Any] = {}
    grouped = intrinsic_cells.shapes(config)
    with progress.phase("layers", total=len(grouped)) as step:
        for place, (shape, chosen) in enumerate(grouped.items()):

            def make(shape: str = shape, chosen: Any = chosen, first: bool = place == 0) -> Any:
                layers = intrinsic_cells.train(config, progress, shape, chosen)
                if first:
                    return _matched(config, progress, chosen, layers)
                return {"rows": layers.rows}

            found = progress.part(shape, make)
            first = first or found
            rows |= dict(zip(chosen, found["rows"], strict=True))
            step()
    given = [rows[cell] for cell in intrinsic_cells.cells(config)]
    for row in given:
        row["ratio"] = intrinsic_cells.ratio(row["loss"]["seeds"], given[0]["loss"]["seeds"])
    data: dict[str, Any] = {
        "features": config.features,
        "dim": config.dim,
        "hidden": config.hidden,
        "on": config.features * config.probability,
        # What a model loses that always answers 0.
        "nothing": config.features * config.probability / 3,
        "rows": given,
        "autoencoders": first["autoencoders"],
    }
    arrays = {key: np.array(value, np.float32) for key, value in first["arrays"].items()}
    return Result(data, arrays, _tables(data))


def _matched(
    config: Config,
    progress: Progress,
    chosen: list[intrinsic_cells.Cell],
    layers: intrinsic_cells.Layers,
) -> Any:
    """The settings of the matched layer's shape, the autoencoders, and what units respond to."""
    from geometry import monosemanticity

    autoencoders, latents, alive = intrinsic_autoencoders.train(config, progress, layers)
    below = layers.parts[next(at for at, cell in enumerate(chosen) if cell.start == BELOW)]
    arrays: dict[str, Any] = {}
    for key, responses, living in (
        ("units", layers.responses[layers.parts[0]], layers.living[layers.parts[0]]),
        ("units_below", layers.responses[below], layers.living[below]),
        ("latents", latents, alive),
    ):
        scores = np.stack([np.asarray(monosemanticity.scores(one)) for one in responses])
        arrays[key] = _ordered(responses[0], np.where(living[0], scores[0], 0))
        arrays[f"{key}_scores"] = np.sort(scores[living])
    return {
        "rows": layers.rows,
        "autoencoders": autoencoders,
        "arrays": {key: value.tolist() for key, value in arrays.items()},
    }


def _ordered(responses: Any, scores: Any) -> Any:
    """Responses over each unit's largest, units by falling score, 0 where that is 0.

    Features in the order in which units prefer them first, those that none prefers last.
    """
    order = np.argsort(-scores, kind="stable")
    sizes = np.abs(responses[order]) * (scores[order] > 0)[:, None]
    peaks = sizes.max(axis=1, keepdims=True)
    sizes = sizes / np.where(peaks > 0, peaks, 1)
    favourites = list(dict.fromkeys(sizes[peaks[:, 0] > 0].argmax(axis=1).tolist()))
    rest = [feature for feature in range(sizes.shape[1]) if feature not in set(favourites)]
    return sizes[:, favourites + rest]


def _tables(data: dict[str, Any]) -> dict[str, Table]:
    shared = ("share", "share_of_all", "represented", "living", "score")
    words = ("share of the living", "share of all", "features represented", "living", "mean score")

    def numbers(row: Any, keys: tuple[str, ...]) -> list[Any]:
        return [value for key in keys for value in cells(row[key])]

    def columns(names: tuple[str, ...]) -> list[str]:
        return [word for name in names for word in (name, f"{name}, from", f"{name}, to")]

    return {
        "layers": Table(
            (
                "what",
                "setting",
                "units",
                *columns(("loss over that of the matched layer", "loss", *words)),
                "late fall of the loss",
                "converged",
            ),
            tuple(
                (
                    intrinsic_cells.ARMS[row["arm"]],
                    row["name"],
                    row["hidden"],
                    *numbers(row, ("ratio", "loss", *shared)),
                    row["late_fall"],
                    "yes" if row["converged"] else "NO",
                )
                for row in data["rows"]
            ),
            "Layers",
            "Means over seeds with 95% intervals; the two starts that are compared have more of "
            "them. A unit is monosemantic if its response to one feature is above .999 of those to "
            "all, each alone at 1; it is dead if no feature alone makes it move the output by more "
            "than .01. Represented: features with a living monosemantic unit. Score: largest "
            "response over the sum.",
        ),
        "autoencoders": Table(
            (
                "latents on",
                "latents",
                *columns(
                    (
                        "loss with the restored layer, over the layer's own",
                        "loss",
                        *words,
                        "features recovered",
                        "mean best cosine",
                        "explained variance",
                        "measured latents on",
                    )
                ),
                "converged",
            ),
            tuple(
                (
                    row["number"],
                    row["latents"],
                    *numbers(
                        row,
                        ("ratio", "loss", *shared, "recovery", "cosine", "explained", "active"),
                    ),
                    "yes" if row["converged"] else "NO",
                )
                for row in data["autoencoders"]
            ),
            "Autoencoders on the matched layer",
            "BatchTopK. Latents are judged as units are, after the threshold that makes small "
            "responses 0. A feature is recovered by a latent of its "
            "own whose decoder row has a cosine above .9 with what the feature adds to the layer.",
        ),
    }


def checks(config: Config, result: Result) -> list[Check]:
    """What the ways on bring and cost."""
    return intrinsic_checks.checks(result.data, intrinsic_cells.steps(config))


def claims(found: list[Check]) -> list[Claim]:
    """C18."""
    return verdicts_of("intrinsic", found)


def answer(config: Config, result: Result) -> str:
    """Both ways in a sentence."""
    data: Any = result.data
    matched, below = (intrinsic_checks.row_of(data, start) for start in (0.0, BELOW))
    strong = intrinsic_checks.strongest(data)
    sae = data["autoencoders"][0]
    return (
        f"After {intrinsic_cells.steps(config):,} steps, biases that start at {BELOW:g} instead of "
        f"0 change the share of {data['hidden']} units that respond to one feature alone from "
        f"{_share(matched['share'])} to {_share(below['share'])}, at {_of(below['ratio'])} of the "
        f"loss; a penalty of {strong['penalty']:g} makes it {_share(strong['share'])}, at "
        f"{_of(strong['ratio'])} of the loss. A sparse autoencoder on the first layer recovers "
        f"{_share(sae['recovery'])} of the {data['features']} features; with what it restores the "
        f"loss is {_of(sae['ratio'])} of the layer's own."
    )


def _share(effect: Any) -> str:
    return in_words(effect, ".1%", least=0, most=1)


def _of(effect: Any) -> str:
    return in_words(effect, ".3g")


def summary(config: Config, result: Result) -> list[str]:
    """The other settings, what is represented, what did not settle."""
    data: Any = result.data
    lines = _longer(config, data)
    lines += [
        f"Units for one feature alone, and loss over the matched layer's, by {words}: "
        + "; ".join(
            f"{row['name']}, {_share(row['share'])} and {_of(row['ratio'])}"
            for row in data["rows"]
            if row["arm"] == arm
        )
        + "."
        for arm, words in intrinsic_cells.ARMS.items()
        if any(row["arm"] == arm for row in data["rows"])
    ]
    sae = data["autoencoders"][0]
    matched, below = (intrinsic_checks.row_of(data, start) for start in (0.0, BELOW))
    lines.append(
        "Largest response over the sum of all, mean over living units: "
        f"{matched['score']['mean']:.3f} with biases that start at 0, {below['score']['mean']:.3f} "
        f"at {BELOW:g}."
    )
    if any(row["arm"] == "solu" for row in data["rows"]):
        lines[-1] += (
            " Softmax linear units are never quite off: each responds a little to every feature."
        )
    lines += [
        f"Autoencoder with {intrinsic_autoencoders.latents_on(row['number'])}: "
        f"{_share(row['share'])} of its latents respond to one feature alone, "
        f"{row['represented']['mean']:.1f} of {data['features']} features have such a latent, "
        f"{_share(row['recovery'])} are recovered; loss {_of(row['ratio'])} of the layer's own."
        for row in data["autoencoders"]
    ]
    lines.append(
        f"An autoencoder has {2 * sae['latents'] * data['hidden']:,} weights of its own, the layer "
        f"{data['hidden'] * (data['dim'] + data['features']):,}; the number of latents on that "
        "it is told is given, not found."
    )
    open_ = [row["name"] for row in data["rows"] + data["autoencoders"] if not row["converged"]]
    if open_:
        lines.append(f"NOT CONVERGED: {first_of(open_)}.")
    return lines


def _longer(config: Config, data: Any) -> list[str]:
    """What becomes of the difference between the two starts in longer trainings."""

    def difference(more: Any, less: Any) -> str:
        effect = intrinsic_checks.gain(more, less)
        mean, low, high = (f"{100 * end:+.1f}" for end in (effect["mean"], *effect["interval"]))
        count = len(effect["seeds"])
        if low == high:
            # Units are few and whole; an interval of no width would look like certainty.
            return f"{mean} points (in each of {count} seeds; no interval)"
        return f"{mean} points ({low} to {high}; {count} seeds)"

    matched, below = (intrinsic_checks.row_of(data, start) for start in (0.0, BELOW))
    long = [row for row in data["rows"] if row["arm"] == "length"]
    lines = []
    for zero in (row for row in long if row["start"] == 0):
        low = next(row for row in long if row["start"] == BELOW and row["length"] == zero["length"])
        times = f"{zero['length']:g}"
        lines.append(
            f"The two starts after {intrinsic_cells.steps(config, zero['length']):,} steps, "
            f"{times} times as many at 1/{times} of the rate: {_share(zero['share'])} with biases "
            f"that start at 0, {_share(low['share'])} at {BELOW:g}, a difference of "
            f"{difference(low, zero)} where it was {difference(below, matched)}; loss "
            f"{_of(zero['ratio'])} and {_of(low['ratio'])} of the matched layer's."
        )
    return lines


EXPERIMENT = Experiment(
    name="intrinsic",
    question="Can superposition be avoided in training, or undone afterwards, and at what price?",
    primer=(
        "A unit that responds to one feature alone can be read; in superposition most respond to "
        "many. Two ways on are tried on one small layer that restores sparse features from a few "
        "random projections of them. Intrinsic: biases that start far below 0 are to keep units "
        "silent until one feature wakes each, a penalty makes activity dear, softmax linear units "
        "compete, a wider layer has units to spare. Post-hoc: a sparse autoencoder learns to write "
        "the activations of the finished layer as sums of few latents. Units and latents are "
        "judged by the same ratio, of the largest response to a single feature over the sum of "
        "all; a latent's responses pass the autoencoder's threshold first, which makes small ones "
        "0. What either way costs is read from the loss, and every number has a 95% interval over "
        "independent seeds."
    ),
    duration="45 s on two cores",
    seconds=36,
    cite=(
        "A. S. Jermyn, N. Schiefer, E. Hubinger, Engineering monosemanticity in toy models, arXiv "
        "2211.09169 (2022)",
        "N. Elhage et al., Softmax linear units, Transformer Circuits Thread (2022)",
        "B. Bussmann et al., BatchTopK sparse autoencoders, arXiv 2412.06410 (2024)",
    ),
    examples=(
        "python -m experiments.intrinsic",
        "python -m experiments.intrinsic --probability 0.015625 --seeds 8",
        "python -m experiments.intrinsic --penalties 0.01 0.03 0.1 0.3 1 --widths 1 8",
    ),
    config=Config,
    presets={
        "tiny": {
            "features": 8,
            "dim": 4,
            "hidden": 16,
            "probability": 0.125,
            "starts": (0.0, -1.0),
            "penalties": (0.3,),
            "functions": (),
            "widths": (2.0,),
            "speeds": (),
            "lengths": (),
            "steps": 100,
            "batch": 32,
            "sparsities": (1.0,),
            "sae_steps": 100,
            "sae_batch": 64,
            "evaluations": 1000,
            "seeds": 2,
        },
        "quick": {},
        # N, d, k and p are the paper's; its 2^17 steps are of 2^13 samples, and of another
        # optimiser.
        "paper": {
            "features": 512,
            "dim": 64,
            "hidden": 1024,
            "probability": 1 / 64,
            "widths": (0.5, 1.0, 4.0),
            "steps": 30_000,
            "batch": 1024,
            "sae_steps": 20_000,
            "sae_batch": 1024,
        },
        "full": {
            "steps": 60_000,
            "batch": 1024,
            "starts": (0.0, -0.25, -0.5, -1.0, -1.5, -2.0, -4.0),
            "penalties": (0.01, 0.03, 0.1, 0.2, 0.3, 0.5),
            "widths": (0.25, 0.5, 1.0, 4.0, 8.0),
            "speeds": (0.2, 0.5, 2.0),
            "sparsities": (0.5, 1.0, 2.0, 4.0),
            "sae_steps": 20_000,
            "seeds": 16,
        },
    },
    measure=measure,
    checks=checks,
    claims=claims,
    answer=answer,
    summary=summary,
    figures=intrinsic_figures.figures,
    validate=validate,
)

if __name__ == "__main__":
    raise SystemExit(main(EXPERIMENT))
