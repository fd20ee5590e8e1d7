"""What the tests of the model share: random arrays, gradient checks and small training runs."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, Literal, TypeVar

import numpy as np
from numpy.typing import DTypeLike

from caviar.model.averages.bank import RunningStatistics
from caviar.model.averages.conventions import CONVENTIONS, trackers
from caviar.model.contract import (
    Array,
    Generators,
    Layer,
    Moments,
    NetworkParameters,
    NormTape,
    Parameters,
)
from caviar.model.identities.check import Invariants
from caviar.model.layers import Dense, Relu
from caviar.model.network import Network, mlp
from caviar.model.norms.batch_norm import BatchNorm
from caviar.model.norms.layer_norm import LayerNorm
from caviar.model.norms.norm import Norm
from caviar.model.norms.registry import NORMS
from caviar.model.parameters import each, joined
from caviar.model.records import Record
from caviar.model.steps.examples import Examples
from caviar.model.steps.loss import mean_cross_entropy_gradient
from caviar.model.steps.optimizers import Sgd
from caviar.model.steps.proof import check_step
from caviar.model.steps.random_streams import streams
from caviar.model.steps.schedules import constant
from caviar.model.steps.setup import Probes, Splits, Training
from caviar.model.train import train
from caviar.runner.fields.trial import TrialFields
from tests.model.nested import FlatNetwork, flat, nested

R = TypeVar("R")

ALL_TRACKERS = trackers(tuple(CONVENTIONS.values()), (0.5, 0.9))


def normal(seed: int, *shape: int) -> Array:
    return np.random.default_rng(seed).standard_normal(shape)


def generators(replicas: int, seed: int = 0) -> Generators:
    return tuple(np.random.default_rng([seed, r]) for r in range(replicas))


def relative_error(a: float, b: float) -> float:
    return abs(a - b) / max(abs(a), abs(b))


def slope(f: Callable[[Array], float], x: Array, direction: Array) -> float:
    """Derivative of `f` at `x` along `direction` by a central difference."""
    step = 1e-5
    return (f(x + step * direction) - f(x - step * direction)) / (2 * step)


def gradient_errors(
    layer: Layer | FlatNetwork, parameters: Parameters, x: Array, seed: int = 0
) -> dict[str, float]:
    """Relative error of `backward` by the input and by each parameter, along random directions.

    The upstream gradient is random; the generators are made anew for every evaluation, so that
    dropout draws the same masks.
    """
    replicas = x.shape[0]
    y, tape = layer.forward(parameters, x, generators(replicas, seed))
    dy = normal(1000 + seed, *y.shape)
    dx, gradients = layer.backward(parameters, tape, dy)
    assert gradients.keys() == parameters.keys()

    def loss(name: str, value: Array) -> float:
        arguments = {"x": x, **parameters, name: value}
        named = {k: arguments[k] for k in parameters}
        return float(
            np.sum(dy * layer.forward(named, arguments["x"], generators(replicas, seed))[0])
        )

    errors = {}
    for i, (name, gradient) in enumerate({"x": dx, **gradients}.items()):
        value = x if name == "x" else parameters[name]
        assert gradient.shape == value.shape
        direction = normal(2000 + seed + i, *value.shape)
        numeric = slope(partial(loss, name), value, direction)
        errors[name] = relative_error(float(np.sum(gradient * direction)), numeric)
    return errors


def randomised(parameters: Parameters, seed: int) -> Parameters:
    """The parameters moved off their starting values, where gains are 1 and biases 0."""
    return {
        k: v + 0.5 * normal(seed + i, *v.shape).astype(v.dtype)
        for i, (k, v) in enumerate(parameters.items())
    }


def randomised_network(parameters: NetworkParameters, seed: int) -> NetworkParameters:
    """The parameters of a whole network, moved in the same way."""
    return nested(randomised(flat(parameters), seed), parameters)


NormName = Literal["batch", "layer", "none"]


def small_mlp(
    norm: NormName | Norm = "batch", norm_batch_size: int = 8, epsilon: float = 1e-5, **changes: Any
) -> Network:
    norms: dict[str, Norm | None] = {
        "batch": Norm(BatchNorm(norm_batch_size, epsilon)),
        "layer": Norm(LayerNorm(epsilon)),
        "none": None,
    }
    settings: dict[str, Any] = {
        "hidden": (6, 5),
        "classes": 3,
        "norm": norms[norm] if isinstance(norm, str) else norm,
        "activation": "relu",
        "dropout": 0.0,
    }
    return mlp(**(settings | changes))


def examples(
    features: Array, labels: Array, index: Array, dtype: DTypeLike = np.float64
) -> Examples:
    """Rows `index` unchanged, with the `labels` of all: nothing is centred or scaled."""
    shape = (index.shape[0], 1, features.shape[1])
    return Examples(features, labels[index], index, np.zeros(shape), np.ones(shape), dtype)


def alike(data: Examples, count: int) -> Examples:
    """The examples of the first replica, `count` times."""
    return data.of_replicas(np.zeros(count, int))


def copies(parameters: NetworkParameters, count: int) -> NetworkParameters:
    """The first replica, `count` times: a stack is quicker than a loop."""
    return each(lambda values: np.repeat(values[:1], count, axis=0), parameters)


def random_examples(
    count: int, replicas: int = 1, *, features: int = 4, classes: int = 3, seed: int = 0
) -> Examples:
    """`count` random rows per replica, each in its own order."""
    rng = np.random.default_rng(seed)
    x = rng.gamma(2.0, size=(count, features)) + rng.standard_normal(features)
    index = np.stack([rng.permutation(count) for _ in range(replicas)])
    return examples(x, rng.integers(0, classes, count), index)


def small_splits(
    replicas: int,
    dtype: DTypeLike = np.float64,
    sizes: tuple[int, int, int] = (48, 21, 20),
    seed: int = 0,
) -> Splits:
    """Three learnable classes, split and standardised anew for each replica."""
    rng = np.random.default_rng(seed)
    count = sum(sizes)
    labels = rng.integers(0, 3, count)
    x = 3 * rng.standard_normal((3, 4))[labels] + rng.standard_normal((count, 4)) + 2
    rows = np.stack([rng.permutation(count) for _ in range(replicas)])
    train, validation, test = np.split(rows, np.cumsum(sizes)[:2], axis=1)
    centre = x[train].mean(axis=1, keepdims=True).astype(dtype)
    scale = (1 / x[train].std(axis=1, keepdims=True)).astype(dtype)
    return Splits(
        *(Examples(x, labels[i], i, centre, scale, dtype) for i in (train, validation, test))
    )


def only(splits: Splits, replica: int) -> Splits:
    """The splits of one replica alone."""
    return Splits(
        splits.train.replica(replica),
        splits.validation.replica(replica),
        splits.test.replica(replica),
    )


def small_training(**changes: Any) -> Training:
    settings: dict[str, Any] = {
        "network": small_mlp(),
        "optimizer": Sgd(),
        "schedule": constant,
        "running": RunningStatistics(ALL_TRACKERS),
        "seeds": (0, 1),
        "steps": 9,
        "batch_size": 16,
        "norm_batch_size": 8,
        "epsilon": 1e-5,
        "learning_rate": 0.1,
        "curve_steps": frozenset({1, 2, 5, 9}),
        "probes": small_probes(),
    }
    return Training(**(settings | changes))


def small_probes(**changes: Any) -> Probes:
    settings: dict[str, Any] = {
        "evaluation_steps": frozenset({4, 9}),
        "probe_steps": frozenset({4, 9}),
        "sizes": (4, 16),
        "examples": 48,
        "gradient_batches": 3,
    }
    return Probes(**(settings | changes))


def records_of(kind: type[R], training: Training, splits: Splits) -> list[R]:
    """All records of one kind from a whole run."""
    return [r for r in train(training, splits) if isinstance(r, kind)]


def run(training: Training, splits: Splits) -> list[Record]:
    return list(train(training, splits))


def initial(
    network: Network, features: int, seeds: tuple[int, ...], dtype: DTypeLike = np.float64
) -> NetworkParameters:
    return network.init(streams(seeds, "weights"), features, dtype)[0]


DEAD = 3
"""A unit of the first layer whose weights are 0."""


def two_norms(layer: Layer, bias: bool = False) -> Network:
    """A network with the layer in two places, each behind a dense layer."""
    return Network(
        (
            ("dense1", Dense(8, bias=bias)),
            ("norm1", layer),
            ("relu1", Relu()),
            ("dense2", Dense(6, bias=False)),
            ("norm2", layer),
            ("dense3", Dense(3)),
        )
    )


def with_moved_references(
    network: Network, parameters: NetworkParameters, seed: int
) -> NetworkParameters:
    """The parameters with references as after many steps, near the statistics of a batch."""
    start = network.references(parameters)
    return joined(parameters, nested(moved_state(flat(start), seed, 100), start))


def moved_state(start: Parameters, seed: int, updates: int) -> Parameters:
    """What norms carry after some updates: random means, positive deviations and variances."""
    moved = randomised(start, seed)
    moves: dict[str, Callable[[str], Array]] = {
        "mean": lambda key: moved[key],
        "deviation": lambda key: np.abs(moved[key]) + start[key].dtype.type(0.5),
        "variance": lambda key: np.abs(moved[key]) + start[key].dtype.type(0.5),
        "updates": lambda key: np.full_like(start[key], updates),
    }
    return {key: moves[key.rpartition("_")[2]](key) for key in start}


def built(norm: str, **settings: Any) -> Norm | None:
    """The layer of that name in the registry, with the defaults of a study."""
    defaults = {name: field.default for name, field in TrialFields.model_fields.items()}
    return NORMS[norm].build(defaults | {"epsilon": 1e-5, "steps": 16} | settings)


def checked(
    network: Network, x: Array, seed: int = 0, dead: tuple[int, ...] = (DEAD,)
) -> Invariants:
    """The invariants of one step; by default one unit of the first layer is dead."""
    parameters, _ = network.init(generators(len(x), seed), x.shape[2], x.dtype)
    parameters = randomised_network(parameters, seed)
    parameters["dense1"]["weight"][:, :, list(dead)] = 0
    parameters = with_moved_references(network, parameters, seed)
    logits, tape = network.forward(parameters, x, generators(len(x), seed + 1))
    labels = np.random.default_rng(seed).integers(0, 3, x.shape[:2])
    upstream = mean_cross_entropy_gradient(logits, labels).astype(x.dtype)
    invariants = check_step(network, parameters, tape, upstream)
    assert invariants is not None
    return invariants


def moments(tape: NormTape) -> Moments:
    """The batch statistics by which a norm normalised."""
    assert tape.moments is not None
    return tape.moments
