"""Training steps in JAX, as its users write them: one pure step, scanned."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

EPSILON, KEEP = 1e-5, 0.9


def state_of(widths: tuple[int, ...], seed: int) -> Any:
    """Weights, velocities and running statistics of a network."""
    rng = np.random.default_rng(seed)
    layers = []
    for inputs, units in itertools.pairwise(widths):
        weight = rng.standard_normal((inputs, units)) * np.sqrt(2 / inputs)
        shift = jnp.zeros(units, jnp.float32)
        layers.append((jnp.asarray(weight, jnp.float32), jnp.ones_like(shift), shift))
    averages = [(jnp.zeros(units), jnp.ones(units)) for units in widths[1:-1]]
    return layers, jax.tree.map(jnp.zeros_like, layers), averages


def _loss(layers: Any, x: Any, labels: Any) -> tuple[Any, Any]:
    moments = []
    for weight, gain, shift in layers[:-1]:
        h = x @ weight
        mean, variance = h.mean(axis=0), h.var(axis=0)
        moments.append((mean, variance))
        x = jax.nn.relu((h - mean) / jnp.sqrt(variance + EPSILON) * gain + shift)
    weight, _, bias = layers[-1]
    scores = jax.nn.log_softmax(x @ weight + bias)
    return -jnp.take_along_axis(scores, labels[:, None], axis=1).mean(), moments


def stepped(x: Any, y: Any, rate: float, momentum: float) -> Callable[[Any, Any], Any]:
    """The function that takes a state through steps on `rows`, `(steps, batch)`."""

    def step(state: Any, rows: Any) -> tuple[Any, Any]:
        layers, velocity, averages = state
        whole = jax.value_and_grad(_loss, has_aux=True)
        (loss, moments), gradients = whole(layers, x[rows], y[rows])
        velocity = jax.tree.map(lambda v, g: momentum * v + g, velocity, gradients)
        layers = jax.tree.map(lambda w, v: w - rate * v, layers, velocity)
        averages = jax.tree.map(lambda a, s: KEEP * a + (1 - KEEP) * s, averages, moments)
        return (layers, velocity, averages), loss

    return lambda state, rows: jax.lax.scan(step, state, rows)
