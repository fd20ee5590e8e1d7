"""The layers that do not normalise."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import DTypeLike

from caviar.model.contract import Array, Generators, MomentsOf, Parameters


@dataclass(frozen=True)
class Dense:
    """`x @ weight (+ bias)`; He-normal weights (He et al. 2015, section 2.2), zero bias.

    Use `bias=False` in front of batch norm, which would subtract the bias again.

    >>> parameters, features = caviar.Dense(3).init([np.random.default_rng(0)], 5, np.float32)
    >>> parameters["weight"].shape, parameters["bias"].shape, features
    ((1, 5, 3), (1, 1, 3), 3)
    """

    units: int
    bias: bool = True

    def init(
        self, generators: Generators, features: int, dtype: DTypeLike
    ) -> tuple[Parameters, int]:
        scale = np.sqrt(2.0 / features)
        weight = np.stack([g.standard_normal((features, self.units)) for g in generators]) * scale
        parameters = {"weight": weight.astype(dtype)}
        if self.bias:
            parameters["bias"] = np.zeros((len(generators), 1, self.units), dtype)
        return parameters, self.units

    def forward(
        self, parameters: Parameters, x: Array, generators: Generators
    ) -> tuple[Array, Array]:
        return self._affine(parameters, x), x

    def backward(self, parameters: Parameters, tape: Array, dy: Array) -> tuple[Array, Parameters]:
        gradients = {"weight": np.matmul(tape.transpose(0, 2, 1), dy)}
        if self.bias:
            gradients["bias"] = dy.sum(axis=1, keepdims=True)
        return np.matmul(dy, parameters["weight"].transpose(0, 2, 1)), gradients

    def predict(self, parameters: Parameters, x: Array, moments_of: MomentsOf) -> Array:
        return self._affine(parameters, x)

    def _affine(self, parameters: Parameters, x: Array) -> Array:
        y: Array = np.matmul(x, parameters["weight"])
        if self.bias:
            y += parameters["bias"]
        return y


@dataclass(frozen=True)
class Relu:
    """`max(x, 0)`.

    >>> caviar.Relu().forward({}, np.array([[[-1.0, 2.0]]]), ())[0]
    array([[[0., 2.]]])
    """

    def init(
        self, generators: Generators, features: int, dtype: DTypeLike
    ) -> tuple[Parameters, int]:
        return {}, features

    def forward(
        self, parameters: Parameters, x: Array, generators: Generators
    ) -> tuple[Array, Array]:
        return np.maximum(x, 0), x > 0

    def backward(self, parameters: Parameters, tape: Array, dy: Array) -> tuple[Array, Parameters]:
        return dy * tape, {}

    def predict(self, parameters: Parameters, x: Array, moments_of: MomentsOf) -> Array:
        return np.asarray(np.maximum(x, 0))


@dataclass(frozen=True)
class Tanh:
    """`tanh(x)`.

    >>> caviar.Tanh().forward({}, np.array([[[0.0]]]), ())[0]
    array([[[0.]]])
    """

    def init(
        self, generators: Generators, features: int, dtype: DTypeLike
    ) -> tuple[Parameters, int]:
        return {}, features

    def forward(
        self, parameters: Parameters, x: Array, generators: Generators
    ) -> tuple[Array, Array]:
        y = np.tanh(x)
        return y, y

    def backward(self, parameters: Parameters, tape: Array, dy: Array) -> tuple[Array, Parameters]:
        return dy * (1 - tape * tape), {}

    def predict(self, parameters: Parameters, x: Array, moments_of: MomentsOf) -> Array:
        return np.asarray(np.tanh(x))


@dataclass(frozen=True)
class Dropout:
    """Inverted dropout (Srivastava et al. 2014): zero with `rate`, else scale by 1/(1 - rate).

    >>> generators = [np.random.default_rng(0)]
    >>> y, _ = caviar.Dropout(0.5).forward({}, np.ones((1, 100, 4)), generators)
    >>> sorted(set(y.ravel().tolist()))
    [0.0, 2.0]
    """

    rate: float

    def init(
        self, generators: Generators, features: int, dtype: DTypeLike
    ) -> tuple[Parameters, int]:
        return {}, features

    def forward(
        self, parameters: Parameters, x: Array, generators: Generators
    ) -> tuple[Array, Array]:
        mask = self.mask(generators, x.shape[1:], x.dtype)
        return x * mask, mask

    def mask(self, generators: Generators, shape: tuple[int, ...], dtype: DTypeLike) -> Array:
        """What multiplies an input, `(replicas, *shape)`."""
        return self.mask_of(
            np.stack([g.random(shape, dtype=np.float32) for g in generators]), dtype
        )

    def mask_of(self, draws: Array, dtype: DTypeLike) -> Array:
        """The same from uniform draws of single precision."""
        scale: Array = np.asarray(self.scale, dtype)
        return np.asarray((draws >= self.rate) * scale)

    @property
    def scale(self) -> float:
        """What multiplies an input that is kept."""
        return 1 / (1 - self.rate)

    def backward(self, parameters: Parameters, tape: Array, dy: Array) -> tuple[Array, Parameters]:
        return dy * tape, {}

    def predict(self, parameters: Parameters, x: Array, moments_of: MomentsOf) -> Array:
        return x
