"""Evaluation statistics that count the evaluated example in, as training did."""

from __future__ import annotations

from dataclasses import dataclass

from caviar.model.contract import Array, Moments, NetworkParameters
from caviar.model.measurements.population import (
    moments_over_examples,
    pass_of_training_set,
    stacked_moments,
)
from caviar.model.network import Network, Statistics
from caviar.model.steps.examples import Examples


@dataclass(frozen=True)
class EvalnormStatistics:
    """Moments of each example's batch on average, around those of a `population` by layer."""

    population: dict[str, Moments]
    size: int

    def __call__(self, name: str, x: Array) -> Moments:
        return given_example(self.population[name], x, self.size)


def evalnorm_statistics(population: dict[str, Moments], norm_batch_size: int) -> Statistics:
    """For each example, the expected batch moments given that it is in a batch of m.

    Keeps self-influence at evaluation and removes the noise: with the other m - 1 examples
    independent draws from the population, E[mu_B | h] = mu + (h - mu) / m and E[v_B | h] =
    sigma^2 [(m - 2) / m + 1 / m^2] + (m - 1) / m^2 (h - mu)^2. Singh & Shrivastava
    2019 (EvalNorm), with the exact weights of independent draws.

    `population` holds the moments of the inputs that each layer gets under EvalNorm (see
    `evalnorm_moments`), `(replicas, 1, features)` by layer; the statistics are
    `(replicas, batch, features)`, one group per example.
    """
    return EvalnormStatistics(population, norm_batch_size)


def evalnorm_moments(
    network: Network, parameters: NetworkParameters, examples: Examples, norm_batch_size: int
) -> dict[str, Moments]:
    """Moments over the training set of each layer's input, under EvalNorm in the layers below it.

    EvalNorm pulls an example far from the mean towards it, so a deeper layer's inputs are not
    those that population statistics would give it: each layer is normalised around the moments
    of the inputs that it gets. `(replicas, 1, features)` float64 by layer, in one pass.
    """
    moments: dict[str, list[Moments]] = {name: [] for name in network.norm_layers}

    def visit(name: str, h: Array) -> Moments:
        moments[name].append(moments_over_examples(h))
        return given_example(moments[name][-1], h, norm_batch_size)

    for replica in range(examples.replicas):
        pass_of_training_set(network, parameters, examples, replica, visit)
    return {name: stacked_moments(parts) for name, parts in moments.items()}


def shares(m: int) -> tuple[float, float]:
    """Weights of the squared distance of an example itself, and of the variance of the others."""
    return (m - 1) / m**2, (m - 2) / m + 1 / m**2


def given_example(population: Moments, x: Array, m: int) -> Moments:
    """Expected moments of a batch of `m` for each example in it, `(replicas, batch, features)`."""
    itself, others = shares(m)
    mean, variance = (part.astype(x.dtype) for part in population)
    away = x - mean
    return Moments(mean + away / m, others * variance + itself * away * away)
