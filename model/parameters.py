"""Arrays of a whole network, by layer and then by name."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from caviar.model.contract import Array, NetworkParameters


def each(function: Callable[..., Array], *nested: NetworkParameters) -> NetworkParameters:
    """Apply `function` to the arrays that share layer and name; nested as the first argument."""
    first, *others = nested
    return {
        layer: {
            name: function(array, *(other[layer][name] for other in others))
            for name, array in by_name.items()
        }
        for layer, by_name in first.items()
    }


def arrays(nested: NetworkParameters) -> Iterator[Array]:
    """All arrays, layer by layer."""
    return (array for by_name in nested.values() for array in by_name.values())


def joined(parameters: NetworkParameters, references: NetworkParameters) -> NetworkParameters:
    """What a forward pass takes: each layer's parameters and what it carries between steps."""
    return {layer: by_name | references.get(layer, {}) for layer, by_name in parameters.items()}
