"""The loss at the present weights, by the statistics that normalise the same examples."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from caviar.analysis.audit.evidence import Array, Difference, Moments, Reading, Readings
from caviar.runner.torch_models.measuring.population import fixed
from caviar.runner.torch_models.running.batches import Examples
from caviar.runner.torch_models.running.losses import Loss
from caviar.runner.torch_models.running.moments import TensorMoments, group_moments
from caviar.runner.torch_models.running.passes import Statistics, Subject, forward

SIZES = (4, 8, 16, 32, 64, 128, 256)
"""Batch sizes at which batch statistics are read, where there are two such batches."""

FEWEST_GROUPS, MOST_GROUPED = 8, 1024
FEWEST_CHARGED, MOST_CHARGED = 64, 1024
FEWEST_READ = 512
"""Batches and examples behind a reading at another size; examples that are charged with what one
norm holds; examples read under all others: more of them until the error is small enough."""

SHARE, NOTABLE = 0.1, 0.1
"""Small enough is this share of the difference, or of so many nats if that is more."""

Order = NDArray[np.int64]
Known = Mapping[str, Moments]


class Losses(NamedTuple):
    """By example: the loss, and 1.0 where the class is right, None without classes."""

    loss: Array
    right: Array | None

    def at(self, rows: Order) -> Losses:
        return Losses(self.loss[rows], None if self.right is None else self.right[rows])

    def reading(self) -> Reading:
        accuracy = None if self.right is None else float(self.right.mean())
        return Reading(float(self.loss.mean()), _error(self.loss), accuracy, len(self.loss))


class Scored(NamedTuple):
    """A model under audit, examples with known targets, and their loss."""

    subject: Subject
    examples: Examples
    loss: Loss

    def under(self, known: Known, rows: Order | None = None) -> Losses:
        """Losses of the examples at `rows`, all by default, under fixed statistics."""
        chosen = np.arange(self.examples.number) if rows is None else rows
        given = fixed({name: self._tensors(moments) for name, moments in known.items()})
        step = self.subject.at_once
        parts = [chosen[start : start + step] for start in range(0, len(chosen), step)]
        return _together([self._losses(part, given, len(part)) for part in parts])

    def in_batches(self, rows: Order, size: int) -> Losses:
        """Losses of the examples at `rows` in consecutive batches of `size`, by their statistics.

        A last batch that is smaller is filled with the first examples, which are not scored again.
        """
        filled = np.concatenate([rows, rows[: -len(rows) % size]])
        together = max(1, self.subject.at_once // size) if self.subject.by_row else 1
        parts = []
        for start in range(0, len(filled), together * size):
            part = filled[start : start + together * size]
            groups = _of_groups(len(part) // size)
            parts.append(self._losses(part, groups, min(len(part), len(rows) - start)))
        return _together(parts)

    def _tensors(self, moments: Moments) -> TensorMoments:
        mean, variance = torch.as_tensor(moments.mean), torch.as_tensor(moments.variance)
        return TensorMoments(mean[None], variance[None])

    def _losses(self, rows: Order, statistics: Statistics, scored: int) -> Losses:
        subject = self.subject
        part = self.examples.take(torch.as_tensor(rows, device=self.examples.device))
        output = forward(subject.model, subject.norms, part.call, statistics)
        losses, right = self.loss.scores(output, part.targets, len(rows))
        return Losses(
            losses.numpy()[:scored],
            None if right is None else right.cpu().double().numpy()[:scored],
        )


class Kinds(NamedTuple):
    """The fixed statistics under which losses are read, by norm.

    `stored` is None if a norm has none; `other` are those of a test set, None for training data.
    """

    stored: Known | None
    population: Known
    precise: Known
    other: Known | None = None


def readings(scored: Scored, kinds: Kinds, size: int, order: Order) -> Readings:
    """The readings of examples in a random `order`; `size` is that of a training batch.

    First of the first 512, then of all if the stored statistics' effect is not clear by then.
    """
    some = _read(scored, kinds, size, order[: max(FEWEST_READ, size)])
    effect = some.stored_minus_population
    if effect is None or _small_enough(effect) or len(order) <= FEWEST_READ:
        return some
    return _read(scored, kinds, size, order)


def _read(scored: Scored, kinds: Kinds, size: int, rows: Order) -> Readings:
    population = scored.under(kinds.population, rows)
    batch = scored.in_batches(rows, size)
    stored = None if kinds.stored is None else scored.under(kinds.stored, rows)
    other = None if kinds.other is None else scored.under(kinds.other, rows)
    return Readings(
        stored=None if stored is None else stored.reading(),
        population=population.reading(),
        precise=scored.under(kinds.precise, rows).reading(),
        batch=batch.reading(),
        batches={},
        stored_minus_population=None if stored is None else difference(stored, population, 1),
        batch_minus_population=difference(batch, population, size),
        charged={},
        loaded=scored.in_batches(np.arange(len(rows)), size).reading(),
        other=None if other is None else other.reading(),
        other_minus_population=None if other is None else difference(other, population, 1),
    )


def batch_sizes(scored: Scored, known: Known, size: int, order: Order) -> dict[int, Reading]:
    """Readings in batches of other sizes, in `order`, where there are two such batches."""
    population = scored.under(known, order)
    sizes = sorted(m for m in {*SIZES, size} if 2 * m <= len(order))
    return {m: _at_size(scored, population, order, m) for m in sizes}


def _at_size(scored: Scored, population: Losses, order: Order, size: int) -> Reading:
    """The reading in batches of `size`: as many as it takes, from the beginning of `order`.

    `population` are the losses under population statistics in the same order.
    """
    losses: list[Losses] = []
    fewest, most = (min(n, len(order) // size) for n in (FEWEST_GROUPS, MOST_GROUPED // size))
    groups, most = fewest, max(fewest, most)
    begun = 0
    while True:
        losses.append(scored.in_batches(order[begun * size : groups * size], size))
        whole = _together(losses)
        cost = difference(whole, population.at(np.arange(groups * size)), size)
        if groups == most or _small_enough(cost):
            return whole.reading()
        begun, groups = groups, min(2 * groups, most)


def charged(
    scored: Scored, kinds: Kinds, effect: Difference, order: Order
) -> dict[str, Difference]:
    """What the stored statistics of one norm alone add to the loss under the population's.

    Of more and more examples, until each error is small against the `effect` of all norms.
    """
    if kinds.stored is None:
        return {}
    count, most = min(FEWEST_CHARGED, len(order)), min(MOST_CHARGED, len(order))
    while True:
        rows = order[:count]
        population = scored.under(kinds.population, rows)
        charges = {
            name: difference(scored.under({**kinds.population, name: moments}, rows), population, 1)
            for name, moments in kinds.stored.items()
        }
        worst = max(charge.error for charge in charges.values())
        if not worst > SHARE * max(abs(effect.loss), NOTABLE) or count == most:
            return charges
        count = min(4 * count, most)


def _small_enough(effect: Difference) -> bool:
    return not effect.error > SHARE * max(abs(effect.loss), NOTABLE)


def difference(losses: Losses, reference: Losses, size: int) -> Difference:
    """The mean paired difference; its error counts `size` consecutive examples as one."""
    away = losses.loss - reference.loss
    whole = len(away) // size * size
    grouped = away[:whole].reshape(-1, size).mean(axis=1)
    return Difference(float(away.mean()), _error(grouped if len(grouped) > 1 else away))


def _error(values: Array) -> float:
    if len(values) < 2:
        return float("inf")
    return float(values.std(ddof=1) / np.sqrt(len(values)))


def _of_groups(groups: int) -> Statistics:
    return lambda name, x: group_moments(x, len(x) // groups)


def _together(parts: list[Losses]) -> Losses:
    loss = np.concatenate([part.loss for part in parts])
    right = [part.right for part in parts if part.right is not None]
    return Losses(loss, np.concatenate(right) if len(right) == len(parts) else None)
