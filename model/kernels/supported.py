"""Which training runs have a kernel, and the numbers that it takes from their settings."""

from __future__ import annotations

from typing import NamedTuple

from caviar.model.kernels.by_layer.hidden import at_dense_layers, hidden_layers, not_hidden
from caviar.model.layers import Dense
from caviar.model.norms.batch_norm import BatchNorm
from caviar.model.norms.norm import Norm
from caviar.model.steps.optimizers import (
    Adam,
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
    unit of weight and of other parameters; `of_gamma` is added for gamma besides. Adam's beta1 is
    the momentum; `adam` is its beta2 and its epsilon."""

    momentum: float
    coupled: tuple[float, float]
    decoupled: tuple[float, float]
    of_gamma: float
    adam: tuple[float, float] | None = None


def without_kernel(training: Training) -> str:
    """Why this training has no kernel, in words; empty if it has one."""
    if training.partitions > 1:
        return "several partitions per step"
    if descent_of(training.optimizer) is None:
        return f"the optimiser {_name(training.optimizer)}"
    *parts, top = at_dense_layers(training.network)
    if [layer for _, layer in top] != [Dense(getattr(top[0][1], "units", 0))]:
        return f"a last layer {_name(top[-1][1])}"
    for part in parts:
        layer = not_hidden(part)
        if layer is not None:
            norm = layer.normaliser if isinstance(layer, Norm) else layer
            return f"the layer {_name(norm)}"
    if len({hidden.norm for hidden in hidden_layers(training.network)}) > 1:
        return "norms that differ between layers"
    return "" if parts else "a network without hidden layers"


def all_at_once(training: Training) -> bool:
    """Whether one compiled call takes many whole steps: batch norm alone, by momentum."""
    descent = descent_of(training.optimizer)
    return (
        descent is not None
        and descent.adam is None
        and all(
            isinstance(hidden.normaliser, BatchNorm)
            and hidden.dropout is None
            and not hidden.dense.bias
            for hidden in hidden_layers(training.network)
        )
    )


def _name(value: object) -> str:
    return type(value).__name__


def descent_of(optimizer: Optimizer) -> Descent | None:
    """The numbers of an optimiser; None where it is more than momentum or Adam with decay."""
    match optimizer:
        case Sgd():
            return Descent(0.0, (0.0, 0.0), (0.0, 0.0), 0.0)
        case Momentum(momentum):
            return Descent(momentum, (0.0, 0.0), (0.0, 0.0), 0.0)
        case Adam(beta1, beta2, epsilon):
            return Descent(beta1, (0.0, 0.0), (0.0, 0.0), 0.0, (beta2, epsilon))
        case GammaDecay(inner, rate):
            within = descent_of(inner)
            return None if within is None else within._replace(of_gamma=rate)
        case CoupledDecay(Sgd() | Momentum() | Adam() as inner, rate, scope):
            within, others = descent_of(inner), rate if scope == "all" else 0.0
            return None if within is None else within._replace(coupled=(rate, others))
        case DecoupledDecay(Sgd() | Momentum() | Adam() as inner, rate, scope):
            within, others = descent_of(inner), rate if scope == "all" else 0.0
            return None if within is None else within._replace(decoupled=(rate, others))
        case _:
            return None
