"""The training loop on compiled kernels: the records of `model/train.py`, many steps per call."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

from caviar.model.averages.bank import Propagated
from caviar.model.contract import Array
from caviar.model.kernels.averages import Watched
from caviar.model.kernels.feed import Feed, whole_epoch
from caviar.model.kernels.measuring.passes import measured
from caviar.model.kernels.proof import proof
from caviar.model.kernels.stack import Advanced, Stack, ghost_of
from caviar.model.records import Curve, Probing, Record
from caviar.model.steps.setup import Splits, Training
from caviar.model.steps.snapshot import Drawing, Snapshot, beginning
from caviar.model.train import Norms, curve, never, stacked

WORK = 2e9
"""Most multiply-adds of a call, some 30 ms: so often a snapshot can be asked for."""

MOMENTS = 2**21
"""Most numbers that the moments of a call's ghosts take."""


def train(
    training: Training,
    splits: Splits,
    start: Snapshot | None = None,
    wanted: Callable[[], bool] = never,
    until: int | None = None,
) -> Iterator[Record]:
    """Train one network per seed side by side, and yield what `caviar.model.train.train` yields.

    Numbers differ from those in their last digits. A snapshot can follow only after a call, so
    `wanted` is asked less often. The training must have a kernel (`without_kernel`).
    """
    first = start or beginning(training, splits.train.features.shape[1], splits.train.dtype)
    drawing = Drawing(first.streams)
    state, losses = first.state, list(first.losses)
    if start is None:
        yield from proof(training, splits.train, state.parameters)
    stack = Stack(training, splits.train, state.parameters)
    stack.start(state)
    feed = Feed(training, splits.train, drawing, state.step)
    step, watched = state.step, Watched(state.bank, state.shadow, _expected(stack, drawing))
    for count in _calls(training, stack, step, until or training.steps):
        due = np.array([t in training.curve_steps for t in range(step + 1, step + count + 1)])
        rates = [training.rate_after(t) for t in range(step, step + count)]
        done = stack.advance(feed.take(count), rates, due, drawing.of("noise"))
        watched = watched.after(training.running, done.moments, ghost_of(training))
        if training.probes.shadow:
            drawing.mark("shadow")
            watched = watched._replace(expected=_expected(stack, drawing))
        yield from _curves(training, splits, step, losses, done)
        step += count
        if step % feed.per_epoch == 0:
            drawing.mark("order")
        if step in training.probes.evaluation_steps:
            yield Probing(step)
            state = stack.state(watched)
            yield from measured(training, splits, state, drawing.of("probe"))
        if step == until or (step < training.steps and wanted()):
            state = stack.state(watched._replace(expected=None))
            yield Snapshot(state, stacked(training, losses), drawing.at_rest())


def _curves(
    training: Training, splits: Splits, step: int, losses: list[Array], done: Advanced
) -> Iterator[Curve]:
    """The curve records of steps after `step`; `losses` keeps those that no record covers."""
    for t, (loss, squares) in enumerate(zip(done.losses, done.squares, strict=True), step + 1):
        losses.append(loss)
        if t in training.curve_steps:
            yield curve(training, splits, t, losses, Norms(*np.sqrt(squares.T)))
            losses.clear()


def _expected(stack: Stack, drawing: Drawing) -> Propagated | None:
    """The statistics expected at the present weights, if a shadow is kept."""
    if not (stack.training.probes.shadow and stack.training.network.norm_layers):
        return None
    shadow = drawing.of("shadow")
    return stack.observed(whole_epoch(stack.training, stack.examples, shadow), shadow)


def _calls(training: Training, stack: Stack, step: int, last: int) -> Iterator[int]:
    """How many steps each call takes up to the `last`: to the next measurement, and not for too
    long; one, where a shadow follows each."""
    sizes = stack.sizes
    weights = sum(v.size for by_name in stack.views.values() for v in by_name.values())
    work = 3 * weights * sizes.examples
    moments = 2 * sizes.kept * sizes.features * len(training.seeds)
    most = max(1, min(int(WORK / work), MOMENTS // moments))
    if training.probes.shadow:
        most = 1
    stops = sorted({*(s for s in training.probes.evaluation_steps if s < last), last})
    for stop in stops:
        while step < stop:
            count = min(most, stop - step)
            yield count
            step += count
