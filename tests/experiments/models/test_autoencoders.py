"""Each architecture's loss, gradient, codes and counters against a dense one in float64."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import plain_autoencoders as plain
import pytest
from flax import nnx
from plain_autoencoders import BATCH, DIM, LATENTS, SLOTS

from experiments.models.autoencoders import ARCHITECTURES, jump_relu
from experiments.models.autoencoders.base import MEMORY

KINDS = tuple(ARCHITECTURES)
NUMBERED = ("topk", "batch-topk", "matryoshka")
# Sums over few of many latents are made in another way; latents' lengths may be left out.
WAYS = [
    *((kind, False, True) for kind in KINDS),
    *((kind, True, True) for kind in NUMBERED),
    ("batch-topk", True, False),
]


def _asked(kind: str, sparsity: float, share: float) -> dict[str, float]:
    """What a pressure asks for: from `SLOTS` active latents, or no penalty, to the sparsity."""
    if kind in NUMBERED:
        return {"number": SLOTS + share * (sparsity - SLOTS)}
    return {"weight": share * sparsity}


@pytest.mark.parametrize(("kind", "gathered", "weighed"), WAYS)
def test_the_loss_and_its_gradient(kind: str, gathered: bool, weighed: bool) -> None:
    real = plain.real(kind, gathered=gathered, weighed=weighed)
    given = plain.weights(kind)
    held = plain.wide(given)
    state = real.at(given)
    sparsity = 2.0 if kind in NUMBERED else 0.3
    # At the end, and on the way there: of the third largest a half.
    for share in (1.0, 0.5):
        x = plain.inputs(int(4 * share))
        asked: dict[str, Any] = {**_asked(kind, sparsity, share), "weighed": weighed}
        value, slope, _ = real(state, x, sparsity, share)
        wide = x.astype(np.float64)
        assert value == pytest.approx(plain.loss(kind, held, wide, **asked), rel=1e-5)
        expected = plain.gradient(kind, held, wide, **asked)
        plain.assert_close(slope, expected)
        # Latents that are never active have no slope, but for a threshold's penalty.
        assert all(np.abs(expected[name]).max() > 0 for name in ("encoder", "decoder"))
        assert not np.asarray(slope["encoder"])[-2:].any()


def test_the_two_kinds_of_sparsity() -> None:
    assert {kind: ARCHITECTURES[kind].penalised for kind in KINDS} == {
        kind: kind not in NUMBERED for kind in KINDS
    }


def test_a_number_that_is_not_whole() -> None:
    # Of 2.3 active latents in 16 samples 37 are the nearest to 36.8; TopK counts a third in part.
    x, given = plain.inputs(3), plain.weights("topk")
    for kind in ("topk", "batch-topk"):
        real = plain.real(kind, gathered=False, weighed=True)
        value = real(real.at(given), x, 2.3)[0]
        held = plain.wide(given)
        expected = plain.loss(kind, held, x.astype(np.float64), number=2.3)
        assert value == pytest.approx(expected, rel=1e-5)


def test_jump_relu_near_the_threshold() -> None:
    # One value inside the rectangle, one outside, one on the other side; no slope in the values.
    values = jnp.array([[0.31, 0.36, 0.27, 0.24]])
    threshold = jnp.array([[0.3]])
    value, slope = jax.vjp(jump_relu.step, values, threshold)
    assert value.tolist() == [[1, 1, 0, 0]]
    by_value, by_threshold = slope(jnp.array([[1.0, 10.0, 100.0, 1000.0]]))
    assert not by_value.any()
    np.testing.assert_allclose(by_threshold, [[-101 / plain.EPSILON]], rtol=1e-6)
    assert jump_relu.WIDTH == plain.EPSILON


@pytest.mark.parametrize(("kind", "gathered", "weighed"), WAYS)
def test_what_is_counted(kind: str, gathered: bool, weighed: bool) -> None:
    real = plain.real(kind, gathered=gathered, weighed=weighed)
    given = plain.weights(kind)
    held = plain.wide(given)
    state = real.at(given)
    sparsity = 1.0 if kind in NUMBERED else 0.3
    silent = np.zeros(LATENTS, np.int64)
    means: dict[str, float] = {}
    for step, scale in enumerate((1.0, 0.1, 1.0)):
        x = plain.inputs(10 + step, scale)
        wide = x.astype(np.float64)
        state = real(state, x, sparsity)[2]
        rest = state[1]
        f = plain.codes(kind, held, wide, sparsity, weighed=weighed)
        left = wide - f @ held["decoder"] - held["decoder_bias"]
        silent = np.where((f > 0).any(axis=0), 0, silent + 1)
        now = {"error": (left**2).sum() / BATCH, "active": (f > 0).sum() / BATCH}
        if "threshold" in rest:
            scores = f * np.linalg.norm(held["decoder"], axis=1) if weighed else f
            now["threshold"] = scores[scores > 0].min()
        for name, value in now.items():
            means[name] = MEMORY * means[name] + (1 - MEMORY) * value if step else value
        assert np.asarray(rest["silent"][...]).tolist() == silent.tolist()
        assert int(rest["done"][...]) == step + 1
        assert set(rest) == {"silent", "done", *now}
        for name, value in means.items():
            assert float(rest[name][...]) == pytest.approx(value, rel=1e-5), name
    # Some are always active, some never, and some were silent for a while.
    assert silent[-2:].tolist() == [3, 3]
    assert 0 in silent


@pytest.mark.parametrize("kind", KINDS)
def test_codes_outside_of_training(kind: str) -> None:
    real, given = plain.real(kind, gathered=False, weighed=True), plain.weights(kind)
    held, x = plain.wide(given), plain.inputs(5)
    model = real.model_at(given)
    if "threshold" in real.rest:
        model.threshold[...] = jnp.float32(0.5)

    @jax.jit
    def codes(x: Any) -> Any:
        found = model.codes(x, jnp.float32(2))
        return found, model.decoded(found)

    found, decoded = codes(jnp.asarray(x))
    wide = x.astype(np.float64)
    expected = plain.codes(kind, held, wide, 2)
    if "threshold" in real.rest:
        before = (wide - held["decoder_bias"]) @ held["encoder"].T + held["encoder_bias"]
        past = before * np.linalg.norm(held["decoder"], axis=1) > 0.5
        expected = np.where(past, before, 0)
    assert 0 < (expected > 0).sum() < expected.size / 2 or kind not in NUMBERED
    assert found.shape == (LATENTS, BATCH)
    np.testing.assert_allclose(np.asarray(found).T, expected, atol=1e-5)
    restored = expected @ held["decoder"] + held["decoder_bias"]
    np.testing.assert_allclose(np.asarray(decoded), restored, atol=2e-5)


@pytest.mark.parametrize("kind", KINDS)
def test_the_start(kind: str) -> None:
    made = ARCHITECTURES[kind]
    model: Any = made(LATENTS, DIM, SLOTS, norm=0.1, rngs=nnx.Rngs(jax.random.key(3)))
    rows = np.asarray(model.decoder[...])
    np.testing.assert_allclose(np.linalg.norm(rows, axis=1), 0.1, rtol=1e-6)
    assert len(np.unique(rows)) == rows.size
    np.testing.assert_array_equal(np.asarray(model.encoder[...]), rows)
    parts: Any = nnx.split(model, nnx.Param, ...)
    _, params, rest = parts
    zeros = {"encoder_bias", "decoder_bias", "magnitude_bias", "log_gain"} & set(params)
    assert all(not np.asarray(params[name][...]).any() for name in zeros)
    assert all(not np.asarray(rest[name][...]).any() for name in rest)
    if kind == "jumprelu":
        np.testing.assert_allclose(np.exp(model.log_threshold[...]), jump_relu.START, rtol=1e-6)
