"""The network and its measurements: arrays in, arrays out; no files, clocks or prints."""

from __future__ import annotations

from caviar.model.averages.bank import RunningStatistics
from caviar.model.averages.conventions import CONVENTIONS, Convention, Tracker, trackers
from caviar.model.averages.frameworks import FRAMEWORKS
from caviar.model.layers import Dense, Dropout, Relu, Tanh
from caviar.model.network import Network, mlp
from caviar.model.norms.batch_norm import BatchNorm
from caviar.model.norms.batch_renorm import BatchRenorm
from caviar.model.norms.group_norm import GroupNorm
from caviar.model.norms.layer_norm import LayerNorm
from caviar.model.norms.leave_one_out import LeaveOneOutNorm
from caviar.model.norms.momentum_batch_norm import MomentumBatchNorm
from caviar.model.norms.noise.injected_noise import (
    NoisyNorm,
    ScaleNoise,
    ShiftAndScaleNoise,
    ShiftNoise,
)
from caviar.model.norms.norm import Norm
from caviar.model.norms.other_examples import OtherExamplesNorm
from caviar.model.norms.stop_gradient import StopGradientNorm
from caviar.model.steps.loss import cross_entropy, mean_cross_entropy_gradient
from caviar.model.steps.optimizers import Adam, Momentum, Sgd
from caviar.model.steps.setup import Splits, Training
from caviar.model.train import train

__all__ = [
    "CONVENTIONS",
    "FRAMEWORKS",
    "Adam",
    "BatchNorm",
    "BatchRenorm",
    "Convention",
    "Dense",
    "Dropout",
    "GroupNorm",
    "LayerNorm",
    "LeaveOneOutNorm",
    "Momentum",
    "MomentumBatchNorm",
    "Network",
    "NoisyNorm",
    "Norm",
    "OtherExamplesNorm",
    "Relu",
    "RunningStatistics",
    "ScaleNoise",
    "Sgd",
    "ShiftAndScaleNoise",
    "ShiftNoise",
    "Splits",
    "StopGradientNorm",
    "Tanh",
    "Tracker",
    "Training",
    "cross_entropy",
    "mean_cross_entropy_gradient",
    "mlp",
    "trackers",
    "train",
]
