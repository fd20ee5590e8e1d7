"""The identities that must fail for each mistake in each arm."""

from __future__ import annotations

import numpy as np

from caviar.model.norms.batch_norm import BatchNorm
from caviar.model.norms.batch_renorm import BatchRenorm
from caviar.model.norms.distorted import distort
from caviar.model.norms.group_norm import GroupNorm
from caviar.model.norms.layer_norm import LayerNorm
from caviar.model.norms.leave_one_out import LeaveOneOutNorm
from caviar.model.norms.momentum_batch_norm import MomentumBatchNorm
from caviar.model.norms.noise.drawn_ghost_noise import DrawnGhostNoiseNorm
from caviar.model.norms.noise.ghost_noise import GhostNoiseNorm
from caviar.model.norms.noise.injected_noise import (
    NoisyNorm,
    ScaleNoise,
    ShiftAndScaleNoise,
    ShiftNoise,
)
from caviar.model.norms.norm import Norm
from caviar.model.norms.other_examples import OtherExamplesNorm
from caviar.model.norms.stop_gradient import StopGradientNorm
from tests.model import broken_features_and_blends as later
from tests.model import broken_passes as wrong
from tests.model.broken_passes import Backward, Forward

EPSILON = 1e-3


def right(m: int) -> dict[str, Norm]:
    """Every arm without a mistake."""
    return {
        "batch": Norm(BatchNorm(m, EPSILON)),
        "leave one out": Norm(LeaveOneOutNorm(m, EPSILON)),
        "other examples": Norm(OtherExamplesNorm(m, EPSILON)),
        "stop gradient": Norm(StopGradientNorm(m, EPSILON)),
        "renorm": Norm(BatchRenorm(m, 1.2, 0.3, 0.9, 10, EPSILON)),
        "shift noise": Norm(NoisyNorm(m, EPSILON, ShiftNoise(8))),
        "scale noise": Norm(NoisyNorm(m, EPSILON, ScaleNoise(8))),
        "noise": Norm(NoisyNorm(m, EPSILON, ShiftAndScaleNoise(8))),
        "ghost noise": Norm(GhostNoiseNorm(m, EPSILON)),
        "drawn ghosts": Norm(DrawnGhostNoiseNorm(m, EPSILON)),
        "layer": Norm(LayerNorm(EPSILON)),
        "group": Norm(GroupNorm(2, EPSILON)),
        "momentum": Norm(MomentumBatchNorm(m, 0.6, EPSILON)),
    }


BROKEN_FORWARD: dict[str, dict[str, tuple[Forward, set[str]]]] = {
    "batch": {
        "examples swapped": (wrong.then(wrong.swapped), {"definition"}),
    },
    "leave one out": {
        "plain statistics": (wrong.normalised_by(wrong.own_for_each), {"deviation", "definition"}),
        "unbiased": (wrong.normalised_by(wrong.unbiased_others), {"deviation"}),
        "mean with itself": (wrong.normalised_by(wrong.mean_with_itself), {"definition"}),
    },
    "other examples": {
        "own statistics": (wrong.normalised_by(wrong.own), {"deviation", "definition"}),
        "another lender": (wrong.normalised_by(wrong.lent(by=1)), {"deviation", "definition"}),
        "first half lends": (wrong.normalised_by(wrong.lent(half=0)), {"deviation", "definition"}),
        "unbiased": (wrong.normalised_by(wrong.lent(ddof=1)), {"deviation"}),
        "own variance": (wrong.normalised_by(wrong.lent_mean_own_variance), {"deviation"}),
    },
    "stop gradient": {
        "unbiased": (wrong.normalised_by(wrong.unbiased), {"deviation", "scale"}),
        "epsilon outside": (wrong.normalised_by(wrong.epsilon_outside), {"deviation"}),
        "examples swapped": (wrong.then(wrong.swapped), {"definition"}),
    },
    "renorm": {
        "r not limited": (wrong.unclipped(np.inf, 0.3), {"limits"}),
        "d not limited": (wrong.unclipped(1.2, np.inf), {"limits"}),
        "uneven shift": (wrong.redistorted(wrong.uneven), {"shared"}),
        "correction forgotten in the output": (wrong.then(wrong.plain_output), {"output"}),
    },
    "shift noise": {
        "forgotten": (wrong.redistorted(wrong.forgotten), {"noise"}),
        "twice as much": (wrong.redistorted(wrong.doubled_shift), {"noise"}),
        "uneven": (wrong.redistorted(wrong.uneven), {"shared"}),
        "a scale besides": (wrong.redistorted(wrong.scaled(1.01)), {"only_noise"}),
        "forgotten in the output": (wrong.then(wrong.plain_output), {"output"}),
    },
    "scale noise": {
        "forgotten": (wrong.redistorted(wrong.forgotten), {"noise"}),
        "one draw": (wrong.redistorted(wrong.one_draw), {"noise"}),
        "a shift besides": (
            wrong.redistorted(lambda t: distort(t, t.scale, 0.01 * t.scale)),
            {"only_noise"},
        ),
        "forgotten in the output": (wrong.then(wrong.plain_output), {"output"}),
    },
    "noise": {
        "forgotten": (wrong.redistorted(wrong.forgotten), {"noise"}),
        "shift forgotten": (wrong.redistorted(wrong.scaled(1.0)), {"noise"}),
        "uneven": (wrong.redistorted(wrong.uneven), {"shared"}),
        "statistics of ghosts": (wrong.plain_ghosts, {"moments"}),
    },
    "ghost noise": {
        "forgotten": (wrong.redistorted(wrong.forgotten), {"borrowed"}),
        "shift forgotten": (wrong.redistorted(wrong.scaled(1.0)), {"borrowed"}),
        "uneven": (wrong.redistorted(wrong.uneven), {"shared"}),
        "own statistics": (wrong.redistorted(later.lent_to_itself), {"borrowed"}),
    },
    "drawn ghosts": {
        "forgotten": (wrong.redistorted(wrong.forgotten), {"borrowed"}),
        "shift forgotten": (wrong.redistorted(wrong.scaled(1.0)), {"borrowed"}),
        "unbiased": (later.unbiased_lenders, {"borrowed"}),
        "another's ghost": (wrong.redistorted(later.lent_to_itself), {"borrowed"}),
        "one ghost for all": (later.lending(later.one_for_all), {"drawn"}),
        "the next ghost": (later.lending(later.the_next), {"drawn"}),
        "itself": (later.lending(later.itself), {"drawn"}),
    },
    "layer": {
        "no mean taken away": (later.root_mean_square, {"definition", "centre"}),
        "unbiased": (later.unbiased_features, {"deviation", "scale"}),
    },
    "group": {
        "layer norm": (later.grouped_by(1, 0), {"groups"}),
        "half the groups' size": (later.grouped_by(4, 0), {"groups"}),
        "unbiased": (later.grouped_by(2, 1), {"deviation", "scale"}),
        "interleaved": (later.interleaved_groups, {"definition", "deviation", "centre"}),
    },
    "momentum": {
        "batch norm": (later.weighing(0.0), {"deviation", "definition"}),
        "running statistics alone": (later.weighing(1.0), {"deviation", "definition"}),
        "the other weight": (later.weighing(0.4), {"deviation", "definition"}),
        "inverse deviations blended": (later.blended_inverse, {"deviation"}),
    },
}
"""By arm and mistake, a forward pass and the identities that must not hold."""

BROKEN_BACKWARD: dict[str, dict[str, tuple[Backward, set[str]]]] = {
    "batch": {
        "no mean term": (wrong.standard_back(False, True), {"shift_null", "influence"}),
        "no variance term": (wrong.standard_back(True, False), {"scale_null", "influence"}),
    },
    "leave one out": {
        "no mean term": (wrong.others_back(False, True, True), {"shift_null", "influence"}),
        "no variance term": (
            wrong.others_back(True, False, True),
            {"scale_null", "influence", "orthogonality"},
        ),
        "itself in its variance": (
            wrong.others_back(True, True, False),
            {"scale_null", "influence"},
        ),
        "stopped": (
            wrong.others_back(False, False, True),
            {"shift_null", "scale_null", "influence", "orthogonality"},
        ),
    },
    "other examples": {
        "no mean term": (wrong.lent_back(False, True, 0), {"shift_null", "influence"}),
        "no variance term": (
            wrong.lent_back(True, False, 0),
            {"scale_null", "influence", "orthogonality"},
        ),
        "to another lender": (wrong.lent_back(True, True, 1), {"influence"}),
    },
    "stop gradient": {
        "through both": (wrong.standard_back(True, True), {"stopped"}),
        "through the mean": (wrong.standard_back(True, False), {"stopped"}),
        "through the variance": (wrong.standard_back(False, True), {"stopped"}),
    },
    **{
        arm: {
            "no mean term": (wrong.standard_back(False, True), {"shift_null", "influence"}),
            "no variance term": (
                wrong.standard_back(True, False),
                {"scale_null", "influence", "orthogonality"},
            ),
            "gamma by x_hat": (wrong.gamma_by_x_hat, {"gains"}),
        }
        for arm in ("renorm", "shift noise", "noise", "ghost noise", "drawn ghosts")
    },
    **{
        arm: {
            "no mean term": (later.layer_back(False, True), {"shift_null", "influence"}),
            "no variance term": (
                later.layer_back(True, False),
                {"scale_null", "influence", "orthogonality"},
            ),
        }
        for arm in ("layer", "group")
    },
    "momentum": {
        "batch norm's": (
            later.momentum_back(1.0, 1.0),
            {"shift", "stretch", "influence", "orthogonality"},
        ),
        "stopped": (
            later.momentum_back(0.0, 0.0),
            {"shift", "stretch", "influence", "orthogonality"},
        ),
        "no mean term": (later.momentum_back(0.0, 0.4), {"shift", "influence"}),
        "no variance term": (later.momentum_back(0.4, 0.0), {"stretch", "influence"}),
    },
}
"""By arm and mistake, a backward pass and the identities that must not hold."""

for _arm in ("renorm", "noise", "scale noise", "ghost noise", "drawn ghosts"):
    BROKEN_BACKWARD.setdefault(_arm, {})["scale forgotten"] = (wrong.scale_forgotten, {"influence"})
for _arm in right(8):
    BROKEN_FORWARD[_arm]["no beta"] = (wrong.then(wrong.no_beta), {"output"})
    BROKEN_BACKWARD.setdefault(_arm, {})["no gradient of gamma"] = (wrong.no_gamma, {"gains"})
    if _arm not in ("layer", "group"):
        BROKEN_FORWARD[_arm]["unbiased told"] = (wrong.then(wrong.unbiased_told), {"moments"})
    if _arm not in ("leave one out", "other examples", "momentum"):
        all_four = {"definition", "centre", "scale", "bound"}
        BROKEN_FORWARD[_arm]["x_hat moved and stretched"] = (wrong.then(wrong.moved), all_four)
