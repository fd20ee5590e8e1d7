"""Exact identities of a normalising layer, checked on a training step's own tape.

A right layer misses them by rounding alone, a wrong one by far more, so the first steps of a
trial can prove that its numbers come from the arm they are filed under. Every error is taken
relative to the size of the terms that cancel in it, which is what rounding is proportional to.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from caviar.model.contract import Array, Layer, Parameters
from caviar.model.identities import batch_norm as plain
from caviar.model.identities import control_arms as arms
from caviar.model.identities import distorted_norms as distortion
from caviar.model.identities.site import Place, place
from caviar.model.layers import Dense, Dropout
from caviar.model.network import AnyBatchNorm, Network
from caviar.model.norms.batch_norm import BatchNorm
from caviar.model.norms.batch_renorm import BatchRenorm
from caviar.model.norms.injected_noise import NoisyNorm
from caviar.model.norms.layer_norm import LayerNorm
from caviar.model.norms.leave_one_out import LeaveOneOutNorm
from caviar.model.norms.other_examples import OtherExamplesNorm
from caviar.model.norms.stop_gradient import StopGradientNorm

NATS_OF_CHANCE = 40.0
"""Noise less probable than e^-40 was not drawn from its law."""


class Check(NamedTuple):
    """The largest error of an identity, and the most that rounding explains."""

    error: float
    tolerance: float

    @property
    def passed(self) -> bool:
        """Whether rounding explains the error; never for one that is not finite."""
        return self.error <= self.tolerance


@dataclass(frozen=True)
class Invariants:
    """What held and what did not, over layers, replicas, groups and features.

    `checks` has the identities that apply, and no others. With x_hat, mean and v of groups of m
    that share statistics, epsilon, and q = v / (v + epsilon):
    `moments`: the tape's mean and v are those of consecutive examples, v biased.
    `deviation`: inverse deviation^2 (v + epsilon) = 1.
    `definition`: x_hat is the input less the mean, times the inverse deviation. Here and in
    `deviation` the mean and v are those of the arm: of the other examples, of the ghost
    that lends its own.
    `centre`: the sum of x_hat is 0. `scale`: the mean of x_hat^2 is q.
    `bound`: |x_hat| <= sqrt(m - 1) (Samuelson 1968).
    `shift_null`: a shift of the inputs changes nothing, so the gradient by the inputs sums to 0;
    where the Jacobian is symmetric, the backward pass of an all-ones gradient is 0.
    `scale_null`: a stretch changes nothing but through epsilon: the product of inputs and
    gradient is that of x_hat and its own, times 1 - q; where the Jacobian is symmetric, x_hat
    goes back to (1 - q) x_hat over the deviation.
    `influence`: what the first example of a group feels of every input, by its closed form.
    `coupling`: the Jacobian's energy off the diagonal is 1 + q^2 - (1 + 2 q + mean x_hat^4) / m
    in units of the inverse deviation, on one ghost: 2 - (3 + kurtosis) / m at epsilon 0.
    `orthogonality`: <w_j, dL/dw_j> is (1 - q) times the sum of x_hat and its gradient, 0 but
    for epsilon (weights in front of a batch norm have no radial gradient).
    `stopped`: the gradient goes back times the inverse deviation and no other way.
    `gains`: the gradients of gamma and beta are the sums of dy x_hat and of dy.
    `output`: gamma x_hat + beta is what reached the next dense layer.
    `shared`: scale and shift of a distorted x_hat are the same for all that share them.
    `limits`: they stay within r_max and d_max.
    `noise`: the draws follow their law. `only_noise`: the other part is a scale 1 or a shift 0.
    """

    checks: dict[str, Check]

    @property
    def failed(self) -> tuple[str, ...]:
        """The names of the identities that did not hold."""
        return tuple(name for name, check in self.checks.items() if not check.passed)

    @property
    def passed(self) -> bool:
        return not self.failed


def _sums(at: Place) -> float:
    return 4 * (at.size + 8) * at.unit


def _few(at: Place) -> float:
    return 4 * at.unit


def _squares(at: Place) -> float:
    """Squares have one sign: added up, their rounding can go one way."""
    return (8 * math.sqrt(at.size) + at.size) * at.unit


def _batch(at: Place) -> float:
    return 4 * (at.batch + 8) * at.unit


def _products(at: Place) -> float:
    return 8 * math.sqrt(at.batch + at.inputs.shape[2]) * at.unit


def _chance(at: Place) -> float:
    return NATS_OF_CHANCE


class Identity(NamedTuple):
    """Errors of an identity at a place, and the most that rounding explains there."""

    errors: Callable[[Place], Array]
    tolerance: Callable[[Place], float] = _sums


GAINS = {"gains": Identity(plain.gains, _batch)}
STANDARDISED = GAINS | {
    "definition": Identity(plain.definition),
    "centre": Identity(plain.centre),
    "scale": Identity(plain.scale, _squares),
    "bound": Identity(plain.bound),
}
TAPED = {
    "moments": Identity(plain.moments),
    "deviation": Identity(plain.deviation, _few),
}
THROUGH_STATISTICS = {
    "shift_null": Identity(plain.shift_null),
    "scale_null": Identity(plain.scale_null),
    "influence": Identity(plain.influence),
    "orthogonality": Identity(plain.orthogonality, _products),
}
DISTORTED = {"shared": Identity(distortion.shared, _few)}

IDENTITIES: dict[type[AnyBatchNorm | LayerNorm], dict[str, Identity]] = {
    BatchNorm: TAPED | STANDARDISED | THROUGH_STATISTICS | {"coupling": Identity(plain.coupling)},
    LeaveOneOutNorm: GAINS
    | {
        "moments": Identity(plain.moments),
        "deviation": Identity(arms.others_deviation),
        "definition": Identity(arms.others_definition),
        "shift_null": Identity(arms.others_shift_null),
        "scale_null": Identity(arms.others_scale_null),
        "influence": Identity(arms.others_influence),
        "orthogonality": Identity(arms.others_orthogonality, _products),
    },
    OtherExamplesNorm: GAINS
    | {
        "moments": Identity(plain.moments),
        "deviation": Identity(arms.lent_deviation, _few),
        "definition": Identity(arms.lent_definition),
        "shift_null": Identity(arms.lent_shift_null),
        "scale_null": Identity(arms.lent_scale_null),
        "influence": Identity(arms.lent_influence),
        "orthogonality": Identity(arms.lent_orthogonality, _products),
    },
    StopGradientNorm: TAPED | STANDARDISED | {"stopped": Identity(arms.stopped, _few)},
    BatchRenorm: TAPED
    | STANDARDISED
    | THROUGH_STATISTICS
    | DISTORTED
    | {"limits": Identity(distortion.limits, _few)},
    NoisyNorm: TAPED
    | STANDARDISED
    | THROUGH_STATISTICS
    | DISTORTED
    | {
        "noise": Identity(distortion.noise, _chance),
        "only_noise": Identity(distortion.only_noise, _few),
    },
    LayerNorm: STANDARDISED
    | THROUGH_STATISTICS
    | {
        "deviation": Identity(plain.deviation_from_inputs),
        "orthogonality": Identity(plain.orthogonality_of_the_matrix, _products),
    },
}
"""What is checked of each layer; a layer's subclasses are held to the same."""


def check_step(
    network: Network, parameters: Parameters, tape: dict[str, Any], upstream: Array
) -> Invariants | None:
    """Invariants of every normalising layer with a dense layer in front; None without one.

    `tape` is that of the step's forward pass, `upstream` the gradient of the loss by its
    output. Nothing is changed and no randomness used.
    """
    found = []
    dy, layers = upstream, network.layers
    for i in reversed(range(len(layers))):
        name, layer = layers[i]
        own = _own(parameters, name)
        before, dense = layers[i - 1]
        if i and isinstance(layer, AnyBatchNorm | LayerNorm) and isinstance(dense, Dense):
            weights = _own(parameters, before)
            at = place(layer, own, tape[name], dense, weights, tape[before], dy)
            found += [check_layer(at), _output(at, layers[i + 1 :], parameters, tape)]
        dy, _ = layer.backward(own, tape[name], dy)
    return Invariants(_worst(found)) if found else None


def check_layer(at: Place) -> dict[str, Check]:
    """The identities of one layer by name."""
    rows = next(rows for kind, rows in IDENTITIES.items() if isinstance(at.layer, kind))
    return {
        name: Check(float(np.max(row.errors(at))), row.tolerance(at)) for name, row in rows.items()
    }


def _output(
    at: Place, after: tuple[tuple[str, Layer], ...], parameters: Parameters, tape: dict[str, Any]
) -> dict[str, Check]:
    """Whether the next dense layer got gamma z + beta; nothing where none follows at once."""
    gamma, beta = at.parameters["gamma"], at.parameters["beta"]
    stretched = at.z.reshape(at.dy.shape).astype(at.inputs.dtype) * gamma
    y, size = stretched + beta, np.abs(stretched) + np.abs(beta)
    for name, layer in after:
        if isinstance(layer, Dense):
            error = plain.relative(y - tape[name], size)
            return {"output": Check(float(np.max(error)), 8 * at.unit)}
        if isinstance(layer, AnyBatchNorm | LayerNorm):
            break
        if isinstance(layer, Dropout):
            y, size = y * tape[name], size * tape[name]
        else:
            # An activation that stretches no difference.
            y, _ = layer.forward(_own(parameters, name), y, ())
    return {}


def _worst(found: list[dict[str, Check]]) -> dict[str, Check]:
    worst: dict[str, Check] = {}
    for name, check in (item for checks in found for item in checks.items()):
        worst[name] = max(worst.get(name, check), check, key=_excess)
    return worst


def _excess(check: Check) -> float:
    return check.error / check.tolerance if np.isfinite(check.error) else np.inf


def _own(parameters: Parameters, name: str) -> Parameters:
    prefix = name + "."
    return {k[len(prefix) :]: v for k, v in parameters.items() if k.startswith(prefix)}
