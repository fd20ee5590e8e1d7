"""Training steps a layer at a time, for all replicas at once.

Batch norm without more takes many steps in one compiled call (`kernels/steps.py`). All else takes
them here: products, losses and updates are compiled parts that every arm shares, and between them
come a norm's own kernel and what it draws.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from caviar.model.contract import Array, Generators, NetworkParameters, Parameters
from caviar.model.kernels.by_layer.adam import AdamFactors, AdamRate, descend_by_adam
from caviar.model.kernels.by_layer.dropped import dropped, widened
from caviar.model.kernels.by_layer.hidden import Hidden
from caviar.model.kernels.by_layer.norm_kernel import NormKernel, Site
from caviar.model.kernels.by_layer.parts import (
    bias_of,
    dense,
    descend,
    losses_of,
    slope_below,
    take_examples,
)
from caviar.model.kernels.by_layer.registry import KERNELS
from caviar.model.kernels.steps import Factors, Rate, Sizes
from caviar.model.norms.standardise import plain_tape


class Passed(NamedTuple):
    """A hidden layer after a forward pass: what its backward pass needs besides the stack, and the
    draws of its dropout, `(replicas, examples, features)`."""

    hidden: Hidden
    site: Site
    kept: Any
    draws: Array | None

    @property
    def kernel(self) -> NormKernel:
        return KERNELS[type(self.hidden.normaliser)]


class Batches(NamedTuple):
    """Passes over shared data: `rows` is `(replicas, passes, examples)`, `centre` and `scale`
    `(replicas, features)`."""

    features: Array
    rows: Array
    centre: Array
    scale: Array


class Measured(NamedTuple):
    """What steps write: losses `(steps, replicas)`, squares `(steps, replicas, 2)`, and moments
    `(replicas, steps x ghosts x 2 x features)`."""

    losses: Array
    squares: Array
    moments: Array


@dataclass(frozen=True)
class ByLayer:
    """The layers of a stack: its hidden ones, the table of all, and the arrays of all replicas.

    `parameters` are views of the arrays.
    """

    hidden: list[Hidden]
    layers: Array
    sizes: Sizes
    arrays: Array
    parameters: NetworkParameters

    def passed(self, references: NetworkParameters, moments: Array, moment: int) -> list[Passed]:
        """The hidden layers whose moments lie in `moments` from `moment` on, before a pass."""
        return [
            Passed(
                hidden,
                Site(
                    hidden.normaliser, self.arrays, self.layers[i], self.layers[i + 1],
                    self.sizes, _of_norm(hidden, self.parameters) | _of_norm(hidden, references),
                    moments, moment,
                ),
                None,
                None,
            )
            for i, hidden in enumerate(self.hidden)
        ]  # fmt: skip

    def forward(
        self, batches: Batches, t: int, passed: list[Passed], random: Generators
    ) -> list[Passed]:
        """The hidden layers, from the examples of pass `t` up to what the last layer takes."""
        features, rows, centre, scale = batches
        take_examples(self.arrays, self.layers[0], features, rows[:, t], centre, scale)
        after = []
        for one in passed:
            dense(self.arrays, one.site.layer, self.sizes)
            kept, draws = one.kernel.forward(one.site, random), None
            if one.hidden.dropout is not None:
                draws = dropped(one.site, one.hidden.dropout, random)
            after.append(one._replace(kept=kept, draws=draws))
        return after

    def backward(self, passed: list[Passed], factors: Any, rate: Any, squares: Array) -> None:
        """From the gradient by the logits down: every layer's gradient, and its step."""
        last = len(passed)
        for i in range(last, -1, -1):
            layer = self.layers[i]
            if i < last:
                hidden, site, kept, _ = passed[i]
                if hidden.dropout is not None:
                    widened(site, hidden.dropout)
                passed[i].kernel.backward(site, kept)
            if i > 0:
                slope_below(self.arrays, layer, self.layers[i - 1], self.sizes)
            step = descend_by_adam if isinstance(factors, AdamFactors) else descend
            step(self.arrays, layer, bias_of(layer), i < last, self.sizes, factors, rate, squares)

    @np.errstate(all="ignore")
    def advance(
        self,
        batches: Batches,
        labels: Array,
        factors: Factors | AdamFactors,
        rates: list[Rate] | list[AdamRate],
        references: NetworkParameters,
        written: Measured,
        random: Generators,
    ) -> tuple[NetworkParameters, list[Passed]]:
        """One step for each rate: what norms carry after them, and the last step's passes."""
        row = self._row
        for t, rate in enumerate(rates):
            before = self.passed(references, written.moments, t * row)
            passed = self.forward(batches, t, before, random)
            top = self.layers[-1]
            dense(self.arrays, top, self.sizes)
            losses_of(self.arrays, top, labels[:, t], self.sizes, written.losses[t])
            self.backward(passed, factors, rate, written.squares[t])
            references = dict(_carried(one, references) for one in passed if one.hidden.norm)
        return references, passed

    @np.errstate(all="ignore")
    def observe(
        self, batches: Batches, references: NetworkParameters, moments: Array, random: Generators
    ) -> None:
        """Passes without a step; `moments` as in `advance`."""
        for t in range(batches.rows.shape[1]):
            self.forward(batches, t, self.passed(references, moments, t * self._row), random)

    @property
    def _row(self) -> int:
        """How many numbers the moments of one pass take."""
        return self.sizes.kept * 2 * self.sizes.features


def _carried(one: Passed, references: NetworkParameters) -> tuple[str, Parameters]:
    """A norm's name, and what it carries after a step."""
    name, norm = one.hidden.names.norm, one.hidden.norm
    assert norm is not None
    tape = plain_tape(one.site.x_hat, one.site.x_hat, one.site.ghost_moments)
    return name, norm.follow(references[name], tape)


def _of_norm(hidden: Hidden, parameters: NetworkParameters) -> Parameters:
    return parameters.get(hidden.names.norm, {})
