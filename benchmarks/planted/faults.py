"""Models with one planted fault of their batch norms, and the cause that an audit should name.

A fault is varied with the seed: momentum, batch size, how the batch is poisoned and when, how
inputs are scaled, which averages are stale.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from planted.images import Images, has_mnist, images
from planted.networks import NARROW
from planted.training import (
    Recipe,
    Trained,
    network_of,
    norms_of,
    order_of,
    running,
    train,
)
from torch import Tensor, nn

Batch = tuple[Tensor, Tensor]
State = dict[str, Tensor]


@dataclass(frozen=True)
class Planted:
    """A model to audit: its weights and buffers, what it is set to, and the data that it meets.

    The test set's inputs are `scale * x + shift`, and the training set's, too, where there is
    `no_test`. `what` says in words what was planted.
    """

    fault: str
    cause: str
    what: str
    recipe: Recipe
    momentum: float
    state: State
    scale: float = 1.0
    shift: float = 0.0
    no_test: bool = False

    def model(self, data: Images) -> nn.Module:
        """The model as its owner would hand it in, in training mode."""
        model = network_of(self.recipe, data)
        model.load_state_dict(self.state)
        for norm in norms_of(model).values():
            norm.momentum = self.momentum
        return model

    def batches(self, data: Images) -> list[Batch]:
        """One epoch of the loader that it was trained with."""
        size = self.recipe.batch_size
        rows = zip(range(len(data.y) // size), order_of(self.recipe, data), strict=False)
        scale, shift = (self.scale, self.shift) if self.no_test else (1.0, 0.0)
        return [(scale * data.x[i] + shift, data.y[i]) for _, i in rows]

    def test(self, data: Images) -> list[Batch] | None:
        """Batches of the test set."""
        x, y = self.scale * data.test_x + self.shift, data.test_y
        parts = zip(torch.split(x, 100), torch.split(y, 100), strict=True)
        return None if self.no_test else list(parts)


class Site:
    """What faults of one architecture and seed are planted in; networks are trained when asked
    for, and once."""

    def __init__(self, architecture: str, seed: int, folder: Path, steps: int | None = None):
        drawn = np.random.default_rng([seed, *architecture.encode()])
        small = (architecture in ("mlp", "cnn") and seed % 2 == 1) or not has_mnist(folder)
        optimizer, rate = (("sgd", 0.05), ("sgd", 0.1), ("adam", 3e-3))[drawn.integers(3)]
        width = int(NARROW[architecture] * drawn.choice([0.75, 1.0, 1.25]))
        self.recipe = Recipe(
            *(architecture, width, "digits" if small else "mnist", seed),
            batch_size=int(drawn.choice([24, 32, 64])),
            steps=steps or int(drawn.integers(220, 320)),
            optimizer=optimizer,
            learning_rate=rate,
            cosine=bool(drawn.integers(2)),
            dropout=float(drawn.choice([0.0, 0.0, 0.2])),
        )
        self.random = drawn
        self.images = images(self.recipe.data, seed, folder)
        self._kept: dict[Recipe, Trained] = {}

    def trained(self, **changes: object) -> Trained:
        """The network of the recipe, or of one with changes."""
        recipe = self.recipe.with_(**changes)
        if recipe not in self._kept:
            self._kept[recipe] = train(recipe, self.images)
        return self._kept[recipe]

    def fresh(self, fault: str) -> Site:
        """The site with draws of the fault's own, so that no fault depends on others."""
        recipe = self.recipe
        self.random = np.random.default_rng(
            [recipe.seed, *recipe.architecture.encode(), *fault.encode()]
        )
        return self

    @property
    def faults(self) -> tuple[str, ...]:
        """Faults that an audit must name here: in convolutions a short memory costs nothing, since
        a mean is over all positions."""
        alone = self.recipe.architecture == "mlp"
        return tuple(name for name in COUNTED if alone or name != "sampling")

    def plant(self, fault: str, cause: str, what: str, state: State, **more: object) -> Planted:
        """A planted model of this recipe; `momentum` is 0.1 unless `more` says otherwise."""
        fields = {"recipe": self.recipe, "momentum": 0.1, **more}
        return Planted(fault, cause, what, state=state, **fields)  # type: ignore[arg-type]


def healthy(site: Site) -> Planted:
    """Nothing planted: trained as usual, with a rate that falls to zero or with Adam."""
    falls = bool(site.random.integers(3))
    usual: dict[str, object] = {"cosine": True}
    if not falls:
        rate = float(site.random.choice([1e-3, 2e-3]))
        usual = {"cosine": False, "optimizer": "adam", "learning_rate": rate}
    momentum = float(site.random.choice([0.1, 0.1, 0.05])) if falls else 0.1
    recipe, trained = site.recipe.with_(**usual), site.trained(**usual)
    state = {**trained.state, **running(trained, momentum)}
    what = f"momentum {momentum}, " + ("rate falls" if falls else "Adam")
    return site.plant("none", "healthy", what, state, recipe=recipe, momentum=momentum)


def high_rate(site: Site) -> Planted:
    """SGD at a high constant rate to the last step: its statistics may lag behind its weights."""
    high = {"cosine": False, "optimizer": "sgd", "learning_rate": 0.1}
    recipe, state = site.recipe.with_(**high), site.trained(**high).state
    return site.plant("constant high rate", "lag", "SGD at 0.1", state, recipe=recipe)


def inverted_momentum(site: Site) -> Planted:
    """Keras' decay given to PyTorch as momentum."""
    momentum = float(site.random.choice([0.9, 0.99, 0.99, 0.997, 0.999]))
    trained = site.trained()
    state = {**trained.state, **running(trained, momentum)}
    what = f"momentum {momentum}"
    return site.plant("Keras' momentum", "inverted-momentum", what, state, momentum=momentum)


def start(site: Site) -> Planted:
    """A memory longer than training."""
    momentum = float(site.random.choice([0.001, 0.001, 0.002, 0.004]))
    trained = site.trained()
    state = {**trained.state, **running(trained, momentum)}
    what = f"momentum {momentum}, {site.recipe.steps} steps"
    return site.plant("memory too long", "start", what, state, momentum=momentum)


def never_updated(site: Site) -> Planted:
    """Weights trained or averaged elsewhere, buffers as they began."""
    averaged = bool(site.random.integers(2))
    trained = site.trained()
    weights = trained.averaged if averaged else trained.state
    fresh = network_of(site.recipe, site.images).state_dict()
    kept = {k: v for k, v in fresh.items() if "running" in k or "tracked" in k}
    if averaged:
        kept = {k: weights[k] if "tracked" in k else v for k, v in kept.items()}
    what = "averaged weights, buffers left" if averaged else "buffers lost"
    return site.plant("buffers never written", "never-updated", what, {**weights, **kept})


def frozen(site: Site) -> Planted:
    """Norms in eval mode while the weights learned, from the start or soon after."""
    # Signals die out in a deep plain network that no norm scaled in its first steps.
    deep = site.recipe.architecture == "depthwise"
    first = int(site.random.choice([20, 40] if deep else [0, 0, 8, 20]))
    longer = {"optimizer": "adam", "learning_rate": 3e-3, "steps": 2 * site.recipe.steps}
    recipe = site.recipe.with_(frozen_from=first, **longer)
    state = train(recipe, site.images).state
    return site.plant("frozen", "frozen", f"from step {first}", state, recipe=recipe)


def small_batch(site: Site) -> Planted:
    """Micro-batches."""
    m = int(site.random.choice([2, 3, 4, 4, 6]))
    recipe = site.recipe.with_(batch_size=m, optimizer="adam", learning_rate=2e-3, steps=1000)
    state = train(recipe, site.images).state
    return site.plant("micro-batches", "small-batch", f"m = {m}", state, recipe=recipe)


def poisoned_batch(site: Site) -> Planted:
    """One batch shortly before the end with an example, or all of them, far too large."""
    kind = str(site.random.choice(["example", "example", "noise", "batch"]))
    size = float(np.exp(site.random.uniform(np.log(40), np.log(120))))
    before = int(site.random.integers(2, 10))

    def poison(left: int, x: Tensor) -> Tensor:
        if left != before:
            return x
        if kind == "batch":
            return x * size
        first = x[:1] if kind == "example" else torch.randn(x[:1].shape)
        return torch.cat([first * size, x[1:]])

    trained = train(site.recipe, site.images, poison)
    what = f"{kind} x {size:.0f}, {before} steps before the end"
    return site.plant("one poisoned batch", "poisoned-batch", what, trained.state)


def sorted_batches(site: Site) -> Planted:
    """Batches sorted by class, in order or in blocks."""
    recipe = site.recipe.with_(order=str(site.random.choice(["sorted", "blocks"])))
    state = train(recipe, site.images).state
    return site.plant("sorted", "sorted-batches", recipe.order, state, recipe=recipe)


def other_data(site: Site) -> Planted:
    """Inputs of the test set scaled otherwise; or all that the audit gets to see."""
    scale = float(site.random.choice([0.25, 0.5, 0.5, 2.0, 3.0]))
    shift, alone = float(site.random.choice([0.0, 0.8, -1.0])), site.random.random() < 0.3
    what = f"x * {scale} + {shift}" + (", no other data given" if alone else "")
    more = {"scale": scale, "shift": shift, "no_test": bool(alone)}
    return site.plant("inputs scaled", "other-data", what, site.trained().state, **more)


def lag(site: Site) -> Planted:
    """Weights that moved after the buffers were written: averaged, quantised, trained on."""
    kind = str(site.random.choice(["averaged", "quantised", "older"]))
    changes: dict[str, object] = {}
    if kind == "averaged":
        changes = {"cosine": False, "optimizer": "sgd", "learning_rate": 0.1}
    trained = site.trained(**changes)
    state = dict(trained.state)
    if kind == "averaged":
        state |= {k: v for k, v in trained.averaged.items() if "running" not in k}
    elif kind == "quantised":
        state = {k: _quantised(v) if v.ndim > 1 else v for k, v in state.items()}
    else:
        cut = {name: kept[: len(kept) // 4] for name, kept in trained.batches.items()}
        state |= running(Trained(state, {}, cut), 0.1)
    recipe = site.recipe.with_(**changes)
    return site.plant("weights moved", "lag", kind, state, recipe=recipe)


def _quantised(weight: Tensor) -> Tensor:
    """One bit and a sign for each weight."""
    step = weight.abs().mean() * 1.5
    return torch.clamp(torch.round(weight / step), -1, 1) * step


def sampling(site: Site) -> Planted:
    """A memory of one or two batches of 10 or 12; a convolution's many positions hide it."""
    momentum = float(site.random.choice([0.7, 0.8]))
    size = int(site.random.choice([10, 12]))
    recipe = site.recipe.with_(batch_size=size, cosine=True, dropout=0.0, steps=400)
    trained = train(recipe, site.images)
    state = {**trained.state, **running(trained, momentum)}
    more = {"recipe": recipe, "momentum": momentum}
    return site.plant("short memory", "sampling", f"momentum {momentum}", state, **more)


def broken(site: Site) -> Planted:
    """Buffers that are no numbers, or a layer most of whose units are dead."""
    state = {key: value.clone() for key, value in site.trained().state.items()}
    names = [name for name in site.trained().batches]
    name = str(site.random.choice(names))
    kind = str(site.random.choice(["nan", "inf", "negative", "zeros", "dead"]))
    variance, mean = state[f"{name}.running_var"], state[f"{name}.running_mean"]
    if kind == "dead":
        before = [key for key in state if key.endswith("weight") and state[key].ndim > 1]
        weight = state[before[names.index(name)]]
        weight[: int(0.8 * len(weight))] = 0.0
        variance[: int(0.8 * len(weight))] = 1e-12
    elif kind == "zeros":
        variance.zero_()
    else:
        value = {"nan": float("nan"), "inf": float("inf"), "negative": -0.1}[kind]
        variance[0] = value
        mean[0] = value if kind == "nan" else mean[0]
    return site.plant("broken buffers", "broken", f"{kind} in {name}", state)


FAULTS: dict[str, Callable[[Site], Planted]] = {
    one.__name__: one
    for one in (
        *(healthy, high_rate, inverted_momentum, start, never_updated, frozen, small_batch),
        *(poisoned_batch, sorted_batches, other_data, lag, sampling, broken),
    )
}
"""Every fault by name: it plants itself in a site."""

COUNTED = tuple(name for name in FAULTS if name not in ("healthy", "high_rate"))
"""Faults that an audit must name; what a high rate costs hangs on luck."""
