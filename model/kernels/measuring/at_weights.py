"""Evaluations at frozen weights on kernels, which share what several of them need.

What the first dense layer makes of a split is the same for every kind of statistics and every
order of its examples, so it is kept where it is small. Population statistics, and those of
EvalNorm, come layer by layer from a pass that ends at the losses under them: these are kept too.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from caviar.model.contract import Array, Generators, Moments
from caviar.model.kernels.by_layer.hidden import Hidden, hidden_layers
from caviar.model.kernels.measuring.batch_noise import batch_noise
from caviar.model.kernels.measuring.scoring import scored
from caviar.model.kernels.measuring.workspace import Workspace
from caviar.model.measurements.batch_noise import Spread, stacked
from caviar.model.measurements.evalnorm import EvalnormStatistics
from caviar.model.measurements.losses import KEPT, AtWeights, Scores, at_once, in_groups
from caviar.model.measurements.population import Population, stacked_moments
from caviar.model.network import FixedStatistics, Network, Statistics
from caviar.model.parameters import each
from caviar.model.steps.examples import Examples

SPLITS = 2
"""Splits whose first outputs are kept: the training split, and the one evaluated last."""


class Known(NamedTuple):
    """Scores of a whole split under a kind of statistics around these moments."""

    examples: Examples
    kind: type[Statistics]
    moments: dict[str, Moments]
    scores: Scores


Chosen = Callable[[Hidden, Array, int, Moments], Statistics]
"""The statistics of a norm from its input, the replica, and the moments of that input."""


@dataclass(frozen=True)
class OnKernels(AtWeights):
    """A network of batch norms at frozen weights; `first` has first outputs by split."""

    first: list[tuple[Examples, Array]] = field(default_factory=list)
    known: list[Known] = field(default_factory=list)

    def of_replicas(self, kept: Array) -> OnKernels:
        """Some replicas, with their first outputs of the split that was kept first."""
        parameters = each(lambda array: array[kept], self.parameters)
        first = [(split.of_replicas(kept), outputs[kept]) for split, outputs in self.first[:1]]
        return OnKernels(self.network, parameters, first)

    def evaluate(
        self,
        examples: Examples,
        statistics: dict[str, Statistics],
        *,
        group: int = 1,
        order: Array | None = None,
    ) -> dict[str, Scores]:
        n = len(examples) if order is None else order.shape[1]
        rows = in_groups(examples, group, order)
        scores = {key: self._found(examples, kind, order) for key, kind in statistics.items()}
        left = {key: kind for key, kind in statistics.items() if scores[key] is None}
        loss, right = ({key: np.zeros(examples.replicas) for key in left} for _ in range(2))
        chunk = group * max(1, at_once(self.network, examples.replicas) // group)
        for start in range(0, rows.shape[1], chunk) if left else ():
            part = np.ascontiguousarray(rows[:, start : start + chunk])
            count = min(part.shape[1], n - start)
            labels = examples.labels_of(part[:, :count])
            x, places = self._first_outputs(examples, part)
            for key, kind in left.items():
                logits = self.workspace.logits(x, places, kind)[:, :count]
                losses, hits = scored(logits, labels)
                loss[key] += losses.sum(axis=1, dtype=np.float64)
                right[key] += hits
        return {
            key: Scores(loss[key] / n, right[key] / n) if known is None else known
            for key, known in scores.items()
        }

    def population(
        self, examples: Examples, sizes: tuple[int, ...], generators: Generators
    ) -> Population:
        """What `caviar.model.measurements.population.population` gives."""
        spread: dict[str, list[dict[int, Spread]]] = {name: [] for name in self.network.norm_layers}

        def chosen(hidden: Hidden, h: Array, r: int, exact: Moments) -> Statistics:
            noise = batch_noise(h, sizes, _epsilon(hidden), generators[r])
            spread[hidden.names.norm].append(noise)
            return FixedStatistics({hidden.names.norm: exact})

        moments = self._through(examples, FixedStatistics, chosen)
        return Population(moments, {name: stacked(parts) for name, parts in spread.items()})

    def evalnorm(self, examples: Examples, size: int) -> dict[str, Moments]:
        """What `evalnorm_moments` gives."""

        def chosen(hidden: Hidden, h: Array, r: int, exact: Moments) -> Statistics:
            return EvalnormStatistics({hidden.names.norm: exact}, size)

        return self._through(examples, EvalnormStatistics, chosen)

    def _through(
        self, examples: Examples, kind: type[Statistics], chosen: Chosen
    ) -> dict[str, Moments]:
        """The moments of what each norm takes in a pass of a whole split, one replica after the
        other, in which each takes the statistics that are `chosen`."""
        every: dict[str, list[Moments]] = {name: [] for name in self.network.norm_layers}
        loss, right = np.zeros(examples.replicas), np.zeros(examples.replicas)
        n, chunk, work = len(examples), at_once(self.network, 1), self.workspace
        for r in range(examples.replicas):
            x, labels = self._of_replica(examples, r), examples.labels[r : r + 1]
            for i, hidden in enumerate(hidden_layers(self.network)):
                exact = work.exact(x, i)
                every[hidden.names.norm].append(exact)
                h = np.ascontiguousarray(x.reshape(n, -1)[:, : work.features[i]])
                x = work.above(x, r, i, chosen(hidden, h, r, exact))
            logits = x.reshape(1, n, -1)[:, :, : work.bias.shape[1]] + work.bias[r]
            for start in range(0, n, chunk):
                end = start + chunk
                losses, hits = scored(logits[:, start:end], labels[:, start:end])
                loss[r] += losses.sum(dtype=np.float64)
                right[r] += hits[0]
        moments = {name: stacked_moments(parts) for name, parts in every.items()}
        self.known.append(Known(examples, kind, moments, Scores(loss / n, right / n)))
        return moments

    def _found(self, examples: Examples, kind: Statistics, order: Array | None) -> Scores | None:
        """Scores that a pass of the whole split has found already."""
        around = getattr(kind, "moments", None) or getattr(kind, "population", None)
        for one in self.known:
            if one.examples is examples and one.kind is type(kind) and one.moments is around:
                return one.scores if order is None or _is_whole(order, len(examples)) else None
        return None

    def _first_outputs(self, examples: Examples, rows: Array) -> tuple[Array, Array]:
        """First outputs of a split, and the places of `rows` among them."""
        kept = self._kept(examples)
        if kept is not None:
            return kept, rows
        return self.workspace.outputs(examples, rows), _in_order(*rows.shape)

    def _of_replica(self, examples: Examples, r: int) -> Array:
        """First outputs of a whole split for one replica."""
        kept = self._kept(examples)
        if kept is not None:
            return np.asarray(kept[r])
        one = OnKernels(self.network, each(lambda array: array[r : r + 1], self.parameters))
        outputs = one.workspace.outputs(examples.replica(r), _in_order(1, len(examples)))
        return np.asarray(outputs[0])

    def _kept(self, examples: Examples) -> Array | None:
        for split, outputs in self.first:
            if _same_inputs(split, examples):
                return outputs
        if examples.replicas * len(examples) * self.workspace.first[2] > KEPT:
            return None
        outputs = self.workspace.outputs(examples, _in_order(examples.replicas, len(examples)))
        del self.first[SPLITS - 1 :]
        self.first.append((examples, outputs))
        return outputs

    @functools.cached_property
    def workspace(self) -> Workspace:
        return Workspace.of(self.network, self.parameters)


def evaluates(network: Network) -> bool:
    """Whether `OnKernels` can evaluate a network that has a kernel: one of batch norms alone."""
    return all(
        hidden.names.norm in network.norm_layers and not hidden.dense.bias
        for hidden in hidden_layers(network)
    )


def _same_inputs(split: Examples, other: Examples) -> bool:
    """Whether both hold the same rows, standardised alike."""
    if split is other:
        return True
    pairs = ((getattr(split, n), getattr(other, n)) for n in ("index", "centre", "scale"))
    return split.features is other.features and all(np.array_equal(a, b) for a, b in pairs)


def _is_whole(order: Array, n: int) -> bool:
    """Whether each replica's rows are all of a split, each once."""
    return order.shape[1] == n and bool((np.sort(order, axis=1) == np.arange(n)).all())


def _in_order(replicas: int, count: int) -> Array:
    return np.tile(np.arange(count), (replicas, 1))


def _epsilon(hidden: Hidden) -> float:
    assert hidden.norm is not None
    return hidden.norm.normaliser.epsilon
