"""Optimisers as frozen settings with a pure step: (state, parameters) in, new ones out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, Protocol

import numpy as np

from caviar.model.contract import Array, Parameters

State = dict[str, Array]
WeightDecayScope = Literal["weights", "all"]


class Optimizer(Protocol):
    """`step` returns new parameters and state and leaves its arguments as they were."""

    def init(self, parameters: Parameters) -> State: ...

    def step(
        self, state: State, parameters: Parameters, gradients: Parameters, learning_rate: float
    ) -> tuple[Parameters, State]: ...


@dataclass(frozen=True)
class Sgd:
    """w <- w - learning_rate * g."""

    def init(self, parameters: Parameters) -> State:
        return {}

    def step(
        self, state: State, parameters: Parameters, gradients: Parameters, learning_rate: float
    ) -> tuple[Parameters, State]:
        return {
            k: w - w.dtype.type(learning_rate) * gradients[k] for k, w in parameters.items()
        }, {}


@dataclass(frozen=True)
class Momentum:
    """v <- momentum * v + g;  w <- w - learning_rate * v (Sutskever et al. 2013; as PyTorch)."""

    momentum: float

    def init(self, parameters: Parameters) -> State:
        return {k: np.zeros_like(w) for k, w in parameters.items()}

    def step(
        self, state: State, parameters: Parameters, gradients: Parameters, learning_rate: float
    ) -> tuple[Parameters, State]:
        velocity, moved = {}, {}
        for k, w in parameters.items():
            velocity[k] = state[k] * w.dtype.type(self.momentum) + gradients[k]
            moved[k] = w - w.dtype.type(learning_rate) * velocity[k]
        return moved, velocity


@dataclass(frozen=True)
class Adam:
    """Adam with bias correction (Kingma & Ba 2015, Algorithm 1); `beta1` is the momentum."""

    beta1: float
    beta2: float
    epsilon: float = 1e-8

    def init(self, parameters: Parameters) -> State:
        zeros = {f"{m}:{k}": np.zeros_like(w) for k, w in parameters.items() for m in "mv"}
        return {"count": np.zeros((), np.int64), **zeros}

    def step(
        self, state: State, parameters: Parameters, gradients: Parameters, learning_rate: float
    ) -> tuple[Parameters, State]:
        count = int(state["count"]) + 1
        after: State = {"count": np.asarray(count, np.int64)}
        moved = {}
        for k, w in parameters.items():
            real, g = w.dtype.type, gradients[k]
            m = real(self.beta1) * state[f"m:{k}"] + real(1 - self.beta1) * g
            v = real(self.beta2) * state[f"v:{k}"] + real(1 - self.beta2) * g * g
            root = np.sqrt(v / real(1 - self.beta2**count)) + real(self.epsilon)
            moved[k] = w - real(learning_rate / (1 - self.beta1**count)) * m / root
            after[f"m:{k}"], after[f"v:{k}"] = m, v
        return moved, after


@dataclass(frozen=True)
class CoupledDecay:
    """L2 penalty: `rate * w` joins the gradient before the optimiser sees it.

    Scope `weights` spares gamma, beta and biases; `all` does not.
    """

    optimizer: Optimizer
    rate: float
    scope: WeightDecayScope = "weights"

    def init(self, parameters: Parameters) -> State:
        return self.optimizer.init(parameters)

    def step(
        self, state: State, parameters: Parameters, gradients: Parameters, learning_rate: float
    ) -> tuple[Parameters, State]:
        penalised = dict(gradients)
        for k, w in parameters.items():
            if _decays(k, self.scope):
                penalised[k] = gradients[k] + w.dtype.type(self.rate) * w
        return self.optimizer.step(state, parameters, penalised, learning_rate)


@dataclass(frozen=True)
class DecoupledDecay:
    """w also shrinks by `learning_rate * rate * w` beside the step (Loshchilov & Hutter 2019).

    Scope `weights` spares gamma, beta and biases; `all` does not.
    """

    optimizer: Optimizer
    rate: float
    scope: WeightDecayScope = "weights"

    def init(self, parameters: Parameters) -> State:
        return self.optimizer.init(parameters)

    def step(
        self, state: State, parameters: Parameters, gradients: Parameters, learning_rate: float
    ) -> tuple[Parameters, State]:
        moved, after = self.optimizer.step(state, parameters, gradients, learning_rate)
        for k, w in parameters.items():
            if _decays(k, self.scope):
                moved[k] = moved[k] - w * w.dtype.type(learning_rate * self.rate)
        return moved, after


@dataclass(frozen=True)
class GammaDecay:
    """Decay of gamma alone: the gradient of rate / 2 * gamma^2 joins before the optimiser.

    The explicit half of batch norm's regularisation without its noise: population
    normalisation with gamma decay (Luo et al. 2019).
    """

    optimizer: Optimizer
    rate: float

    def init(self, parameters: Parameters) -> State:
        return self.optimizer.init(parameters)

    def step(
        self, state: State, parameters: Parameters, gradients: Parameters, learning_rate: float
    ) -> tuple[Parameters, State]:
        penalised = {
            k: g + g.dtype.type(self.rate) * parameters[k] if k.endswith(".gamma") else g
            for k, g in gradients.items()
        }
        return self.optimizer.step(state, parameters, penalised, learning_rate)


def _decays(name: str, scope: WeightDecayScope) -> bool:
    return scope == "all" or name.endswith(".weight")
