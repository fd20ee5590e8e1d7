"""The lesson on batch norm: four trainings, and what is to be done and seen in each.

Their settings were chosen such that effects are large; whether they are elsewhere, a study says.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from caviar.runner.cli.panda.screen.lesson import claims
from caviar.runner.cli.panda.screen.lesson.claims import Claim
from caviar.runner.panda.view import View


@dataclass(frozen=True)
class Task:
    """One thing to do and to see. `request` is what Enter asks; it is done once the current
    lineage has an edit with the words `done`. A task without a request only waits. `reads` is how
    many steps the training goes on after the edit, so that nobody misses anything; None: to the
    end."""

    says: str
    request: str
    done: str
    claim: Callable[[View], Claim | None]
    reads: int | None = None


@dataclass(frozen=True)
class Chapter:
    """A training and its tasks. `settings` are `--set` of the lesson's study, `pace` is in steps
    per second; it pauses after `begins` steps, when the first edit is due."""

    title: str
    settings: tuple[str, ...]
    pace: float
    begins: int
    tasks: tuple[Task, ...]


STUDY = """\
name = "lesson-batch-norm"
dataset = { name = "digits", train = 1024, validation = 256 }
seed = 0
replicas = 8
budget = { epochs = 60 }
draws = { count = 1 }

[fixed]
hidden = [64, 64]
norm = "batch"
batch_size = 256
optimizer = "sgd"
schedule = "constant"
learning_rate = 0.1
"""
"""What every chapter trains, but for its settings: 4 steps per epoch, a second or two at full
speed."""

READS = 60
"""Steps after an edit, more than `claims.WAIT`."""

RAISE = "set learning_rate*=30"

CHAPTERS = (
    Chapter(
        "1 of 4: a high learning rate",
        (),
        4.0,
        80,
        (
            Task(
                "Batch norm learns digits at a rate of 0.1 and pauses after 80 steps. Then "
                "raise the rate thirtyfold. The twins keep 0.1.",
                RAISE,
                "learning_rate",
                claims.trains_on,
                READS,
            ),
        ),
    ),
    Chapter(
        "2 of 4: the same without batch norm",
        ('norm="none"',),
        4.0,
        80,
        (
            Task(
                "The same seeds and batches, but nothing is normalised. Raise the rate "
                "thirtyfold again after 80 steps.",
                RAISE,
                "learning_rate",
                claims.falls_apart,
                READS,
            ),
        ),
    ),
    Chapter(
        "3 of 4: m = 4 against 256",
        ("learning_rate=1.0", "budget={ epochs = 240 }", "replicas=16"),
        10.0,
        80,
        (
            Task(
                "All 256 examples of a batch share a mean. Let only 4 share it: it is noisier. "
                "Look at `noise` in the table of layers.",
                "set norm_batch_size=4",
                "norm_batch_size",
                claims.is_noisier,
                READS,
            ),
            Task(
                "Noise makes the training examples harder to fit: watch the train-mode loss (v "
                "plots it).",
                "",
                "norm_batch_size",
                claims.fits_worse,
            ),
            Task(
                "Does noise regularise? Wait for the end (+ trains faster). Population "
                "statistics have no noise.",
                "",
                "norm_batch_size",
                claims.generalises,
            ),
        ),
    ),
    Chapter(
        "4 of 4: the running average lags",
        ("learning_rate=1.0",),
        4.0,
        20,
        (
            Task(
                "At test time a running average stands in. With a memory of 1,000 steps it lags "
                "behind the weights: look at `mean err`.",
                "set decay=0.999",
                "decay",
                claims.lags,
                READS,
            ),
            Task(
                "The weights are fine; only the statistics are old. Recompute them from the "
                "training set.",
                "recompute",
                "recompute",
                claims.is_cured,
                READS,
            ),
        ),
    ),
)
