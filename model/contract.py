"""What a layer is, stated once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import DTypeLike, NDArray

Array = NDArray[Any]

Parameters = dict[str, Array]
"""Arrays of one layer, by name."""

NetworkParameters = dict[str, Parameters]
"""Arrays of a network, by layer and then by name. Every layer has an entry; it may be empty."""

Generators = Sequence[np.random.Generator]


class Moments(NamedTuple):
    """Mean and biased variance of every feature, both `(replicas, groups, features)`."""

    mean: Array
    variance: Array


MomentsOf = Callable[[Array], Moments]


class NormTape(NamedTuple):
    """What a norm's backward pass needs, and the batch statistics that running averages watch.

    Arrays are in the groups that share statistics, `(replicas, groups, size, features)`, or
    broadcast to that: `x_hat` is the input less a mean, times `inverse_deviation`; `z` is what
    gamma multiplies, `scale * x_hat` plus a shift, both constants (1 and 0 except in arms
    that distort x_hat). `moments` is None for norms without batch statistics. `lenders`: the
    examples drawn for each example, `(replicas, batch, drawn)`, in the arm that draws them.
    """

    x_hat: Array
    inverse_deviation: Array
    z: Array
    scale: Array
    moments: Moments | None
    lenders: Array | None = None


class Layer(Protocol):
    """A layer is settings only; parameters, tape and randomness are passed in and out.

    Arrays are `(replicas, batch, features)`: R independent networks advance side by side, and
    replica r of every result depends on replica r of the inputs alone. `forward` is training
    (batch statistics, dropout on) and returns the tape that `backward` needs; `backward` takes
    the gradient of the loss with respect to the output and returns those with respect to the
    input and the parameters. `predict` is evaluation: `moments_of` maps a pre-activation to the
    statistics that a normalising layer uses, so the kind of statistics is the caller's choice.
    """

    def init(
        self, generators: Generators, features: int, dtype: DTypeLike
    ) -> tuple[Parameters, int]: ...

    def forward(
        self, parameters: Parameters, x: Array, generators: Generators
    ) -> tuple[Array, Any]: ...

    def backward(
        self, parameters: Parameters, tape: Any, dy: Array
    ) -> tuple[Array, Parameters]: ...

    def predict(self, parameters: Parameters, x: Array, moments_of: MomentsOf) -> Array: ...
