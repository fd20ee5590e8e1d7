"""The kernel of each norm that has one. To add one, write its file and add its line here."""

from __future__ import annotations

from caviar.model.kernels.by_layer.distorted import GHOST_NOISE, NOISE, RENORM
from caviar.model.kernels.by_layer.drawn_ghosts import DRAWN_GHOST_NOISE
from caviar.model.kernels.by_layer.leave_one_out import LEAVE_ONE_OUT
from caviar.model.kernels.by_layer.norm_kernel import NormKernel
from caviar.model.kernels.by_layer.other_examples import OTHER_EXAMPLES
from caviar.model.kernels.by_layer.over_features import GROUP, LAYER, NO_NORM
from caviar.model.kernels.by_layer.plain import BATCH, STOP_GRADIENT
from caviar.model.norms.batch_norm import BatchNorm
from caviar.model.norms.batch_renorm import BatchRenorm
from caviar.model.norms.group_norm import GroupNorm
from caviar.model.norms.layer_norm import LayerNorm
from caviar.model.norms.leave_one_out import LeaveOneOutNorm
from caviar.model.norms.noise.drawn_ghost_noise import DrawnGhostNoiseNorm
from caviar.model.norms.noise.ghost_noise import GhostNoiseNorm
from caviar.model.norms.noise.injected_noise import NoisyNorm
from caviar.model.norms.norm import Normaliser
from caviar.model.norms.other_examples import OtherExamplesNorm
from caviar.model.norms.stop_gradient import StopGradientNorm

KERNELS: dict[type[Normaliser] | type[None], NormKernel] = {
    type(None): NO_NORM,
    BatchNorm: BATCH,
    StopGradientNorm: STOP_GRADIENT,
    LeaveOneOutNorm: LEAVE_ONE_OUT,
    LayerNorm: LAYER,
    GroupNorm: GROUP,
    BatchRenorm: RENORM,
    NoisyNorm: NOISE,
    GhostNoiseNorm: GHOST_NOISE,
    DrawnGhostNoiseNorm: DRAWN_GHOST_NOISE,
    OtherExamplesNorm: OTHER_EXAMPLES,
}
"""By the normaliser that each computes; `hidden.py` names them without Numba."""
