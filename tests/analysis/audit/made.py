"""Evidence made by hand: layers whose statistics follow a law, and losses as told."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from caviar.analysis.audit.evidence import (
    Difference,
    Estimate,
    Evidence,
    Moments,
    NormLayer,
    Reading,
    Readings,
    Scatter,
)
from caviar.analysis.theory.running_mean import sum_of_squares


def layer(
    name: str = "bn1",
    *,
    units: int = 64,
    values: int = 32,
    momentum: float = 0.1,
    updates: int = 500,
    weight: float = 0.0,
    seed: int = 0,
    **changes: Any,
) -> NormLayer:
    """A norm of normal inputs that stores what sampling leaves, and `weight` of the start."""
    draw = np.random.default_rng([seed, *name.encode()])
    mean, variance = draw.normal(0, 1, units), np.exp(draw.normal(0.5, 0.5, units))
    squares = sum_of_squares("constant", 1 - momentum, updates)
    stored = Moments(
        (1 - weight) * (mean + np.sqrt(squares * variance / values) * draw.normal(size=units)),
        weight
        + (1 - weight) * variance * (1 + np.sqrt(2 * squares / values) * draw.normal(size=units)),
    )
    scatter = Scatter(
        Moments(mean, variance * (values - 1) / values),
        Moments(variance / values, 2 * variance**2 / values),
        batches=1000,
        examples=1000 * values,
        values=values,
    )
    exact = Estimate(Moments(mean, variance), Moments(0 * mean, 0 * variance))
    made = NormLayer(
        *(name, "BatchNorm1d", momentum, 1e-5, updates, 1, False, stored),
        *(exact, scatter, scatter, None),
    )
    return replace(made, **changes)


def reading(loss: float, error: float = 0.01) -> Reading:
    return Reading(loss, error, 0.9, 1000)


def readings(
    stored: float = 0.2,
    population: float = 0.2,
    batch: float = 0.25,
    error: float = 0.001,
    **changes: Any,
) -> Readings:
    """Losses with each kind of statistics; differences have one error."""
    made = Readings(
        stored=reading(stored),
        population=reading(population),
        precise=reading(population),
        batch=reading(batch),
        batches={4: reading(population + 0.4), 64: reading(population + 0.02)},
        stored_minus_population=Difference(stored - population, error),
        batch_minus_population=Difference(batch - population, error),
        charged={},
    )
    return replace(made, **changes)


def evidence(*layers: NormLayer, **changes: Any) -> Evidence:
    """Evidence of these layers, by default three healthy ones trained with batches of 32."""
    made = Evidence(
        layers=layers or (layer("bn1"), layer("bn2"), layer("bn3")),
        batch_size=32,
        steps=None,
        train=readings(),
        test=None,
        class_shares=None,
        examples=4000,
        passes=10,
        never_called=(),
    )
    return replace(made, **changes)


def stored(one: NormLayer, mean: Any = None, variance: Any = None) -> NormLayer:
    """The layer with other stored moments; None leaves one as it is."""
    assert one.stored is not None
    return replace(
        one,
        stored=Moments(
            one.stored.mean if mean is None else np.broadcast_to(mean, one.stored.mean.shape) + 0.0,
            one.stored.variance
            if variance is None
            else np.broadcast_to(variance, one.stored.mean.shape) + 0.0,
        ),
    )


def scaled(one: NormLayer, scale: float, shift: float = 0.0) -> Estimate:
    """The population's moments of inputs `scale * x + shift`."""
    moments = one.population.moments
    return replace(
        one.population,
        moments=Moments(scale * moments.mean + shift, scale**2 * moments.variance),
    )
