"""What a training run depends on: the splits of the data and the settings."""

from __future__ import annotations

from dataclasses import dataclass

from caviar.model.averages.bank import RunningStatistics
from caviar.model.network import Network
from caviar.model.steps.examples import Examples
from caviar.model.steps.ghost_arrangement import Arrangement, random
from caviar.model.steps.optimizers import Optimizer
from caviar.model.steps.schedules import Schedule


@dataclass(frozen=True)
class Splits:
    """The three splits of every replica.

    >>> plan = caviar.plan(caviar.read_study("sizes.toml"))
    >>> splits = caviar.make_splits(plan.data, plan.trials[0])
    >>> x, labels = splits.train.take(np.arange(16).reshape(2, 8))
    >>> x.shape, labels.shape
    ((2, 8, 13), (2, 8))
    """

    train: Examples
    validation: Examples
    test: Examples


@dataclass(frozen=True)
class Probes:
    """What is measured at frozen weights, and when.

    After each of `evaluation_steps`, the losses of every split and the errors of every tracker
    are measured; after `probe_steps`, which are among them, everything else too: losses under
    each tracker, noise and penalties for batches of each of `sizes`, the penalties from
    `examples` training examples in at most `penalty_partitions` partitions, gradient noise from
    `gradient_batches` batches. `shadow` keeps the averages that split trackers' errors into parts,
    at the cost of one pass over the training set per step; `log_probabilities` reports each test
    example at the end.
    """

    evaluation_steps: frozenset[int]
    probe_steps: frozenset[int]
    sizes: tuple[int, ...]
    examples: int
    penalty_partitions: int = 1
    gradient_batches: int = 0
    shadow: bool = False
    log_probabilities: bool = False


@dataclass(frozen=True)
class Training:
    """Everything a run depends on besides the data.

    A step's forward pass takes `batch_size` examples that have a loss and `company` others that
    have none and only share their statistics. `norm_batch_size` is the size of a ghost, also of
    the groups that evaluation with batch statistics forms. `arrangement` says which examples of
    a batch share a ghost; `partitions` is the number of arrangements, all but the first of a
    reshuffled batch, over which the gradient of a step is averaged.

    >>> from dataclasses import replace
    >>> plan = caviar.plan(caviar.read_study("sizes.toml"))
    >>> training = caviar.build(plan.trials[0], plan.data)
    >>> replace(training, optimizer=caviar.Adam(0.9, 0.999), learning_rate=0.001).learning_rate
    0.001
    """

    network: Network
    optimizer: Optimizer
    schedule: Schedule
    running: RunningStatistics
    seeds: tuple[int, ...]
    steps: int
    batch_size: int
    norm_batch_size: int
    epsilon: float
    learning_rate: float
    curve_steps: frozenset[int]
    probes: Probes
    company: int = 0
    arrangement: Arrangement = random
    partitions: int = 1

    def rate_after(self, step: int) -> float:
        """The learning rate of the step that follows `step`."""
        return self.learning_rate * self.schedule(step / self.steps)

    def steps_per_epoch(self, examples: Examples) -> int:
        return len(examples) // self.batch_size
