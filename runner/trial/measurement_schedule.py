"""When a trial measures at frozen weights, and what share of its time that takes."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import replace
from typing import NamedTuple

from caviar.model.measurements.batch_noise import NOISE_BATCHES, PARTITIONS
from caviar.model.norms.registry import NORMS
from caviar.model.steps.setup import Probes
from caviar.runner.config import TrialConfig
from caviar.runner.effects import is_read

EVALUATE, POPULATION, PROPAGATE, NOISE, PENALTY, PREDICT = 0.35, 0.5, 0.4, 0.12, 0.6, 2.0
"""Time of one example in one evaluation, population pass, train-mode pass, partition into noise
batches, penalty and backward pass at frozen statistics, in units of a training pass; measured by
benchmarks/probes.py. They decide what is measured and when, so that a trial's rows never depend
on a clock.
"""

GRADIENT_BATCHES = 8
"""Random batches that the gradient noise is measured on, each in two partitions."""

FEWEST = 512
"""A penalty is measured on at least this many examples of the training split, or all of it."""


FURTHER_SHARE = 0.1
"""Most time that partitions of penalties beyond the first may take, as a share of training's, on
top of `probe_share`."""

MOST_PARTITIONS = 10
"""Most partitions that a penalty is averaged over, however long the training."""

AGAIN = 0.25
"""Time of one example in a penalty of a further partition, in units of a training pass: 0.14 to
0.49 measured on seven networks (docs/decisions.md, 2026-11-28). What is measured when is decided
by PENALTY, so that runs that exist keep their rows."""

EVALNORM = 0.5
"""Time of one example in the pass that finds the moments of EvalNorm's layers, likewise."""


class Sizes(NamedTuple):
    """Examples of each split, and of a training step's forward pass."""

    train: int
    validation: int
    test: int
    step: int


def spread(steps: int, count: int) -> frozenset[int]:
    """`count` steps spread evenly over training, the last one always among them."""
    return frozenset(max(1, round(steps * (i + 1) / count)) for i in range(count))


def probes_of(config: TrialConfig, sizes: Sizes) -> Probes:
    """The measurements that fit into `probe_share` of the trial's time.

    What does not fit is dropped in this order: moments before the end, gradient noise, examples
    that penalties are measured on. The rest is measured at the end, whatever it costs; `share`
    says how much.
    """
    for smaller in _smaller_and_smaller(config, sizes):
        if share(smaller, config, sizes) <= config.probe_share:
            break
    return replace(smaller, penalty_partitions=_partitions(smaller, config, sizes))


def _partitions(probes: Probes, config: TrialConfig, sizes: Sizes) -> int:
    """The most partitions of penalties: the first, and those that fit into FURTHER_SHARE.

    Where further partitions of training change nothing, they change no measurement either.
    """
    one = AGAIN * 2 * len(probes.sizes) * probes.examples * len(probes.probe_steps)
    if not one:
        return 1
    read = is_read("partitions", vars(config))
    training = config.steps * sizes.step * (config.partitions if read else 1)
    return min(MOST_PARTITIONS, 1 + int(FURTHER_SHARE * training / one))


def _smaller_and_smaller(config: TrialConfig, sizes: Sizes) -> Iterator[Probes]:
    whole = Probes(
        evaluation_steps=spread(config.steps, config.evaluations),
        probe_steps=frozenset({config.steps}),
        sizes=config.probe_batch_sizes,
        examples=sizes.train,
        gradient_batches=GRADIENT_BATCHES,
        shadow=config.shadow,
        log_probabilities=config.log_probabilities,
    )
    whole = replace(whole, evaluation_steps=spread(config.steps, _moments(whole, config, sizes)))
    yield whole
    yield (whole := replace(whole, gradient_batches=0))
    while whole.examples > FEWEST:
        yield (whole := replace(whole, examples=max(FEWEST, whole.examples // 2)))


def _moments(whole: Probes, config: TrialConfig, sizes: Sizes) -> int:
    """The largest number of moments that fit into `probe_share`, found by bisection; 1 if none."""

    def fits(count: int) -> bool:
        fewer = replace(whole, evaluation_steps=spread(config.steps, count))
        return share(fewer, config, sizes) <= config.probe_share

    counts = range(config.evaluations, 1, -1)
    return config.evaluations - bisect_left(counts, True, key=fits)


def share(probes: Probes, config: TrialConfig, sizes: Sizes) -> float:
    """The expected share of a trial's time that measuring takes, the shadow left out.

    The shadow is a pass over the training split in every step, made only on request.
    """
    training = config.steps * sizes.step * config.partitions
    light = len(probes.evaluation_steps - probes.probe_steps) * _light(config, sizes)
    whole = len(probes.probe_steps) * _whole(probes, config, sizes)
    return (light + whole) / (training + light + whole)


class Expected(NamedTuple):
    """Time in training passes of one example: all training, one moment of losses, one of
    everything; the shadow left out."""

    training: float
    light: float
    whole: float


def expected(probes: Probes, config: TrialConfig, sizes: Sizes) -> Expected:
    """What a trial is expected to cost.

    `share` decides what is measured, and must go on deciding as it did for runs that exist; this
    counts what was added since: EvalNorm's pass, the most partitions of penalties, and the pass
    over a test split that is sorted by class.
    """
    whole = _whole(probes, config, sizes)
    if NORMS[config.norm].uses_batch_statistics:
        further = 2 * len(probes.sizes) * probes.examples * (probes.penalty_partitions - 1)
        whole += EVALNORM * sizes.train + AGAIN * further
        if sizes.test >= config.norm_batch_size:
            whole += EVALUATE * sizes.test
    training = config.steps * sizes.step * config.partitions
    return Expected(training, _light(config, sizes), whole)


def expected_share(probes: Probes, config: TrialConfig, sizes: Sizes) -> float:
    """The share of a trial's time that measuring is expected to take, the shadow left out."""
    training, light, whole = expected(probes, config, sizes)
    light *= len(probes.evaluation_steps - probes.probe_steps)
    whole *= len(probes.probe_steps)
    return (light + whole) / (training + light + whole)


def shadow_cost(config: TrialConfig, sizes: Sizes) -> float:
    """The shadow's time as a multiple of training's."""
    return PROPAGATE * sizes.train / (sizes.step * config.partitions) if config.shadow else 0.0


def _light(config: TrialConfig, sizes: Sizes) -> float:
    examples = sizes.train + sizes.validation + sizes.test
    if not NORMS[config.norm].uses_batch_statistics:
        return EVALUATE * examples
    return POPULATION * sizes.train + 2 * EVALUATE * examples


def _whole(probes: Probes, config: TrialConfig, sizes: Sizes) -> float:
    if not NORMS[config.norm].uses_batch_statistics:
        return _light(config, sizes)
    held_out = sizes.validation + sizes.test
    trackers = len(config.conventions) * len({config.decay, *config.decays})
    partitions = sum(max(PARTITIONS, -(-NOISE_BATCHES // (sizes.train // m))) for m in probes.sizes)
    return (
        _light(config, sizes)
        + EVALUATE * (2 * sizes.train + (2 + trackers) * held_out)
        + PROPAGATE * sizes.train
        + NOISE * partitions * sizes.train
        + PENALTY * (1 + 2 * len(probes.sizes)) * probes.examples
        + PREDICT * probes.examples
        + 2 * probes.gradient_batches * sizes.step * config.partitions
    )
