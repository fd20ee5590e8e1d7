"""Evaluation's norms with the ReLU behind them, in one pass; the lines of `Norm.predict`."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from caviar.model.contract import Array, MomentsOf, Parameters
from caviar.model.kernels.compiling import compiled_exactly
from caviar.model.kernels.layout import lanes_of
from caviar.model.kernels.vectors import load, rectified, rounded_product, store
from caviar.model.layers import Relu
from caviar.model.network import Network
from caviar.model.norms.norm import Norm


@compiled_exactly
def normalise(
    x: Array, mean: Array, factor: Array, shift: Array, features: int, lanes: int, y: Array
) -> None:
    """y = maximum((x - mean) * factor + shift, 0), rounded as NumPy rounds

    Numbers of a replica lie in one row: of `x` and `y` those of all examples, of `mean` and
    `factor` those of all groups of consecutive examples, of `shift` those of all features.
    """
    whole = features // lanes * lanes
    for r in range(len(x)):
        groups = mean.shape[1] // features
        size = x.shape[1] // features // groups
        xs, ys, means, factors, shifts = x[r], y[r], mean[r], factor[r], shift[r]
        for group in range(groups):
            of_group, first = group * features, group * size * features
            for i in range(first, first + size * features, features):
                for v in range(0, whole, lanes):
                    away = load(xs, i + v) - load(means, of_group + v)
                    z = rounded_product(away, load(factors, of_group + v))
                    store(ys, i + v, rectified(z + load(shifts, v)))
                for f in range(whole, features):
                    z = (xs[i + f] - means[of_group + f]) * factors[of_group + f] + shifts[f]
                    ys[i + f] = z if not z < 0 else 0


# Overrides one method of a final class: all that looks for norms must find this one too.
@dataclass(frozen=True)
class NormWithRelu(Norm):
    """A norm whose evaluation does what the ReLU behind it would do."""

    def predict(self, parameters: Parameters, x: Array, moments_of: MomentsOf) -> Array:
        if not self.normaliser.uses_batch_statistics:
            return np.asarray(np.maximum(super().predict(parameters, x, moments_of), 0))
        mean, variance = moments_of(x)
        deviation = np.sqrt(variance + x.dtype.type(self.normaliser.epsilon))
        y = np.empty_like(x)
        rows = (x, mean, parameters["gamma"] / deviation, parameters["beta"])
        x, mean, factor, shift = (np.ascontiguousarray(a).reshape(len(x), -1) for a in rows)
        features, lanes = y.shape[2], lanes_of(x.dtype)
        normalise(x, mean, factor, shift, features, lanes, y.reshape(len(x), -1))
        return y


@dataclass(frozen=True)
class ReluDone(Relu):
    """A ReLU that leaves evaluation to the norm in front of it."""

    def predict(self, parameters: Parameters, x: Array, moments_of: MomentsOf) -> Array:
        return x


def predicting(network: Network) -> Network:
    """The network with the same parameters and outputs, bit for bit, that evaluates faster."""
    layers = dict(network.layers)
    for (name, norm), (relu, activation) in pairwise(network.layers):
        if isinstance(norm, Norm) and isinstance(activation, Relu):
            layers[name], layers[relu] = NormWithRelu(norm.normaliser), ReluDone()
    return Network(tuple(layers.items()))
