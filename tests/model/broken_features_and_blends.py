"""Passes with one mistake each, of norms over features and of running statistics in training."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from caviar.model.contract import Array, Generators, Moments, NormTape, Parameters
from caviar.model.norms.distorted import distort
from caviar.model.norms.noise.drawn_ghost_noise import blurred
from caviar.model.norms.norm import Norm
from caviar.model.norms.standardise import grouped, plain_tape, standardised
from tests.model.broken_passes import Backward, Forward, affine, affine_backward, shift_of


def root_mean_square(self: Any, parameters: Parameters, x: Array, generators: Generators) -> Any:
    """RMSNorm: no mean is subtracted."""
    inverse = 1 / np.sqrt(
        np.mean(x**2, axis=2, keepdims=True) + x.dtype.type(self.normaliser.epsilon)
    )
    y = x * inverse * parameters["gamma"] + parameters["beta"]
    return y, plain_tape((x * inverse)[..., None], inverse[..., None], None)


def unbiased_features(self: Any, parameters: Parameters, x: Array, generators: Generators) -> Any:
    inverse = 1 / np.sqrt(
        x.var(axis=2, ddof=1, keepdims=True) + x.dtype.type(self.normaliser.epsilon)
    )
    x_hat = (x - x.mean(axis=2, keepdims=True)) * inverse
    y = x_hat * parameters["gamma"] + parameters["beta"]
    return y, plain_tape(x_hat[..., None], inverse[..., None], None)


def layer_back(mean_term: bool, variance_term: bool) -> Backward:
    def backward(self: Any, parameters: Parameters, tape: Any, dy: Array) -> Any:
        _, gradients = Norm.backward(self, parameters, tape, dy)
        x_hat, inverse = tape.x_hat, tape.inverse_deviation
        dz = (dy * parameters["gamma"]).reshape(x_hat.shape)
        dx = dz - (dz.mean(axis=2, keepdims=True) if mean_term else 0)
        dx -= x_hat * np.mean(dz * x_hat, axis=2, keepdims=True) if variance_term else 0
        return (dx * inverse).reshape(dy.shape), gradients

    return backward


def grouped_by(groups: int, ddof: int) -> Forward:
    """A wrong number of groups of features, or a wrong variance."""

    def forward(self: Any, parameters: Parameters, x: Array, generators: Generators) -> Any:
        cut = x.reshape(len(x), -1, x.shape[2] // groups, 1)
        spread = cut.var(axis=2, ddof=ddof, keepdims=True)
        inverse = 1 / np.sqrt(spread + x.dtype.type(self.normaliser.epsilon))
        x_hat = (cut - cut.mean(axis=2, keepdims=True)) * inverse
        y = x_hat.reshape(x.shape) * parameters["gamma"] + parameters["beta"]
        return y, plain_tape(x_hat, inverse, None)

    return forward


def interleaved_groups(self: Any, parameters: Parameters, x: Array, generators: Generators) -> Any:
    """Every second feature in one group."""
    groups = self.normaliser.groups
    cut = x.reshape(*x.shape[:2], -1, groups)
    inverse = 1 / np.sqrt(cut.var(axis=2, keepdims=True) + x.dtype.type(self.normaliser.epsilon))
    x_hat = (cut - cut.mean(axis=2, keepdims=True)) * inverse
    shape = (len(x), x.shape[1] * groups, x.shape[2] // groups, 1)
    y = x_hat.reshape(x.shape) * parameters["gamma"] + parameters["beta"]
    spread = np.broadcast_to(inverse, cut.shape).reshape(shape)
    return y, plain_tape(x_hat.reshape(shape), spread, None)


def weighing(weight: float) -> Forward:
    """Momentum batch norm with another weight of the steps before."""

    def forward(self: Any, parameters: Parameters, x: Array, generators: Generators) -> Any:
        return Norm(replace(self.normaliser, weight=weight)).forward(parameters, x, generators)

    return forward


def blended_inverse(self: Any, parameters: Parameters, x: Array, generators: Generators) -> Any:
    """Like CNTK's GPU kernel: inverse deviations are averaged, not variances."""
    norm, ghosts = self.normaliser, grouped(x, self.normaliser.norm_batch_size)
    weight, epsilon = norm.weight_at(parameters)[:, None], x.dtype.type(norm.epsilon)
    plain = Moments(ghosts.mean(axis=2), ghosts.var(axis=2))
    mean = weight * parameters["reference_mean"][:, None]
    mean = mean + (1 - weight) * plain.mean[:, :, None]
    inverse = weight / np.sqrt(parameters["reference_variance"][:, None] + epsilon)
    inverse = inverse + (1 - weight) / np.sqrt(plain.variance[:, :, None] + epsilon)
    z = (ghosts - mean) * inverse
    return affine(parameters, z), plain_tape(z, inverse, plain)


def momentum_back(mean_share: float, variance_share: float) -> Backward:
    """Momentum batch norm's backward pass with other shares of the two paths."""

    def backward(self: Any, parameters: Parameters, tape: NormTape, dy: Array) -> Any:
        dz, gradients = affine_backward(parameters, tape.z, dy)
        away = tape.x_hat - tape.x_hat.mean(axis=2, keepdims=True)
        dx = dz - mean_share * dz.mean(axis=2, keepdims=True)
        dx = dx - variance_share * away * np.mean(dz * tape.x_hat, axis=2, keepdims=True)
        return (dx * tape.inverse_deviation).reshape(dy.shape).astype(dy.dtype), gradients

    return backward


def lent_to_itself(tape: NormTape) -> NormTape:
    """Ghost noise in which every ghost of eight takes its own statistics."""
    scale, shift = (np.roll(part, 8, axis=2) for part in (tape.scale, shift_of(tape)))
    return distort(tape, scale, shift)


def one_for_all(rows: Array, lenders: Array) -> Array:
    """Every example gets the ghost of the first."""
    return np.broadcast_to(lenders[:, :1], lenders.shape)


def the_next(rows: Array, lenders: Array) -> Array:
    """Nothing is drawn: consecutive ghosts lend to each other."""
    m = lenders.shape[2]
    return np.broadcast_to((rows // m * m + m + np.arange(m)) % len(rows), lenders.shape)


def itself(rows: Array, lenders: Array) -> Array:
    return np.broadcast_to((rows + np.arange(lenders.shape[2]) % 2) % len(rows), lenders.shape)


def lending(choose: Callable[[Array, Array], Array]) -> Forward:
    """Drawn ghosts whose lenders are not drawn uniformly; the rest agrees with them."""

    def forward(self: Any, parameters: Parameters, x: Array, generators: Generators) -> Any:
        plain = standardised(grouped(x, x.shape[1]), self.normaliser.epsilon)
        _, tape = Norm.forward(self, parameters, x, generators)
        assert tape.lenders is not None
        lenders = choose(np.arange(x.shape[1])[:, None], tape.lenders)
        tape = blurred(plain, lenders, self.normaliser.epsilon)
        return affine(parameters, tape.z), tape

    return forward


def unbiased_lenders(self: Any, parameters: Parameters, x: Array, generators: Generators) -> Any:
    _, tape = Norm.forward(self, parameters, x, generators)
    m = self.normaliser.norm_batch_size
    tape = distort(tape, tape.scale * np.sqrt((m - 1) / m).astype(x.dtype), shift_of(tape))
    return affine(parameters, tape.z), tape
