"""The claims of the lesson on batch norm: each is told with the numbers that show it, or denied.

A claim is None until the readings that decide it are there.
"""

from __future__ import annotations

from math import isfinite, log
from typing import NamedTuple

import numpy as np

from caviar.analysis.number_format import number
from caviar.runner.cli.panda.screen.lesson.measured import (
    Point,
    at_or_before,
    both,
    edit_of,
    first_after,
    last,
    mean_over_layers,
    paired,
)
from caviar.runner.cli.panda.screen.words import difference
from caviar.runner.panda.view import View

WAIT = 40
"""Steps after an edit until its effect is told."""

CLASSES = 10
"""Of the digits."""

TRAIN_EXAMPLES = 1024

CLOSE = 1.5
"""Measured and predicted noise may differ by this factor: few batches are drawn, and layers are
not normal."""

TRAIN = "loss train population"
MODE = "loss train train-mode"
VALIDATION = "loss validation population"
RUNNING = "loss validation running"


class Claim(NamedTuple):
    """Whether the numbers show it, and the numbers."""

    holds: bool
    says: str


def _raised(view: View) -> tuple[Point, Point, str] | None:
    """The train loss before the rate was raised and `WAIT` steps later or more, and the rate."""
    edit = edit_of(view, "learning_rate")
    if edit is None:
        return None
    before = at_or_before(view, view.current, TRAIN, edit.born)
    after = last(view, view.current, TRAIN)
    if before is None or after is None or after.step < min(edit.born + WAIT, view.steps):
        return None
    return before, after, edit.change.rpartition("= ")[2]


def trains_on(view: View) -> Claim | None:
    """With batch norm a high rate goes on lowering the train loss, in every seed."""
    read = _raised(view)
    if read is None:
        return None
    before, after, rate = read
    finite = int(np.isfinite(after.values).sum())
    fell = finite == len(view.seeds) and after.mean < before.mean
    return Claim(
        fell,
        f"with batch norm, {after.step - before.step} steps at a rate of {rate} took the train "
        f"loss from {number(before.mean)} to {number(after.mean)}; {finite} of {len(view.seeds)} "
        "seeds are finite.",
    )


def falls_apart(view: View) -> Claim | None:
    """Without batch norm the same rate loses what was learned, in every seed: they guess or
    diverge."""
    read = _raised(view)
    if read is None:
        return None
    before, after, rate = read
    guessing = log(CLASSES)
    lost = int((~(after.values < 0.9 * guessing)).sum())
    now = "infinity" if not isfinite(after.mean) else number(after.mean)
    return Claim(
        lost == len(view.seeds),
        f"without batch norm, {after.step - before.step} steps at a rate of {rate} took the train "
        f"loss from {number(before.mean)} to {now}; {lost} of {len(view.seeds)} seeds do no better "
        f"than guessing ({number(guessing)}).",
    )


def noise_law(batch: int) -> float:
    """Variance of the mean of a batch drawn without replacement, over the variance of one
    example: (1/m)(N - m)/(N - 1)."""
    return (TRAIN_EXAMPLES - batch) / (TRAIN_EXAMPLES - 1) / batch


def is_noisier(view: View) -> Claim | None:
    """Batches of 4 have means as noisy as the law of sampling says, and so have those of 256."""
    edit = edit_of(view, "norm_batch_size")
    if edit is None or first_after(view, view.current, MODE, edit.born) is None:
        return None
    panda = mean_over_layers(view, view.current, "batch_noise")
    twin = mean_over_layers(view, 0, "batch_noise")
    small = int(edit.change.rpartition("= ")[2])
    laws = noise_law(small), noise_law(256)
    close = all(
        law / CLOSE < value < law * CLOSE for law, value in zip(laws, (panda, twin), strict=True)
    )
    return Claim(
        close,
        f"the batch means' variance is {number(panda)} of the examples' at m = {small} and "
        f"{number(twin)} at 256; sampling alone makes it {number(laws[0])} and "
        f"{number(laws[1])}.",
    )


def fits_worse(view: View) -> Claim | None:
    """Noise makes the training examples harder to fit: the train-mode loss is above the twin's."""
    edit = edit_of(view, "norm_batch_size")
    pair = both(view, MODE)
    if edit is None or pair is None or pair[0].step < min(edit.born + WAIT, view.steps):
        return None
    interval = paired(*pair)
    return Claim(
        interval.low > 0,
        f"at step {pair[0].step:,} the train-mode loss is {number(pair[0].mean)} against the "
        f"twin's {number(pair[1].mean)}: {difference(interval, 'loss')}.",
    )


def generalises(view: View) -> Claim | None:
    """At the end, noise in training has lowered the validation loss under exact statistics."""
    pair = both(view, VALIDATION)
    if edit_of(view, "norm_batch_size") is None or pair is None or pair[0].step < view.steps:
        return None
    interval = paired(*pair)
    return Claim(
        interval.high < 0,
        f"at the end the validation loss under population statistics is {number(pair[0].mean)} "
        f"against the twin's {number(pair[1].mean)}: {difference(interval, 'loss')}.",
    )


def lags(view: View) -> Claim | None:
    """A long memory lags behind the weights: validation suffers under its statistics alone."""
    edit = edit_of(view, "decay")
    running = last(view, view.current, RUNNING)
    if edit is None or running is None or running.step < min(edit.born + WAIT, view.steps):
        return None
    exact = at_or_before(view, view.current, VALIDATION, running.step)
    if exact is None or exact.step != running.step:
        return None
    interval = paired(running, exact)
    panda = mean_over_layers(view, view.current, "mean_error")
    twin = mean_over_layers(view, 0, "mean_error")
    return Claim(
        interval.low > 0 and panda > twin,
        f"running means are off by {number(panda)} (twin: {number(twin)}), which costs "
        f"{difference(interval, 'loss')} of validation loss.",
    )


def is_cured(view: View) -> Claim | None:
    """Recomputed statistics have nothing to catch up with: what the lag cost is gone."""
    edit = edit_of(view, "recompute")
    if edit is None:
        return None
    gaps = []
    for find, lineage in ((at_or_before, edit.parent), (first_after, view.current)):
        running, exact = (find(view, lineage, name, edit.born) for name in (RUNNING, VALIDATION))
        if running is None or exact is None or running.step != exact.step:
            return None
        gaps.append((running.step, running.values - exact.values))
    (first, before), (second, after) = gaps
    lost, left = (paired(Point(0, gap), Point(0, np.zeros_like(gap))) for gap in (before, after))
    gain = paired(Point(0, after), Point(0, before))
    return Claim(
        gain.high < 0,
        f"the lag cost {difference(lost, 'loss')} of validation loss at step {first:,}; now, at "
        f"step {second:,}, {difference(left, 'loss')}.",
    )
