"""The checks of the steering experiment: closed forms, and what recovered latents should do."""

from __future__ import annotations

from typing import Any

from experiments.harness.checks import Check, judge, judge_effect
from experiments.harness.experiment import Result
from experiments.steering_config import Config
from experiments.steering_recovered import LEAST, TENFOLD

__all__ = ["checks"]

RECOVERED = 0.8
"""Targets that a latent has to recover, or steering by latents is out of the question."""

Band = tuple[float | None, float | None]


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
            _within(
                "selectivity in a tight frame",
                rows["tight"]["arms"]["true direction"]["selectivity"],
                f"d/N = {theory['tight']:.4g} for every feature, within 0.1%",
                theory["tight"],
                0.001,
            )
        )
    if "random" in rows:
        arms = rows["random"]["arms"]
        found += [
            _within(
                "selectivity of the best neuron, random directions",
                arms["best neuron"]["selectivity"],
                f"{theory['neuron']:.4g}, the largest of d shares Beta(1/2, (N-1)/2), within 5%",
                theory["neuron"],
                0.05,
            ),
            _within(
                "selectivity of the true direction, random directions",
                arms["true direction"]["selectivity"],
                f"{theory['random']:.4g}, E 1/(1 + sum of N-1 squared cosines), within 1%",
                theory["random"],
                0.01,
            ),
        ]
    first = next(iter(rows.values()))
    found += [
        _judged(
            "C14: selectivity of the direction over that of the best neuron",
            first["gain"],
            f"more than 1; about {theory['gain']:.3g} for random directions",
            (1.0, None),
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
            _within(
                "C16: other features switched on at s = 10",
                rows["random"]["arms"]["true direction"]["on"][place],
                f"{expected:.4g} of them, a cosine's law at d = {data['dim']}, within 5%",
                expected,
                0.05,
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
    return _within(
        "C16: other features switched on, a recovered latent scaled tenfold",
        data["dictionaries"]["random"]["recovered"]["alone_on"],
        f"{expected:.4g} of them, a cosine's law at 9 times the latent's part, within 10%",
        expected,
        0.1,
    )


def _recovered(config: Config, data: Any) -> list[Check]:
    """What recovered directions keep, and what scaling recovered latents does to the target."""
    rows = data["dictionaries"]
    found = [
        _judged(
            f"selectivity kept by the recovered direction over theory, {name}",
            row["recovered"]["ratio"],
            "1, the share c²E/(c²E + (1-c²)(N-E)/(d-1)) for an error in a random direction; within "
            "5%",
            (0.95, 1.05),
        )
        # In a tight frame it is an identity, and nearly so in what is nearly tight.
        for name, row in rows.items()
        if name == "random" and "recovered" in row
    ]
    first = next(iter(rows.values())).get("recovered")
    if first is None:
        return found
    gain, slope = _response(config, data["dim"])
    least = LEAST**2
    return [
        *found,
        _judged(
            "C16: targets that a latent recovers",
            first["share"],
            f"at least {RECOVERED:.0%}",
            (RECOVERED, None),
        ),
        _judged(
            "C16: selectivity of the picked direction over that of the true one, every target",
            first["kept_all"],
            f"at least {least:.2g}, the square of a recovered latent's least cosine, though the "
            "targets that are not recovered count too",
            (least, None),
        ),
        _judged(
            "C16: reading of the target over ten times its activation, its latent scaled tenfold",
            first["alone_reading"],
            f"(1 + 9 g c)/10, g = {gain:.3g} the latent's part over the activation: at least with "
            f"c² of {least:.2g} for c, at most a tenth above c = 1",
            ((1 + 9 * gain * least) / 10, 1.1 * (1 + 9 * gain) / 10),
        ),
        _judged(
            "activation of the latent over ten times the target's, scaled tenfold",
            first["alone_code"],
            f"g (1 + 9 b)/10 at least, b = {slope:.3g} the slope that errs least in training, "
            f"g = {gain:.3g}; at most g; within 10%",
            (0.9 * gain * (1 + 9 * slope) / 10, 1.1 * gain),
        ),
    ]


def _within(name: str, row: Any, theory: str, centre: float, share: float) -> Check:
    return _judged(name, row, theory, (centre * (1 - share), centre * (1 + share)))


def _judged(name: str, row: Any, theory: str, band: Band) -> Check:
    return judge_effect(name, theory=theory, effect=row, band=band)
