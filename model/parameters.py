"""Arrays of a whole network: layer, then name."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from caviar.model.contract import Array, NetworkParameters


def each(function: Callable[..., Array], *nested: NetworkParameters) -> NetworkParameters:
    """`function` of the arrays that share layer and name in all of `nested`, as the first is."""
    first, *others = nested
    return {
        layer: {
            name: function(array, *(other[layer][name] for other in others))
            for name, array in own.items()
        }
        for layer, own in first.items()
    }


def arrays(nested: NetworkParameters) -> Iterator[Array]:
    """All arrays, layer by layer."""
    return (array for own in nested.values() for array in own.values())


def joined(parameters: NetworkParameters, references: NetworkParameters) -> NetworkParameters:
    """What a forward pass takes: every layer's parameters with what that layer carries."""
    return {layer: own | references.get(layer, {}) for layer, own in parameters.items()}
