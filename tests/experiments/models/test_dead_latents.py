"""The auxiliary loss: none dead, few, many; who is dead; what it teaches and what it leaves."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import plain_autoencoders as plain
import pytest
from flax import nnx
from numpy.typing import NDArray
from plain_autoencoders import DIM, LATENTS, WINDOW

from experiments.models.autoencoders import ARCHITECTURES, dead

# Half of the width is 2: none, fewer, as many, more, all.
NUMBERS = (0, 1, 2, 3, 7, LATENTS)


def _dead(number: int) -> NDArray[np.bool_]:
    """The last ones, which are never active, and others that may be."""
    return np.isin(np.arange(LATENTS), np.roll(np.arange(LATENTS), 2)[:number])


@pytest.mark.parametrize(("kind", "weighed"), [("topk", True), ("batch-topk", False)])
def test_the_loss_of_the_dead(kind: str, weighed: bool) -> None:
    real = plain.real(kind, WINDOW) if weighed else plain.real(kind, WINDOW, weighed=False)
    given = plain.weights(kind)
    # So that values of the dead are of one scale with those of the others.
    given["encoder_bias"][-2:] = [-1.5, -2.0]
    held, x = plain.wide(given), plain.inputs(7)
    wide = x.astype(np.float64)
    alone = plain.loss(kind, held, wide, number=2, weighed=weighed)
    for number in NUMBERS:
        mask = _dead(number)
        assert mask.sum() == number
        silent = np.where(mask, WINDOW + 1, WINDOW)
        value, slope, _ = real(real.at(given, silent), x, 2)
        asked: dict[str, Any] = {"number": 2, "dead": mask, "weighed": weighed}
        expected = plain.loss(kind, held, wide, **asked)
        assert value == pytest.approx(expected, rel=1e-5)
        assert (value > 1.1 * alone) == (number > 0)
        plain.assert_close(slope, plain.gradient(kind, held, wide, **asked))


def test_dead_is_longer_silent_than_the_window() -> None:
    real, given = plain.real("topk", WINDOW), plain.weights("topk")
    state = start = real.at(given)
    x = plain.inputs(8)
    held, wide = plain.wide(given), x.astype(np.float64)
    f = plain.codes("topk", held, wide, 2)
    asleep = ~(f > 0).any(axis=0)
    assert 2 <= asleep.sum() < LATENTS
    alone = plain.loss("topk", held, wide, number=2)
    whole = plain.loss("topk", held, wide, number=2, dead=asleep)
    values = []
    for _ in range(WINDOW + 3):
        value, _, state = real(state, x, 2)
        values.append(value)
    # The count before a step decides: after six silent steps, which are more than five.
    assert values[: WINDOW + 1] == pytest.approx([alone] * (WINDOW + 1), rel=1e-5)
    assert values[WINDOW + 1 :] == pytest.approx([whole] * 2, rel=1e-5)
    # A latent that comes back is dead in that step still, and no longer in the next.
    silent = np.zeros(LATENTS, np.int64)
    awake = int(np.argmax((f > 0).sum(axis=0)))
    silent[awake] = WINDOW + 1
    first, _, (_, rest) = real(real.at(given, silent), x, 2)
    expected = plain.loss("topk", held, wide, number=2, dead=np.arange(LATENTS) == awake)
    assert first == pytest.approx(expected, rel=1e-5)
    assert real((start[0], rest), x, 2)[0] == pytest.approx(alone, rel=1e-5)


@pytest.mark.parametrize("window", [0, WINDOW])
def test_no_care_without_a_window(window: int) -> None:
    real, given = plain.real("topk", window), plain.weights("topk")
    held, x = plain.wide(given), plain.inputs(9)
    alone = plain.loss("topk", held, x.astype(np.float64), number=2)
    value = real(real.at(given, np.full(LATENTS, 10**6)), x, 2)[0]
    assert (value == pytest.approx(alone, rel=1e-5)) == (window == 0)


def test_the_residual_is_held_fixed_and_the_living_learn_nothing() -> None:
    real, mask = plain.real("topk", WINDOW), _dead(4)
    x = jnp.asarray(plain.inputs(0))

    @jax.jit
    def slopes(params: Any, left: Any) -> Any:
        def value(params: Any, left: Any) -> Any:
            one = nnx.merge(real.graph, params, real.rest, copy=True)
            return dead.auxiliary(one, x, left, jnp.asarray(mask))

        return jax.grad(value, argnums=(0, 1))(params, left)

    by_weights, by_residual = slopes(real.params, jnp.asarray(plain.inputs(1)))
    assert not np.asarray(by_residual).any()
    for name in ("encoder", "decoder", "encoder_bias"):
        slope = np.asarray(by_weights[name][...]).reshape(LATENTS, -1)
        assert not slope[~mask].any()
        assert slope[mask].any(axis=1).all()


def test_fewer_latents_than_half_the_width() -> None:
    generator = np.random.default_rng(4)
    model: Any = ARCHITECTURES["topk"](3, 9, 1, norm=1.0, rngs=nnx.Rngs(jax.random.key(1)))
    rows = np.asarray(model.decoder[...], np.float64)
    x, left = (generator.standard_normal((6, 9)).astype(np.float32) for _ in range(2))
    found = jax.jit(lambda mask: dead.auxiliary(model, jnp.asarray(x), jnp.asarray(left), mask))
    for mask in ([False] * 3, [True, False, True], [True] * 3):
        explained = (x @ rows.T * mask) @ rows
        expected = sum(mask) / 4 * ((explained - left) ** 2).sum() / 6
        assert float(found(jnp.array(mask))) == pytest.approx(expected, rel=1e-5, abs=1e-7)


def test_members_side_by_side() -> None:
    # There all branches are worked through, and one is kept.
    real, given = plain.real("topk", WINDOW), plain.weights("topk")
    x = jnp.asarray(plain.inputs(7))
    silent = jnp.asarray([np.where(_dead(number), WINDOW + 1, 0) for number in (0, 2, 7)])
    params, rest = real.at(given)

    @jax.jit
    @jax.vmap
    def slopes(silent: Any) -> Any:
        def value(params: Any) -> Any:
            one = nnx.merge(real.graph, params, rest, copy=True)
            return dead.auxiliary(one, x, x, silent > WINDOW)

        return jax.value_and_grad(value)(params)

    values, found = slopes(silent)
    held, wide = plain.wide(given), np.asarray(x, np.float64)
    assert values[0] == 0
    assert all(not np.asarray(found[name][...])[0].any() for name in found)
    for place, number in ((1, 2), (2, 7)):
        scores = (wide - held["decoder_bias"]) @ held["encoder"].T + held["encoder_bias"]
        ranked = np.where(_dead(number), scores * np.linalg.norm(held["decoder"], axis=1), -np.inf)
        kept = ranked >= np.sort(ranked, axis=1)[:, [-(DIM // 2)]]
        expected = (((kept * scores) @ held["decoder"] - wide) ** 2).sum() / len(wide)
        assert float(values[place]) == pytest.approx(expected, rel=1e-5)
        assert all(np.isfinite(np.asarray(found[name][...])).all() for name in found)
