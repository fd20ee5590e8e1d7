"""The training run that a config describes: names become layers, optimisers and statistics."""

from __future__ import annotations

from collections.abc import Callable

from caviar.model.averages.bank import RunningStatistics
from caviar.model.averages.conventions import trackers
from caviar.model.averages.frameworks import ALL
from caviar.model.contract import Layer
from caviar.model.network import mlp
from caviar.model.norms.batch_norm import BatchNorm
from caviar.model.norms.batch_renorm import BatchRenorm
from caviar.model.norms.injected_noise import (
    Noise,
    NoisyNorm,
    ScaleNoise,
    ShiftAndScaleNoise,
    ShiftNoise,
)
from caviar.model.norms.layer_norm import LayerNorm
from caviar.model.norms.leave_one_out import LeaveOneOutNorm
from caviar.model.norms.other_examples import OtherExamplesNorm
from caviar.model.norms.stop_gradient import StopGradientNorm
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
from caviar.runner.config import NOISE_NORMS, WITHOUT_STATISTICS, Norm, TrialConfig
from caviar.runner.data.splits import Data, split_sizes
from caviar.runner.trial.measurement_schedule import Sizes, probes_of, spread


def _noisy(noise: Callable[[int], Noise]) -> Callable[[TrialConfig], Layer]:
    shared: dict[str, Callable[[TrialConfig], int]] = {
        "ghost": lambda c: c.norm_batch_size,
        "example": lambda c: 1,
    }
    return lambda c: NoisyNorm(c.norm_batch_size, c.epsilon, noise(shared[c.noise_shared](c)))


NORMS: dict[Norm, Callable[[TrialConfig], Layer | None]] = {
    "batch": lambda c: BatchNorm(c.norm_batch_size, c.epsilon),
    "layer": lambda c: LayerNorm(c.epsilon),
    "none": lambda c: None,
    "leave-one-out": lambda c: LeaveOneOutNorm(c.norm_batch_size, c.epsilon),
    "other-examples": lambda c: OtherExamplesNorm(c.norm_batch_size, c.epsilon),
    "stop-gradient": lambda c: StopGradientNorm(c.norm_batch_size, c.epsilon),
    "renorm": lambda c: BatchRenorm(
        c.norm_batch_size,
        c.renorm_r_max,
        c.renorm_d_max,
        c.renorm_decay,
        round(c.renorm_ramp * c.steps),
        c.epsilon,
    ),
    "shift-noise": _noisy(ShiftNoise),
    "scale-noise": _noisy(ScaleNoise),
    "shift-and-scale-noise": _noisy(ShiftAndScaleNoise),
}
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
    """Examples of a training step's forward pass, those without a loss included.

    Injected noise blurs population statistics, so the whole training split takes part; to be
    normalised by other examples, every ghost takes another.
    """
    m = config.norm_batch_size
    if config.norm in WITHOUT_STATISTICS:
        return config.batch_size
    if config.norm in NOISE_NORMS:
        return train
    times = 2 if config.norm == "other-examples" else 1
    return times * max(config.batch_size, m)


def build(config: TrialConfig, data: Data) -> Training:
    """The training run that a config describes."""
    splits = split_sizes(config.dataset, len(data.labels))
    forward = forward_examples(config, splits[0])
    network = mlp(
        config.hidden,
        len(data.classes),
        norm=NORMS[config.norm](config),
        activation=config.activation,
        dropout=config.dropout,
    )
    rows = tuple(ALL[name] for name in config.conventions)
    bank = trackers(rows, tuple(dict.fromkeys((config.decay, *config.decays))))
    m = config.norm_batch_size
    cut = m < config.batch_size and config.norm not in WITHOUT_STATISTICS
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


def _optimizer(config: TrialConfig) -> Optimizer:
    optimizer = OPTIMIZERS[config.optimizer](config)
    if config.weight_decay:
        style = WEIGHT_DECAYS[config.weight_decay_style]
        optimizer = style(optimizer, config.weight_decay, config.weight_decay_scope)
    return GammaDecay(optimizer, config.gamma_decay) if config.gamma_decay else optimizer
