"""Forward and backward passes of control arms with one mistake each."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from caviar.model.contract import Array, Generators, Layer, Moments, Parameters
from caviar.model.norms.batch_norm import BatchNorm
from caviar.model.norms.batch_renorm import BatchRenorm
from caviar.model.norms.distorted import DistortedTape, distort, distorted_backward
from caviar.model.norms.injected_noise import NoisyNorm
from caviar.model.norms.layer_norm import LayerNorm
from caviar.model.norms.standardise import NormTape, affine, affine_backward, grouped

Forward = Callable[[Any, Parameters, Array, Generators], tuple[Array, Any]]
Backward = Callable[[Any, Parameters, Any, Array], tuple[Array, Parameters]]


def with_forward(layer: Layer, forward: Forward) -> Layer:
    """The layer with a forward pass of another making."""
    kind = type(layer)
    return type("Broken", (kind,), {"forward": forward})(**vars(layer))


def with_backward(layer: Layer, backward: Backward) -> Layer:
    """The layer with a backward pass of another making."""
    kind = type(layer)
    return type("Broken", (kind,), {"backward": backward})(**vars(layer))


def normalised_by(statistics: Callable[[Array, float], tuple[Array, Array]]) -> Forward:
    """From ghosts and epsilon to the mean and the inverse deviation that x_hat shall have."""

    def forward(
        self: Any, parameters: Parameters, x: Array, generators: Generators
    ) -> tuple[Array, NormTape]:
        ghosts = grouped(x, self.norm_batch_size)
        mean, inverse = statistics(ghosts, self.epsilon)
        z = ((ghosts - mean) * inverse).astype(x.dtype)
        plain = Moments(ghosts.mean(axis=2), ghosts.var(axis=2))
        return affine(parameters, z), NormTape(z, inverse.astype(x.dtype), plain)

    return forward


def own(g: Array, e: float) -> tuple[Array, Array]:
    return g.mean(axis=2, keepdims=True), 1 / np.sqrt(g.var(axis=2, keepdims=True) + e)


def own_for_each(g: Array, e: float) -> tuple[Array, Array]:
    mean, inverse = own(g, e)
    return mean, np.broadcast_to(inverse, g.shape)


def others(g: Array, ddof: int) -> tuple[Array, Array]:
    """Of the rest of the ghost, by taking each example out."""
    m = g.shape[2]
    rest = [np.delete(g, i, axis=2) for i in range(m)]
    mean = np.stack([r.mean(axis=2) for r in rest], axis=2)
    return mean, np.stack([r.var(axis=2, ddof=ddof) for r in rest], axis=2)


def unbiased_others(g: Array, e: float) -> tuple[Array, Array]:
    mean, variance = others(g, 1)
    return mean, 1 / np.sqrt(variance + e)


def mean_with_itself(g: Array, e: float) -> tuple[Array, Array]:
    return g.mean(axis=2, keepdims=True), 1 / np.sqrt(others(g, 0)[1] + e)


def lent(
    *, by: int = 0, half: int = 1, ddof: int = 0
) -> Callable[[Array, float], tuple[Array, Array]]:
    """Statistics of one half's ghosts for both halves, perhaps of another one than should be."""

    def statistics(g: Array, e: float) -> tuple[Array, Array]:
        lender = np.roll(np.split(g, 2, axis=1)[half], by, axis=1)
        g = np.concatenate([lender, lender], axis=1)
        return (
            g.mean(axis=2, keepdims=True),
            1 / np.sqrt(g.var(axis=2, ddof=ddof, keepdims=True) + e),
        )

    return statistics


def lent_mean_own_variance(g: Array, e: float) -> tuple[Array, Array]:
    return lent()(g, e)[0], own(g, e)[1]


def unbiased(g: Array, e: float) -> tuple[Array, Array]:
    mean = g.mean(axis=2, keepdims=True)
    return mean, 1 / np.sqrt(g.var(axis=2, ddof=1, keepdims=True) + e)


def epsilon_outside(g: Array, e: float) -> tuple[Array, Array]:
    return g.mean(axis=2, keepdims=True), 1 / (g.std(axis=2, keepdims=True) + e)


def others_back(mean_term: bool, variance_term: bool, own_term: bool) -> Backward:
    """LeaveOneOutNorm's backward pass with each of its terms or without."""

    def backward(
        self: Any, parameters: Parameters, tape: NormTape, dy: Array
    ) -> tuple[Array, Parameters]:
        m, (z, inverse, _) = self.norm_batch_size, tape
        dz, gradients = affine_backward(parameters, z, dy)
        pull = dz * z * inverse**2
        own = (pull / (m - 1) if own_term else 0) - pull.mean(axis=2, keepdims=True)
        dx = dz * inverse * (m / (m - 1)) + (own * (z / inverse) if variance_term else 0)
        dx -= dx.mean(axis=2, keepdims=True) if mean_term else 0
        return dx.reshape(dy.shape), gradients

    return backward


def lent_back(mean_term: bool, variance_term: bool, by: int) -> Backward:
    """OtherExamplesNorm's backward pass; what borrowers do goes to a lender."""

    def backward(
        self: Any, parameters: Parameters, tape: NormTape, dy: Array
    ) -> tuple[Array, Parameters]:
        z, inverse, _ = tape
        dz, gradients = affine_backward(parameters, z, dy)
        through_mean = dz.mean(axis=2, keepdims=True) * inverse
        through_variance = np.mean(dz * z, axis=2, keepdims=True) * inverse
        taken = []
        for part in (through_mean, through_variance):
            borrowers, lenders = np.split(part, 2, axis=1)
            total = lenders + np.roll(borrowers, by, axis=1)
            taken.append(np.concatenate([np.zeros_like(total), total], axis=1))
        dx = dz * inverse - (taken[0] if mean_term else 0)
        dx -= z * taken[1] if variance_term else 0
        return dx.reshape(dy.shape), gradients

    return backward


def standard_back(mean_term: bool, variance_term: bool) -> Backward:
    """The three terms of batch norm, or without one, also for a distorted x_hat."""

    def backward(self: Any, parameters: Parameters, tape: Any, dy: Array) -> Any:
        plain = tape.plain if isinstance(tape, DistortedTape) else tape
        x_hat, inverse = plain[:2]
        z = tape.distorted if isinstance(tape, DistortedTape) else x_hat
        dz, gradients = affine_backward(parameters, z, dy)
        dz = dz * (tape.scale if isinstance(tape, DistortedTape) else 1)
        dx = dz - (dz.mean(axis=2, keepdims=True) if mean_term else 0)
        dx -= x_hat * np.mean(dz * x_hat, axis=2, keepdims=True) if variance_term else 0
        return (dx * inverse).reshape(dy.shape), gradients

    return backward


def scale_forgotten(self: Any, parameters: Parameters, tape: DistortedTape, dy: Array) -> Any:
    ones = tape._replace(scale=np.ones_like(tape.scale))
    return distorted_backward(parameters, ones, dy)


def gamma_by_x_hat(self: Any, parameters: Parameters, tape: DistortedTape, dy: Array) -> Any:
    dx, gradients = distorted_backward(parameters, tape, dy)
    return dx, affine_backward(parameters, tape.plain.x_hat, dy)[1] | {"beta": gradients["beta"]}


def then(change: Callable[[Parameters, Array, Any], tuple[Array, Any]]) -> Forward:
    """The arm's own forward pass, and then a change of its output and its tape."""

    def forward(self: Any, parameters: Parameters, x: Array, generators: Generators) -> Any:
        original = type(self).__mro__[1]
        return change(parameters, *original.forward(self, parameters, x, generators))

    return forward


def no_gamma(self: Any, parameters: Parameters, tape: Any, dy: Array) -> Any:
    dx, gradients = type(self).__mro__[1].backward(self, parameters, tape, dy)
    return dx, gradients | {"gamma": 0 * gradients["gamma"]}


def redistorted(change: Callable[[DistortedTape], DistortedTape]) -> Forward:
    """The tape and the output agree on something else than the arm does."""

    def both(parameters: Parameters, y: Array, tape: DistortedTape) -> tuple[Array, DistortedTape]:
        return affine(parameters, change(tape).distorted), change(tape)

    return then(both)


def shift_of(tape: DistortedTape) -> Array:
    return np.asarray(tape.distorted - tape.scale * tape.plain.x_hat)


def forgotten(tape: DistortedTape) -> DistortedTape:
    return DistortedTape(tape.plain, np.ones_like(tape.scale), tape.plain.x_hat)


def scaled(factor: float) -> Callable[[DistortedTape], DistortedTape]:
    return lambda tape: distort(tape.plain, tape.scale * tape.scale.dtype.type(factor), 0)


def one_draw(tape: DistortedTape) -> DistortedTape:
    return distort(tape.plain, np.full_like(tape.scale, tape.scale[0, 0, 0, 0]), shift_of(tape))


def doubled_shift(tape: DistortedTape) -> DistortedTape:
    return distort(tape.plain, tape.scale, 2 * shift_of(tape))


def uneven(tape: DistortedTape) -> DistortedTape:
    """A shift that grows along the examples that share it."""
    ramp = np.linspace(1, 1.5, tape.distorted.shape[2], dtype=tape.distorted.dtype)[:, None]
    return distort(tape.plain, tape.scale, shift_of(tape) * ramp)


def plain_output(parameters: Parameters, y: Array, tape: DistortedTape) -> Any:
    return affine(parameters, tape.plain.x_hat), tape


def no_beta(parameters: Parameters, y: Array, tape: Any) -> Any:
    return y - parameters["beta"], tape


def swapped(parameters: Parameters, y: Array, tape: NormTape) -> Any:
    """Two examples of every ghost in each other's place: all of its moments stay."""
    x_hat = tape.x_hat[:, :, ::-1]
    return affine(parameters, x_hat), tape._replace(x_hat=x_hat)


def moved(parameters: Parameters, y: Array, tape: Any) -> Any:
    plain = tape.plain if isinstance(tape, DistortedTape) else tape
    x_hat = 10 * plain[0] + 1
    if not isinstance(plain, NormTape):
        return y, (x_hat, tape[1])
    plain = plain._replace(x_hat=x_hat)
    return y, tape._replace(plain=plain) if isinstance(tape, DistortedTape) else plain


def unbiased_told(parameters: Parameters, y: Array, tape: Any) -> Any:
    """Running averages are to see the biased variance."""
    plain = tape.plain if isinstance(tape, DistortedTape) else tape
    m = plain.x_hat.shape[2]
    told = plain.moments._replace(
        variance=plain.moments.variance * plain.x_hat.dtype.type(m / (m - 1))
    )
    plain = plain._replace(moments=told)
    return y, tape._replace(plain=plain) if isinstance(tape, DistortedTape) else plain


def plain_ghosts(self: Any, parameters: Parameters, x: Array, generators: Generators) -> Any:
    """Noise on the x_hat of ghosts instead of the whole batch."""
    _, plain = BatchNorm(8, self.epsilon).forward(parameters, x, generators)
    _, tape = NoisyNorm.forward(self, parameters, x, generators)
    shape = plain.x_hat.shape
    tape = distort(plain, tape.scale.reshape(shape), shift_of(tape).reshape(shape))
    return affine(parameters, tape.distorted), tape


def root_mean_square(self: Any, parameters: Parameters, x: Array, generators: Generators) -> Any:
    """RMSNorm: no mean is taken away."""
    inverse = 1 / np.sqrt(np.mean(x**2, axis=2, keepdims=True) + x.dtype.type(self.epsilon))
    y = x * inverse * parameters["gamma"] + parameters["beta"]
    return y, ((x * inverse)[..., None], inverse[..., None])


def unbiased_features(self: Any, parameters: Parameters, x: Array, generators: Generators) -> Any:
    inverse = 1 / np.sqrt(x.var(axis=2, ddof=1, keepdims=True) + x.dtype.type(self.epsilon))
    x_hat = (x - x.mean(axis=2, keepdims=True)) * inverse
    return x_hat * parameters["gamma"] + parameters["beta"], (x_hat[..., None], inverse[..., None])


def layer_back(mean_term: bool, variance_term: bool) -> Backward:
    def backward(self: Any, parameters: Parameters, tape: Any, dy: Array) -> Any:
        _, gradients = LayerNorm.backward(self, parameters, tape, dy)
        (x_hat, inverse), dz = tape, (dy * parameters["gamma"])[..., None]
        dx = dz - (dz.mean(axis=2, keepdims=True) if mean_term else 0)
        dx -= x_hat * np.mean(dz * x_hat, axis=2, keepdims=True) if variance_term else 0
        return (dx * inverse)[..., 0], gradients

    return backward


def unclipped(r_max: float, d_max: float) -> Forward:
    def forward(self: Any, parameters: Parameters, x: Array, generators: Generators) -> Any:
        wider = BatchRenorm(self.norm_batch_size, r_max, d_max, self.decay, self.ramp, self.epsilon)
        return wider.forward(parameters, x, generators)

    return forward
