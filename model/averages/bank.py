"""A bank of running statistics that watch one training run and never feed back into it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np

from caviar.model.averages.conventions import SECOND, Tracker
from caviar.model.contract import Array, Moments, NetworkParameters
from caviar.model.network import FixedStatistics, Network, Statistics

GhostUpdate = Literal["first", "sequential", "average", "total"]


class Observation(NamedTuple):
    """One update's mean and biased variance, `(replicas, features)`, and how many examples."""

    mean: Array
    variance: Array
    examples: int


def _first(moments: Moments, size: int) -> list[Observation]:
    return [Observation(moments.mean[:, 0], moments.variance[:, 0], size)]


def _sequential(moments: Moments, size: int) -> list[Observation]:
    groups = range(moments.mean.shape[1])
    return [Observation(moments.mean[:, g], moments.variance[:, g], size) for g in groups]


def _average(moments: Moments, size: int) -> list[Observation]:
    return [Observation(moments.mean.mean(axis=-2), moments.variance.mean(axis=-2), size)]


def _total(moments: Moments, size: int) -> list[Observation]:
    between = moments.mean.var(axis=-2)
    variance = moments.variance.mean(axis=-2) + between
    return [Observation(moments.mean.mean(axis=-2), variance, size * moments.mean.shape[-2])]


def _every(moments: Moments, size: int) -> list[Observation]:
    return [Observation(moments.mean, moments.variance, size)]


GHOST_UPDATES: dict[GhostUpdate, Callable[[Moments, int], list[Observation]]] = {
    "first": _first,
    "sequential": _sequential,
    "average": _average,
    "total": _total,
}
"""What running averages take from a step's ghost batches, given moments and norm batch size.

`first`: one update with the first ghost, as on one device of data-parallel training; the
memory in steps and the examples behind an update are those of training with that mini-batch.
`sequential`: one update per ghost (Hoffer et al. 2017, released code). `average`: one update with
the mean of both statistics (Kosson et al. 2023, released code). `total`: one update with the
mean and variance of the whole batch.
"""


EXPECTED_UPDATES = GHOST_UPDATES | {"first": _every, "sequential": _every}
"""What an update takes on average over batches, where every ghost of a batch is alike."""


class Propagated(NamedTuple):
    """Batch statistics of many batches at the same weights, by layer.

    `moments` is `(replicas, batches x ghosts, features)`; each ghost holds
    `norm_batch_size` examples, and each batch holds `ghosts` ghosts.
    """

    moments: dict[str, Moments]
    norm_batch_size: int
    ghosts: int


class Averaged(NamedTuple):
    """What running averages hold, both `(trackers, replicas, ..., features)` float64.

    `second` is what the tracker's convention averages beside the mean. It need not be a variance;
    `RunningStatistics.read` turns it into one.
    """

    mean: Array
    second: Array


class Steps(NamedTuple):
    """Batch statistics of consecutive steps of one layer, `(replicas, steps, features)`.

    Each mean is over `values`: `examples`, times the positions of a convolution.
    """

    moments: Moments
    values: int
    examples: int


NEVER: dict[str, int] = {}
"""No layer's averages were begun anew."""


class BankState(NamedTuple):
    """The number of updates so far; averages `(trackers, replicas, features)` by layer.

    `begun` has the layers whose averages were begun anew, each with the number of updates before:
    rules that count updates count theirs from there.
    """

    updates: int
    averages: dict[str, Averaged]
    begun: dict[str, int] = NEVER

    def updates_of(self, layer: str) -> int:
        """The number of updates that the averages of a layer have seen."""
        return self.updates - self.begun.get(layer, 0)


@dataclass(frozen=True)
class RunningStatistics:
    """Running averages of any mix of conventions and decays, one array operation per layer.

    State is passed in and out. `epsilon` is that of the batch-norm layers watched.

    >>> rows = (caviar.CONVENTIONS["unbiased"],)
    >>> running = caviar.RunningStatistics(caviar.trackers(rows, (0.9,)))
    >>> network = caviar.mlp((16,), 3, norm=caviar.Norm(caviar.BatchNorm(8)))
    >>> parameters, _ = network.init([np.random.default_rng(0)], 4, np.float64)
    >>> state = running.init(network, parameters)
    >>> state.updates, list(state.averages)
    (0, ['norm1'])
    """

    trackers: tuple[Tracker, ...]
    ghost_update: GhostUpdate = "first"
    epsilon: float = 1e-5

    def init(self, network: Network, parameters: NetworkParameters) -> BankState:
        """Every average at the starting value of its convention."""
        gammas = {name: parameters[name]["gamma"].shape for name in network.norm_layers}
        return self.start({name: (shape[0], shape[-1]) for name, shape in gammas.items()})

    def start(self, shapes: dict[str, tuple[int, int]]) -> BankState:
        """The same for layers of `shapes`, replicas and features by layer."""
        rows = [tracker.convention for tracker in self.trackers]
        mean = _column([row.initial_mean for row in rows])
        second = _column([row.initial_second for row in rows])
        averages = {}
        for name, of_layer in shapes.items():
            shape = (len(rows), *of_layer)
            averages[name] = Averaged(
                np.broadcast_to(mean, shape).copy(), np.broadcast_to(second, shape).copy()
            )
        return BankState(0, averages)

    def update(
        self, state: BankState, moments: dict[str, Moments], norm_batch_size: int
    ) -> BankState:
        """Fold in one training step's batch statistics, by layer `(replicas, ghosts, features)`."""
        reduce = GHOST_UPDATES[self.ghost_update]
        averages = dict(state.averages)
        count = 0
        for name, batch in moments.items():
            observations = reduce(batch, norm_batch_size)
            count = len(observations)
            for update, observation in enumerate(observations, state.updates_of(name) + 1):
                stored = self._stored(observation)
                averages[name] = self._fold(averages[name], stored, observation.examples, update)
        return state._replace(updates=state.updates + count, averages=averages)

    def fold_steps(self, state: BankState, steps: dict[str, Steps]) -> BankState:
        """Fold in several steps of one update each at once, as `update` does one by one.

        All layers must have the same number of steps. The results agree with those of `update` up
        to rounding.
        """
        averages = dict(state.averages)
        count = 0
        for name, batches in steps.items():
            moments, values, examples = batches
            count = moments.mean.shape[1]
            first = state.updates_of(name) + 1
            updates = range(first, first + count)
            keeps = np.array([[t.keeps(u, examples) for u in updates] for t in self.trackers])
            keeps = keeps.reshape(len(self.trackers), count, 2)
            stored = self._stored(Observation(*moments, values))
            averages[name] = Averaged(
                _folded(averages[name].mean, stored.mean, keeps[..., 0]),
                _folded(averages[name].second, stored.second, keeps[..., 1]),
            )
        return state._replace(updates=state.updates + count, averages=averages)

    def expect(self, propagated: Propagated) -> dict[str, Averaged]:
        """What one update stores on average over many batches, `(trackers, replicas, features)`.

        They are in the units in which averages are kept; `read` turns those into variances.
        """
        expected = {}
        for name, moments in propagated.moments.items():
            stored = self._stored(self._observation(moments, propagated))
            over = tuple(range(2, stored.mean.ndim - 1))
            expected[name] = Averaged(stored.mean.mean(axis=over), stored.second.mean(axis=over))
        return expected

    def follow(self, state: BankState, propagated: Propagated) -> BankState:
        """Fold in the statistics expected at a step's weights, which have no sampling noise."""
        folds = propagated.ghosts if self.ghost_update == "sequential" else 1
        averages = dict(state.averages)
        for name, stored in self.expect(propagated).items():
            examples = self._observation(propagated.moments[name], propagated).examples
            first = state.updates_of(name) + 1
            for update in range(first, first + folds):
                averages[name] = self._fold(averages[name], stored, examples, update)
        return state._replace(updates=state.updates + folds, averages=averages)

    def _observation(self, moments: Moments, propagated: Propagated) -> Observation:
        """The observations of all batches as one, `(replicas, batches, ..., features)`."""
        replicas, groups, features = moments.mean.shape
        shape = (replicas, groups // propagated.ghosts, propagated.ghosts, features)
        batches = Moments(*(part.reshape(shape) for part in moments))
        (observation,) = EXPECTED_UPDATES[self.ghost_update](batches, propagated.norm_batch_size)
        return observation

    def _stored(self, observation: Observation) -> Averaged:
        """The mean and what each tracker averages, `(trackers, replicas, ..., features)`."""
        kinds = [t.convention.second for t in self.trackers]
        variance = observation.variance.astype(np.float64)
        batch = {
            kind: SECOND[kind].stored(variance, observation.examples, self.epsilon)
            for kind in dict.fromkeys(kinds)
        }
        shape = (len(kinds), *variance.shape)
        second = np.array([batch[kind] for kind in kinds]).reshape(shape)
        return Averaged(np.broadcast_to(observation.mean.astype(np.float64), shape), second)

    def _fold(self, average: Averaged, stored: Averaged, examples: int, update: int) -> Averaged:
        keeps = np.array([t.keeps(update, examples) for t in self.trackers]).reshape(-1, 2)
        keep_mean, keep_second = keeps[:, 0, None, None], keeps[:, 1, None, None]
        return Averaged(
            keep_mean * average.mean + (1 - keep_mean) * stored.mean,
            keep_second * average.second + (1 - keep_second) * stored.second,
        )

    def read(self, averages: dict[str, Averaged]) -> dict[str, Moments]:
        """By layer, mean and variance as evaluation uses them, `(trackers, replicas, features)`."""
        rules = [SECOND[t.convention.second].variance for t in self.trackers]
        return {
            layer: Moments(
                average.mean,
                np.array(
                    [rule(r, self.epsilon) for rule, r in zip(rules, average.second, strict=True)]
                ).reshape(average.second.shape),
            )
            for layer, average in averages.items()
        }

    def statistics(self, state: BankState) -> dict[str, Statistics]:
        """By tracker name, the statistics that evaluation normalises with."""
        read = self.read(state.averages)
        return {
            tracker.name: frozen(
                {
                    layer: Moments(m.mean[t][:, None], m.variance[t][:, None])
                    for layer, m in read.items()
                }
            )
            for t, tracker in enumerate(self.trackers)
        }


def frozen(moments: dict[str, Moments]) -> Statistics:
    """Statistics that do not depend on the batch: by layer, `(replicas, 1, features)`."""
    return FixedStatistics(moments)


def _folded(average: Array, stored: Array, keeps: Array) -> Array:
    """An average `(trackers, replicas, features)` after the steps of `stored`, whose old values
    keep the weights `keeps`, `(trackers, steps)`."""
    later = np.cumprod(keeps[:, ::-1], axis=1)[:, ::-1]
    weights = (1 - keeps) * np.append(later[:, 1:], np.ones((len(keeps), 1)), axis=1)
    folded = np.einsum("tk,trkf->trf", weights, stored)
    return np.asarray(later[:, :1, None] * average + folded)


def _column(values: list[float]) -> Array:
    return np.array(values)[:, None, None]
