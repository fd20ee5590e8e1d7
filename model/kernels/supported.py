"""Which training runs have a kernel, and the numbers that it takes from their settings."""

from __future__ import annotations

from typing import NamedTuple

from caviar.model.contract import Layer
from caviar.model.layers import Dense, Relu
from caviar.model.norms.batch_norm import BatchNorm
from caviar.model.norms.norm import Norm
from caviar.model.steps.optimizers import (
    CoupledDecay,
    DecoupledDecay,
    GammaDecay,
    Momentum,
    Optimizer,
    Sgd,
)
from caviar.model.steps.setup import Training


class Descent(NamedTuple):
    """An optimiser as numbers: what is added to a gradient, and what a step takes off, for each
    unit of weight and of other parameters; `of_gamma` is added for gamma besides."""

    momentum: float
    coupled: tuple[float, float]
    decoupled: tuple[float, float]
    of_gamma: float


def without_kernel(training: Training) -> str:
    """Why this training has no kernel, in words; empty if it has one."""
    if training.partitions > 1:
        return "several partitions per step"
    if descent_of(training.optimizer) is None:
        return f"the optimiser {_name(training.optimizer)}"
    *hidden, last = (layer for _, layer in training.network.layers)
    if not hidden:
        return "a network without hidden layers"
    if last != Dense(getattr(last, "units", 0)):
        return f"a last layer {_name(last)}"
    for kind in range(3):
        for layer in hidden[kind::3]:
            if not _is(layer, kind):
                norm = layer.normaliser if isinstance(layer, Norm) else layer
                return f"the layer {_name(norm)}"
    return "" if len(hidden) % 3 == 0 else "layers in another order"


def _is(layer: Layer, kind: int) -> bool:
    """Whether a layer is what stands in this place: dense, batch norm, ReLU, and again."""
    if kind == 0:
        return isinstance(layer, Dense) and not layer.bias
    if kind == 1:
        return isinstance(layer, Norm) and isinstance(layer.normaliser, BatchNorm)
    return isinstance(layer, Relu)


def _name(value: object) -> str:
    return type(value).__name__


def descent_of(optimizer: Optimizer) -> Descent | None:
    """The numbers of an optimiser; None where it is more than momentum with decay."""
    match optimizer:
        case Sgd():
            return Descent(0.0, (0.0, 0.0), (0.0, 0.0), 0.0)
        case Momentum(momentum):
            return Descent(momentum, (0.0, 0.0), (0.0, 0.0), 0.0)
        case GammaDecay(inner, rate):
            within = descent_of(inner)
            return None if within is None else within._replace(of_gamma=rate)
        case CoupledDecay(Sgd() | Momentum() as inner, rate, scope):
            within, others = descent_of(inner), rate if scope == "all" else 0.0
            return None if within is None else within._replace(coupled=(rate, others))
        case DecoupledDecay(Sgd() | Momentum() as inner, rate, scope):
            within, others = descent_of(inner), rate if scope == "all" else 0.0
            return None if within is None else within._replace(decoupled=(rate, others))
        case _:
            return None
