"""A network is a sequence of named layers; `mlp` builds the standard one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, Literal

from numpy.typing import DTypeLike

from caviar.model.contract import Array, Generators, Layer, Moments, NetworkParameters, NormTape
from caviar.model.layers import Dense, Dropout, Relu, Tanh
from caviar.model.norms.norm import Norm

Statistics = Callable[[str, Array], Moments]
"""Maps the name of a batch-norm layer and its input to the moments to normalise with."""


@dataclass(frozen=True)
class FixedStatistics:
    """Statistics that do not depend on the batch: by layer, `(replicas, 1, features)`."""

    moments: dict[str, Moments]

    def __call__(self, name: str, x: Array) -> Moments:
        mean, variance = self.moments[name]
        return Moments(mean.astype(x.dtype), variance.astype(x.dtype))


Activation = Literal["relu", "tanh"]
ACTIVATIONS: dict[Activation, Layer] = {"relu": Relu(), "tanh": Tanh()}


@dataclass(frozen=True)
class Network:
    """Layers applied one after another; a layer's name is also the key of its parameters.

    >>> network = caviar.mlp((16,), 3, norm=caviar.Norm(caviar.BatchNorm(8)))
    >>> [name for name, layer in network.layers]
    ['dense1', 'norm1', 'relu1', 'dense2']
    """

    layers: tuple[tuple[str, Layer], ...]

    def init(
        self, generators: Generators, features: int, dtype: DTypeLike
    ) -> tuple[NetworkParameters, int]:
        parameters: NetworkParameters = {}
        for name, layer in self.layers:
            parameters[name], features = layer.init(generators, features, dtype)
        return parameters, features

    def forward(
        self, parameters: NetworkParameters, x: Array, generators: Generators
    ) -> tuple[Array, dict[str, Any]]:
        """Train-mode output, and the tape of each layer by the layer's name."""
        tape = {}
        for name, layer in self.layers:
            x, tape[name] = layer.forward(parameters[name], x, generators)
        return x, tape

    def backward(
        self, parameters: NetworkParameters, tape: dict[str, Any], dy: Array
    ) -> tuple[Array, NetworkParameters]:
        gradients: NetworkParameters = {}
        for name, layer in reversed(self.layers):
            dy, gradients[name] = layer.backward(parameters[name], tape[name], dy)
        return dy, gradients

    def references(self, parameters: NetworkParameters) -> NetworkParameters:
        """What norms carry from step to step besides trained parameters, before the first step."""
        return {
            name: layer.references(parameters[name]["gamma"])
            for name, layer in self.layers
            if isinstance(layer, Norm)
        }

    def follow(self, references: NetworkParameters, tape: dict[str, Any]) -> NetworkParameters:
        """What norms carry after a training step whose forward pass returned `tape`."""
        return {
            name: layer.follow(references[name], tape[name])
            for name, layer in self.layers
            if isinstance(layer, Norm)
        }

    def own_averages(self, references: NetworkParameters) -> dict[str, Moments]:
        """By layer, the averages that norms carry and are evaluated with by their authors."""
        by_layer = {n: layer.averages(references[n]) for n, layer in self.norm_layers.items()}
        return {name: moments for name, moments in by_layer.items() if moments is not None}

    def predict(self, parameters: NetworkParameters, x: Array, statistics: Statistics) -> Array:
        """Evaluation-mode output under the statistics that the caller hands in."""
        for name, layer in self.layers:
            x = layer.predict(parameters[name], x, partial(statistics, name))
        return x

    def split_at_norm(self) -> tuple[Network, Network]:
        """The layers before the first batch norm, and the rest.

        The first part does not depend on the statistics, so evaluations under several kinds of
        statistics share it. Without batch norm the second network is empty.
        """
        first_norm = next(
            (i for i, (name, _) in enumerate(self.layers) if name in self.norm_layers),
            len(self.layers),
        )
        return Network(self.layers[:first_norm]), Network(self.layers[first_norm:])

    def up_to_last_norm(self) -> Network:
        """The layers on which batch statistics and the state of generators depend.

        What stands behind the last norm is left out, as far as it draws no numbers: with many
        classes, the logits are far larger than anything before them.
        """
        ends = [
            i for i, (_, layer) in enumerate(self.layers, 1) if isinstance(layer, Norm | Dropout)
        ]
        return Network(self.layers[: max(ends, default=0)])

    @property
    def norm_layers(self) -> dict[str, Norm]:
        """The layers that normalise by batch statistics, by name, in order."""
        return {
            name: layer
            for name, layer in self.layers
            if isinstance(layer, Norm) and layer.normaliser.uses_batch_statistics
        }


def training_moments(tape: dict[str, Any]) -> dict[str, Moments]:
    """The batch statistics that a training pass used, by batch-norm layer."""
    return {
        name: part.moments
        for name, part in tape.items()
        if isinstance(part, NormTape) and part.moments is not None
    }


def no_statistics(name: str, x: Array) -> Moments:
    """The statistics of a network without batch norm: asking for them is a mistake."""
    raise LookupError(f"layer {name!r} needs batch-norm statistics and none were given")


def mlp(
    hidden: tuple[int, ...],
    classes: int,
    *,
    norm: Norm | None,
    activation: Activation = "relu",
    dropout: float = 0.0,
) -> Network:
    """Dense, norm, activation, dropout for each hidden width; then a dense layer to the classes.

    The norm comes before the activation (Ioffe & Szegedy 2015, section 3.2), and the dense layer
    in front of a norm that subtracts a batch mean has no bias. A control arm is another `norm`.

    >>> network = caviar.mlp((16,), 3, norm=caviar.Norm(caviar.BatchNorm(8)))
    >>> generators = [np.random.default_rng(seed) for seed in (0, 1)]
    >>> parameters, classes = network.init(generators, 4, np.float64)
    >>> x = np.random.default_rng(2).normal(size=(2, 32, 4))
    >>> labels = np.arange(64).reshape(2, 32) % 3
    >>> sgd = caviar.Sgd()
    >>> for step in range(200):
    ...     logits, tape = network.forward(parameters, x, generators)
    ...     dy = caviar.mean_cross_entropy_gradient(logits, labels)
    ...     _, gradients = network.backward(parameters, tape, dy)
    ...     parameters, _ = sgd.step({}, parameters, gradients, 0.2)
    >>> caviar.cross_entropy(logits, labels).mean(axis=1) < 1.0
    array([ True,  True])
    """
    layers: list[tuple[str, Layer]] = []
    bias = norm is None or not norm.normaliser.uses_batch_statistics
    for i, units in enumerate(hidden, start=1):
        layers.append((f"dense{i}", Dense(units, bias)))
        if norm is not None:
            layers.append((f"norm{i}", norm))
        layers.append((f"{activation}{i}", ACTIVATIONS[activation]))
        if dropout:
            layers.append((f"dropout{i}", Dropout(dropout)))
    layers.append((f"dense{len(hidden) + 1}", Dense(classes)))
    return Network(tuple(layers))
