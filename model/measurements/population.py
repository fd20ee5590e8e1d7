"""Exact statistics over the training set at frozen weights, and the noise around them."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from caviar.model.contract import Array, Generators, Moments, NetworkParameters
from caviar.model.measurements.batch_noise import Spread, batch_noise, stacked
from caviar.model.network import Network, Statistics
from caviar.model.parameters import each
from caviar.model.steps.examples import Examples


class Population(NamedTuple):
    """Exact statistics by layer, `(replicas, 1, features)` float64, and the noise around them.

    `spread` is by layer and batch size.
    """

    moments: dict[str, Moments]
    spread: dict[str, dict[int, Spread]]


def population(
    network: Network,
    parameters: NetworkParameters,
    examples: Examples,
    sizes: tuple[int, ...],
    generators: Generators,
) -> Population:
    """Mean and variance over the whole training set, layer by layer, and batch noise around it.

    Each layer's input is what the layers below make of the training set under their own
    population statistics. Replicas come one at a time, so that memory holds one training set.
    Without `sizes` no noise is measured and nothing is drawn from `generators`.
    """
    moments: dict[str, list[Moments]] = {name: [] for name in network.norm_layers}
    spread: dict[str, list[dict[int, Spread]]] = {name: [] for name in network.norm_layers}
    epsilons = {name: layer.normaliser.epsilon for name, layer in network.norm_layers.items()}
    for r, generator in enumerate(generators):

        def visit(name: str, h: Array, generator: np.random.Generator = generator) -> Moments:
            moments[name].append(moments_over_examples(h))
            spread[name].append(batch_noise(h[0], sizes, epsilons[name], generator))
            return Moments(*(part.astype(h.dtype) for part in moments[name][-1]))

        pass_of_training_set(network, parameters, examples, r, visit)
    return Population(
        {name: stacked_moments(parts) for name, parts in moments.items()},
        {name: stacked(parts) for name, parts in spread.items()},
    )


def moments_over_examples(h: Array) -> Moments:
    """Mean and variance of each feature, `(replicas, 1, features)` float64."""
    mean = h.mean(axis=1, keepdims=True, dtype=np.float64)
    return Moments(mean, h.var(axis=1, keepdims=True, dtype=np.float64))


def pass_of_training_set(
    network: Network,
    parameters: NetworkParameters,
    examples: Examples,
    replica: int,
    statistics: Statistics,
) -> None:
    """Hand `statistics` the input of every norm in turn, of the whole split for one replica."""
    one = each(lambda array: array[replica : replica + 1], parameters)
    x, _ = examples.replica(replica).take(np.arange(len(examples))[None])
    network.up_to_last_norm().predict(one, x, statistics)


def stacked_moments(parts: list[Moments]) -> Moments:
    """The moments of one replica each as those of a stack."""
    return Moments(
        np.concatenate([p.mean for p in parts]), np.concatenate([p.variance for p in parts])
    )
