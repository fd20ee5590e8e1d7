"""The rows of many steps at once: those that `steps/gradient.py` feeds one by one."""

from __future__ import annotations

import numpy as np

from caviar.model.contract import Array, Generators
from caviar.model.steps.examples import Examples
from caviar.model.steps.random_streams import company
from caviar.model.steps.setup import Training
from caviar.model.steps.snapshot import Drawing


class Feed:
    """Draws the order of each epoch when its first step comes, as training step by step does."""

    def __init__(self, training: Training, examples: Examples, drawing: Drawing, done: int) -> None:
        self.training, self.examples, self.drawing = training, examples, drawing
        self.per_epoch = training.steps_per_epoch(examples)
        self.done = done
        self.order = self._epoch() if done % self.per_epoch else np.empty((0, 0), np.int64)

    def take(self, steps: int) -> Array:
        """Rows of the training split as a forward pass takes them, `(replicas, steps, examples)`:
        those with a loss, arranged in ghosts, then their company."""
        size, parts = self.training.batch_size, []
        left = steps
        while left:
            first = self.done % self.per_epoch
            if not first:
                self.order = self._epoch()
            count = min(left, self.per_epoch - first)
            parts.append(self.order[:, first * size : (first + count) * size])
            self.done, left = self.done + count, left - count
        scored = np.concatenate(parts, axis=1).reshape(len(self.order), steps, size)
        arranged = _arranged(self.training, self.examples, scored)
        return np.concatenate([arranged, self._company(scored)], axis=2)

    def _epoch(self) -> Array:
        generators = self.drawing.of("order")
        self.drawing.mark("order")
        return np.stack([g.permutation(len(self.examples)) for g in generators])

    def _company(self, scored: Array) -> Array:
        count, others = self.training.company, self.drawing.of("company")
        if not count:
            return scored[:, :, :0]
        each = [
            company(others, scored[:, t], len(self.examples), count) for t in range(scored.shape[1])
        ]
        return np.stack(each, axis=1)


def whole_epoch(training: Training, examples: Examples, generators: Generators) -> Array:
    """The rows of one random epoch in forward passes, `(replicas, passes, examples)`, as
    `propagated` takes them: without those beyond the last whole one."""
    each = training.batch_size + training.company
    order = np.stack([g.permutation(len(examples)) for g in generators])
    passes = len(examples) // each
    rows = order[:, : passes * each].reshape(len(order), passes, each)
    scored, others = np.split(rows, [training.batch_size], axis=2)
    return np.concatenate([_arranged(training, examples, scored), others], axis=2)


def _arranged(training: Training, examples: Examples, scored: Array) -> Array:
    """Rows with a loss, `(replicas, passes, examples)`, arranged in ghosts."""
    size = scored.shape[-1]
    flat = scored.reshape(len(scored), -1)
    labels = examples.labels_of(flat).reshape(-1, size)
    return training.arrangement(scored.reshape(-1, size), labels).reshape(scored.shape)
