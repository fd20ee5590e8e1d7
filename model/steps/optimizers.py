"""Optimisers as frozen settings with a pure step: (state, parameters) in, new ones out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, Protocol

import numpy as np

from caviar.model.contract import Array, NetworkParameters
from caviar.model.parameters import each

WeightDecayScope = Literal["weights", "all"]


@dataclass(frozen=True)
class OptimizerState:
    """What an optimiser carries: by slot, arrays like the parameters; a step count, if any."""

    slots: dict[str, NetworkParameters]
    count: int | None = None


Stepped = tuple[NetworkParameters, OptimizerState]


class Optimizer(Protocol):
    """`step` returns new parameters and state and leaves its arguments as they were."""

    def init(self, parameters: NetworkParameters) -> OptimizerState: ...

    def step(
        self,
        state: OptimizerState,
        parameters: NetworkParameters,
        gradients: NetworkParameters,
        learning_rate: float,
    ) -> Stepped: ...


@dataclass(frozen=True)
class Sgd:
    """w <- w - learning_rate * g.

    >>> network = caviar.mlp((4,), 2, norm=None)
    >>> parameters, _ = network.init([np.random.default_rng(0)], 3, np.float64)
    >>> after, state = caviar.Sgd().step({}, parameters, parameters, 1.0)
    >>> after.keys() == parameters.keys(), state
    (True, {})
    """

    def init(self, parameters: NetworkParameters) -> OptimizerState:
        return OptimizerState({})

    def step(
        self,
        state: OptimizerState,
        parameters: NetworkParameters,
        gradients: NetworkParameters,
        learning_rate: float,
    ) -> Stepped:
        return each(lambda w, g: w - w.dtype.type(learning_rate) * g, parameters, gradients), state


@dataclass(frozen=True)
class Momentum:
    """v <- momentum * v + g;  w <- w - learning_rate * v (Sutskever et al. 2013; as PyTorch).

    >>> caviar.Momentum(0.9).momentum
    0.9
    """

    momentum: float

    def init(self, parameters: NetworkParameters) -> OptimizerState:
        return OptimizerState({"velocity": each(np.zeros_like, parameters)})

    def step(
        self,
        state: OptimizerState,
        parameters: NetworkParameters,
        gradients: NetworkParameters,
        learning_rate: float,
    ) -> Stepped:
        velocity = each(
            lambda v, g: v * v.dtype.type(self.momentum) + g, state.slots["velocity"], gradients
        )
        moved = each(lambda w, v: w - w.dtype.type(learning_rate) * v, parameters, velocity)
        return moved, OptimizerState({"velocity": velocity})


@dataclass(frozen=True)
class Adam:
    """Adam with bias correction (Kingma & Ba 2015, Algorithm 1); `beta1` is the momentum.

    >>> caviar.Adam(beta1=0.9, beta2=0.999).epsilon
    1e-08
    """

    beta1: float
    beta2: float
    epsilon: float = 1e-8

    def init(self, parameters: NetworkParameters) -> OptimizerState:
        return OptimizerState({slot: each(np.zeros_like, parameters) for slot in "mv"}, 0)

    def step(
        self,
        state: OptimizerState,
        parameters: NetworkParameters,
        gradients: NetworkParameters,
        learning_rate: float,
    ) -> Stepped:
        count = (state.count or 0) + 1

        def first(m: Array, g: Array) -> Array:
            real = m.dtype.type
            return np.asarray(real(self.beta1) * m + real(1 - self.beta1) * g)

        def second(v: Array, g: Array) -> Array:
            real = v.dtype.type
            return np.asarray(real(self.beta2) * v + real(1 - self.beta2) * g * g)

        def moved(w: Array, m: Array, v: Array) -> Array:
            real = w.dtype.type
            root = np.sqrt(v / real(1 - self.beta2**count)) + real(self.epsilon)
            return np.asarray(w - real(learning_rate / (1 - self.beta1**count)) * m / root)

        m = each(first, state.slots["m"], gradients)
        v = each(second, state.slots["v"], gradients)
        return each(moved, parameters, m, v), OptimizerState({"m": m, "v": v}, count)


@dataclass(frozen=True)
class CoupledDecay:
    """L2 penalty: `rate * w` is added to the gradient before the optimiser uses it.

    Scope `weights` exempts gamma, beta and biases; `all` does not.
    """

    optimizer: Optimizer
    rate: float
    scope: WeightDecayScope = "weights"

    def init(self, parameters: NetworkParameters) -> OptimizerState:
        return self.optimizer.init(parameters)

    def step(
        self,
        state: OptimizerState,
        parameters: NetworkParameters,
        gradients: NetworkParameters,
        learning_rate: float,
    ) -> Stepped:
        penalised = _where(
            DECAYS[self.scope], lambda g, w: g + w.dtype.type(self.rate) * w, gradients, parameters
        )
        return self.optimizer.step(state, parameters, penalised, learning_rate)


@dataclass(frozen=True)
class DecoupledDecay:
    """w also shrinks by `learning_rate * rate * w` beside the step (Loshchilov & Hutter 2019).

    Scope `weights` exempts gamma, beta and biases; `all` does not.
    """

    optimizer: Optimizer
    rate: float
    scope: WeightDecayScope = "weights"

    def init(self, parameters: NetworkParameters) -> OptimizerState:
        return self.optimizer.init(parameters)

    def step(
        self,
        state: OptimizerState,
        parameters: NetworkParameters,
        gradients: NetworkParameters,
        learning_rate: float,
    ) -> Stepped:
        moved, after = self.optimizer.step(state, parameters, gradients, learning_rate)
        shrink = learning_rate * self.rate
        return _where(
            DECAYS[self.scope], lambda new, w: new - w * w.dtype.type(shrink), moved, parameters
        ), after


@dataclass(frozen=True)
class GammaDecay:
    """Decay of gamma alone: the gradient of rate / 2 * gamma^2 is added before the optimiser.

    The explicit half of batch norm's regularisation without its noise: population
    normalisation with gamma decay (Luo et al. 2019).
    """

    optimizer: Optimizer
    rate: float

    def init(self, parameters: NetworkParameters) -> OptimizerState:
        return self.optimizer.init(parameters)

    def step(
        self,
        state: OptimizerState,
        parameters: NetworkParameters,
        gradients: NetworkParameters,
        learning_rate: float,
    ) -> Stepped:
        penalised = _where(
            _is_gamma, lambda g, w: g + g.dtype.type(self.rate) * w, gradients, parameters
        )
        return self.optimizer.step(state, parameters, penalised, learning_rate)


def _is_gamma(name: str) -> bool:
    return name == "gamma"


DECAYS: dict[WeightDecayScope, Callable[[str], bool]] = {
    "weights": lambda name: name == "weight",
    "all": lambda name: True,
}
"""Whether a parameter of this name decays."""


def _where(
    chosen: Callable[[str], bool],
    change: Callable[[Array, Array], Array],
    nested: NetworkParameters,
    parameters: NetworkParameters,
) -> NetworkParameters:
    """Apply `change` to the arrays whose names are chosen, and leave the others as they are."""
    return {
        layer: {
            name: change(array, parameters[layer][name]) if chosen(name) else array
            for name, array in by_name.items()
        }
        for layer, by_name in nested.items()
    }
