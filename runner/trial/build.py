"""The training run that a config describes: names become layers, optimisers and statistics."""

from __future__ import annotations

from collections.abc import Callable

from caviar.model.averages.bank import RunningStatistics
from caviar.model.averages.conventions import trackers
from caviar.model.averages.frameworks import ALL
from caviar.model.network import mlp
from caviar.model.norms.registry import NORMS
from caviar.model.steps.ghost_arrangement import (
    Arrangement,
    class_sorted,
    first_come,
    random,
    stratified,
)
from caviar.model.steps.optimizers import (
    Adam,
    CoupledDecay,
    DecoupledDecay,
    GammaDecay,
    Momentum,
    Optimizer,
    Sgd,
    WeightDecayScope,
)
from caviar.model.steps.schedules import SCHEDULES
from caviar.model.steps.setup import Training
from caviar.runner.config import TrialConfig
from caviar.runner.data.splits import Data, split_sizes
from caviar.runner.errors import RequestError
from caviar.runner.trial.measurement_schedule import Sizes, probes_of, spread

ARRANGEMENTS: dict[str, Callable[[int], Arrangement]] = {
    "random": lambda m: random,
    "stratified": lambda m: first_come(stratified(m), m),
    "class-sorted": lambda m: first_come(class_sorted, m),
}
OPTIMIZERS: dict[str, Callable[[TrialConfig], Optimizer]] = {
    "sgd": lambda c: Sgd(),
    "momentum": lambda c: Momentum(c.momentum),
    "adam": lambda c: Adam(c.momentum, c.beta2, c.adam_epsilon),
}
WEIGHT_DECAYS: dict[str, Callable[[Optimizer, float, WeightDecayScope], Optimizer]] = {
    "decoupled": DecoupledDecay,
    "coupled": CoupledDecay,
}


def forward_examples(config: TrialConfig, train: int) -> int:
    """Examples of a training step's forward pass, those without a loss included."""
    kind = NORMS[config.norm]
    return kind.forward_examples(config.batch_size, config.norm_batch_size, train)


def too_large(config: TrialConfig, train: int) -> str:
    """Why a training split of `train` examples is too small for a trial's steps; empty if not."""
    forward = forward_examples(config, train)
    if forward <= train:
        return ""
    return (
        f"norm = {config.norm!r} with norm_batch_size {config.norm_batch_size} takes "
        f"{forward} examples per step, above the {train} of the training split; lower "
        "norm_batch_size, or give the training split more"
    )


def build(config: TrialConfig, data: Data) -> Training:
    """The training run that a config describes; raises RequestError for one with changes.

    >>> plan = caviar.plan(caviar.read_study("sizes.toml"))
    >>> training = caviar.build(plan.trials[0], plan.data)
    >>> training.steps, training.batch_size, training.norm_batch_size
    (6, 32, 8)
    """
    _refuse_changes(config)
    kind = NORMS[config.norm]
    splits = split_sizes(config.dataset, len(data.labels), data.given_test)
    forward = forward_examples(config, splits[0])
    network = mlp(
        config.hidden,
        len(data.classes),
        norm=kind.build(dict(config)),
        activation=config.activation,
        dropout=config.dropout,
    )
    rows = tuple(ALL[name] for name in config.conventions)
    bank = trackers(rows, tuple(dict.fromkeys((config.decay, *config.decays))))
    m = config.norm_batch_size
    cut = m < config.batch_size and kind.uses_batch_statistics
    return Training(
        network=network,
        optimizer=_optimizer(config),
        schedule=SCHEDULES[config.schedule],
        running=RunningStatistics(bank, config.ghost_update, config.epsilon),
        seeds=config.seeds,
        steps=config.steps,
        batch_size=config.batch_size,
        norm_batch_size=m,
        epsilon=config.epsilon,
        learning_rate=config.learning_rate,
        curve_steps=spread(config.steps, config.curve_rows),
        probes=probes_of(config, Sizes(*splits, forward)),
        company=forward - config.batch_size,
        arrangement=ARRANGEMENTS[config.ghosts](m) if cut else random,
        partitions=config.partitions,
    )


def _refuse_changes(config: TrialConfig) -> None:
    if config.changes:
        raise RequestError(
            f"trial {config.trial_id} changes during training ({config.changes[0]}), so that it is "
            "several trainings; `caviar run` makes one after the other"
        )


def _optimizer(config: TrialConfig) -> Optimizer:
    optimizer = OPTIMIZERS[config.optimizer](config)
    if config.weight_decay:
        style = WEIGHT_DECAYS[config.weight_decay_style]
        optimizer = style(optimizer, config.weight_decay, config.weight_decay_scope)
    return GammaDecay(optimizer, config.gamma_decay) if config.gamma_decay else optimizer
