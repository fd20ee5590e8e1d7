"""Arrays of a network as one flat dict and back, for loops over all of them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple

from caviar.model.contract import Array, Generators, NetworkParameters, Parameters
from caviar.model.network import Network
from caviar.model.parameters import each


def flat(nested: NetworkParameters) -> Parameters:
    """All arrays of a network in one dict, as `layer.name`."""
    return {
        f"{layer}.{key}": value for layer, arrays in nested.items() for key, value in arrays.items()
    }


def nested(flat: Parameters, layers: Iterable[str]) -> NetworkParameters:
    """The inverse of `flat`; every layer has an entry."""
    parameters: NetworkParameters = {layer: {} for layer in layers}
    for name, value in flat.items():
        layer, _, key = name.partition(".")
        parameters[layer][key] = value
    return parameters


class FlatNetwork(NamedTuple):
    """A network that takes its parameters and gives their gradients as a layer does."""

    network: Network

    def forward(self, parameters: Parameters, x: Array, generators: Generators) -> Any:
        return self.network.forward(self._nested(parameters), x, generators)

    def backward(self, parameters: Parameters, tape: Any, dy: Array) -> tuple[Array, Parameters]:
        dx, gradients = self.network.backward(self._nested(parameters), tape, dy)
        return dx, flat(gradients)

    def _nested(self, parameters: Parameters) -> NetworkParameters:
        return nested(parameters, dict(self.network.layers))


def of_replica(parameters: NetworkParameters, r: int) -> NetworkParameters:
    """The arrays of one replica, as a stack of one."""
    return each(lambda array: array[r : r + 1], parameters)
