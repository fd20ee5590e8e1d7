"""What a norm's kernel is, and where its numbers lie in a stack of replicas."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from caviar.model.contract import Array, Generators, Moments, NormTape, Parameters
from caviar.model.kernels import places
from caviar.model.kernels.steps import Sizes


class Site(NamedTuple):
    """A norm between two dense layers of a stack.

    `arrays` is `(replicas, numbers)`; `layer` and `above` are the rows of the table for the dense
    layers before and behind the norm. `moments` holds those of the step's ghosts, one row per
    replica, from `moment` on. `parameters` are the layer's, with what it carries between steps.
    """

    normaliser: Any
    arrays: Array
    layer: NDArray[np.int64]
    above: NDArray[np.int64]
    sizes: Sizes
    parameters: Parameters
    moments: Array
    moment: int

    @property
    def ghosts(self) -> int:
        return self.sizes.examples // self.sizes.ghost

    @property
    def padded(self) -> int:
        """Features in whole vectors."""
        return int(self.layer[places.VECTORS]) * self.sizes.lanes

    @property
    def x_hat(self) -> Array:
        """The normalised input, `(replicas, examples, features)`; a view, as are the next ones."""
        layer = self.layer
        return matrix(
            self.arrays, layer[places.OUTPUT], self.sizes.examples, layer[places.OUTPUT_ROW]
        )[:, :, : layer[places.UNITS]]

    @property
    def y(self) -> Array:
        """What the activation gives to the next layer, `(replicas, examples, features)`."""
        above = self.above
        return matrix(
            self.arrays, above[places.INPUT], self.sizes.examples, above[places.INPUT_ROW]
        )[:, :, : self.layer[places.UNITS]]

    @property
    def slope(self) -> Array:
        """The gradient by that, later by the norm's input, `(replicas, examples, features)`."""
        layer = self.layer
        return matrix(
            self.arrays, layer[places.SLOPE], self.sizes.examples, layer[places.OUTPUT_ROW]
        )[:, :, : layer[places.UNITS]]

    def inverse(self, rows: int) -> Array:
        """Inverse deviations of ghosts or of examples, `(replicas, rows, features)`."""
        whole = matrix(self.arrays, self.layer[places.INVERSE], rows, self.padded)
        return whole[:, :, : self.layer[places.UNITS]]

    @property
    def ghost_moments(self) -> Moments:
        """The statistics of every ghost, `(replicas, ghosts, features)`."""
        start = self.moment + self.layer[places.MOMENTS]
        row, ghosts = self.sizes.features, self.ghosts
        parts = self.moments[:, self.moment : self.moment + ghosts * 2 * row]
        parts = parts.reshape(len(parts), ghosts, 2, row)
        first = start - self.moment
        of_layer = parts[..., first : first + self.layer[places.UNITS]]
        return Moments(of_layer[:, :, 0], of_layer[:, :, 1])


class NormKernel(NamedTuple):
    """One kind of norm, with the ReLU behind it, for all replicas of a stack.

    `forward` takes the dense layer's output and writes x_hat in its place, then what the next layer
    takes, and the moments; it returns what `backward` needs besides, which turns the gradient by
    what the next layer took into that by the norm's input and writes those of gamma and beta.
    `tape` is that of the normaliser. `inverses` counts the rows of inverse deviations from
    examples and ghosts.
    """

    forward: Callable[[Site, Generators], Any]
    backward: Callable[[Site, Any], None]
    tape: Callable[[Site, Any], NormTape]
    inverses: Callable[[int, int], int]


def matrix(arrays: Array, start: int, rows: int, row: int) -> Array:
    """A view of one matrix of every replica, `(replicas, rows, row)`."""
    return arrays[:, start : start + rows * row].reshape(len(arrays), rows, row)


def of_ghosts(examples: int, ghosts: int) -> int:
    """One row of inverse deviations for each ghost."""
    return ghosts


def of_examples(examples: int, ghosts: int) -> int:
    """One row of inverse deviations for each example."""
    return examples
