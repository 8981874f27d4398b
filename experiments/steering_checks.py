"""The checks of the steering experiment: closed forms, and what recovered latents should do."""

from __future__ import annotations

from typing import Any

from experiments.harness.checks import Check, judge, judge_effect, judge_near
from experiments.harness.experiment import Result
from experiments.steering_config import Config
from experiments.steering_recovered import LEAST, TENFOLD

__all__ = ["checks"]

RECOVERED = 0.8
"""Targets that a latent has to recover, or steering by latents is out of the question."""


def checks(config: Config, result: Result) -> list[Check]:
    """Closed forms, on what was steered and at the reference settings."""
    data: Any = result.data
    theory = data["theory"]
    rows = data["dictionaries"]
    found = []
    for name, row in rows.items():
        found.append(
            judge(
                f"first false activation, {name}",
                theory="1 + theta/(a max_j G_ij) for every target, within a step of the scan",
                estimate=row["first_deviation"],
                band=(None, 1.0),
            )
        )
        found.append(
            judge(
                f"selectivity of the dual direction, {name}",
                theory="the leverage of every target; 1e-3 for float32 rows",
                estimate=row["leverage_deviation"],
                band=(None, 1e-3),
            )
        )
    if "tight" in rows:
        found.append(
            judge_near(
                "selectivity in a tight frame",
                effect=rows["tight"]["arms"]["true direction"]["selectivity"],
                theory=f"d/N = {theory['tight']:.4g} for every feature, within 0.1%",
                centre=theory["tight"],
                share=0.001,
            )
        )
    if "random" in rows:
        arms = rows["random"]["arms"]
        found += [
            judge_near(
                "selectivity of the best neuron, random directions",
                effect=arms["best neuron"]["selectivity"],
                theory=f"{theory['neuron']:.4g}, the largest of d shares Beta(1/2, (N-1)/2), "
                "within 5%",
                centre=theory["neuron"],
                share=0.05,
            ),
            judge_near(
                "selectivity of the true direction, random directions",
                effect=arms["true direction"]["selectivity"],
                theory=f"{theory['random']:.4g}, E 1/(1 + sum of N-1 squared cosines), within 1%",
                centre=theory["random"],
                share=0.01,
            ),
        ]
    first = next(iter(rows.values()))
    found += [
        judge_effect(
            "C14: selectivity of the direction over that of the best neuron",
            effect=first["gain"],
            theory=f"more than 1; about {theory['gain']:.3g} for random directions",
            band=(1.0, None),
        ),
        judge(
            "C16: reading of the target at s = 10",
            theory=f"ten times its activation, {config.amplitude:g}; 1e-3 for float32",
            estimate=first["tenfold"],
            band=(10 * config.amplitude * 0.999, 10 * config.amplitude * 1.001),
        ),
    ]
    if "random" in rows:
        place = data["scales"].index(TENFOLD)
        expected = theory["on"][place]
        found.append(
            judge_near(
                "C16: other features switched on at s = 10",
                effect=rows["random"]["arms"]["true direction"]["on"][place],
                theory=f"{expected:.4g} of them, a cosine's law at d = {data['dim']}, within 5%",
                centre=expected,
                share=0.05,
            )
        )
        if "recovered" in rows["random"]:
            found.append(_latents_on(config, data))
    found += _recovered(config, data)
    for one in data["reference"]:
        found.append(
            judge(
                f"spurious share at s = 10, d = {one['dim']}",
                theory=f"Q(sqrt(d)/18) = {one['normal']:.3g}, {one['exact']:.4g} exactly; within "
                f"{one['within']:.0%}",
                estimate=one["share"],
                interval=tuple(one["interval"]),
                band=(one["exact"] * (1 - one["within"]), one["exact"] * (1 + one["within"])),
            )
        )
    return found


def _response(config: Config, dim: int) -> tuple[float, float]:
    """A latent's part over the activation a, and by how much it rises with a, at the least error.

    It is right at the mean amplitude, 1, and off by the slope elsewhere.
    """
    from geometry import steering

    slope = steering.encoder_slope(config.spread, config.active, dim)
    return slope + (1 - slope) / config.amplitude, slope


def _latents_on(config: Config, data: Any) -> Check:
    """Others that a recovered latent's tenfold activation switches on, random directions."""
    from geometry import steering

    gain, _ = _response(config, data["dim"])
    expected = float(
        steering.spurious_fraction(
            TENFOLD, config.theta, data["dim"], amplitude=gain * config.amplitude
        )
    )
    return judge_near(
        "C16: other features switched on, a recovered latent scaled tenfold",
        effect=data["dictionaries"]["random"]["recovered"]["alone_on"],
        theory=f"{expected:.4g} of them, a cosine's law at 9 times the latent's part, within 10%",
        centre=expected,
        share=0.1,
        converged=data["dictionaries"]["random"]["settled"],
    )


def _recovered(config: Config, data: Any) -> list[Check]:
    """What recovered directions keep, and what scaling recovered latents does to the target."""
    rows = data["dictionaries"]
    found = [
        judge_effect(
            f"selectivity kept by the recovered direction over theory, {name}",
            effect=row["recovered"]["ratio"],
            theory="1, the share c²E/(c²E + (1-c²)(N-E)/(d-1)) for an error in a random "
            "direction; within 5%",
            band=(0.95, 1.05),
            converged=row["settled"],
        )
        # In a tight frame it is an identity, and nearly so in what is nearly tight.
        for name, row in rows.items()
        if name == "random" and "recovered" in row
    ]
    row = next(iter(rows.values()))
    if "recovered" not in row:
        return found
    first, converged = row["recovered"], row["settled"]
    gain, slope = _response(config, data["dim"])
    least = LEAST**2
    return [
        *found,
        judge_effect(
            "C16: targets that a latent recovers",
            effect=first["share"],
            theory=f"at least {RECOVERED:.0%}",
            band=(RECOVERED, None),
            converged=converged,
        ),
        judge_effect(
            "C16: selectivity of the picked direction over that of the true one, every target",
            effect=first["kept_all"],
            theory=f"at least {least:.2g}, the square of a recovered latent's least cosine, though "
            "the targets that are not recovered count too",
            band=(least, None),
            converged=converged,
        ),
        judge_effect(
            "C16: reading of the target over ten times its activation, its latent scaled tenfold",
            effect=first["alone_reading"],
            theory=f"(1 + 9 g c)/10, g = {gain:.3g} the latent's part over the activation: at "
            f"least with c² of {least:.2g} for c, at most a tenth above c = 1",
            band=((1 + 9 * gain * least) / 10, 1.1 * (1 + 9 * gain) / 10),
            converged=converged,
        ),
        judge_effect(
            "activation of the latent over ten times the target's, scaled tenfold",
            effect=first["alone_code"],
            theory=f"g (1 + 9 b)/10 at least, b = {slope:.3g} the slope that errs least in "
            f"training, g = {gain:.3g}; at most g; within 10%",
            band=(0.9 * gain * (1 + 9 * slope) / 10, 1.1 * gain),
            converged=converged,
        ),
    ]
