"""Evaluation statistics that count the evaluated example in, as training did."""

from __future__ import annotations

from caviar.model.contract import Array, Moments
from caviar.model.network import Statistics


def evalnorm_statistics(population: dict[str, Moments], norm_batch_size: int) -> Statistics:
    """For each example, the expected batch moments given that it is in a batch of m.

    Keeps self-influence at evaluation and removes the noise: with the other m - 1 examples
    independent draws from the population, E[mu_B | h] = mu + (h - mu) / m and E[v_B | h] =
    sigma^2 [(m - 2) / m + 1 / m^2] + (m - 1) / m^2 (h - mu)^2. Singh & Shrivastava
    2019 (EvalNorm), with the exact weights of independent draws.

    `population` holds `(replicas, 1, features)` by layer; the statistics are
    `(replicas, batch, features)`, one group per example.
    """
    m = norm_batch_size
    itself, others = (m - 1) / m**2, (m - 2) / m + 1 / m**2

    def statistics(name: str, x: Array) -> Moments:
        mean = population[name].mean.astype(x.dtype)
        variance = population[name].variance.astype(x.dtype)
        away = x - mean
        return Moments(mean + away / m, others * variance + itself * away * away)

    return statistics
