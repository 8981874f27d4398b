"""Neural noise of mean 0 and variance 1, by kind: what differs is the excess kurtosis."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping

import jax
import jax.numpy as jnp
from jax import Array

from experiments.models import threefry

__all__ = ["KURTOSIS", "NOISES", "draw"]

Shape = tuple[int, ...]


def _bipolar(key: Array, shape: Shape, kurtosis: Array) -> Array:
    return jax.random.rademacher(key, shape, jnp.float32)


def _uniform(key: Array, shape: Shape, kurtosis: Array) -> Array:
    edge = math.sqrt(3)
    return jax.random.uniform(key, shape, minval=-edge, maxval=edge)


def _gaussian(key: Array, shape: Shape, kurtosis: Array) -> Array:
    return jax.random.normal(key, shape)


def _laplace(key: Array, shape: Shape, kurtosis: Array) -> Array:
    return jax.random.laplace(key, shape) / math.sqrt(2)


def _three_point(key: Array, shape: Shape, kurtosis: Array) -> Array:
    # ±1/sqrt(p) with probability p/2 each, else 0: variance 1 and kurtosis 1/p.
    share = 1 / (kurtosis + 3)
    uniform = jax.random.uniform(key, shape, minval=-1.0)
    sign = jnp.where(uniform < 0, -1.0, 1.0)
    return jnp.where(jnp.abs(uniform) <= share, sign, 0) / jnp.sqrt(share)


NOISES: Mapping[str, Callable[[Array, Shape, Array], Array]] = {
    "bipolar": _bipolar,
    "uniform": _uniform,
    "gaussian": _gaussian,
    "laplace": _laplace,
    "three-point": _three_point,
}
"""By name; only the three-point family looks at the kurtosis it is given, any number from -2 up."""

KURTOSIS: Mapping[str, float] = {"bipolar": -2.0, "uniform": -1.2, "gaussian": 0.0, "laplace": 3.0}
"""Excess kurtosis of the kinds that have only one."""


def draw(kind: str, key: Array, shape: Shape, kurtosis: Array) -> Array:
    """Return independent draws of the kind.  Shape `shape`, float32, variance 1."""
    return NOISES[kind](threefry.unrolled(key), shape, kurtosis)
