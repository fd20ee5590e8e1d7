"""Forward and backward passes of control arms with one mistake each."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from caviar.model.contract import Array, Generators, Moments, NormTape, Parameters
from caviar.model.norms.batch_norm import BatchNorm
from caviar.model.norms.distorted import distort
from caviar.model.norms.norm import Norm
from caviar.model.norms.standardise import grouped, plain_tape

Forward = Callable[[Any, Parameters, Array, Generators], tuple[Array, Any]]
Backward = Callable[[Any, Parameters, Any, Array], tuple[Array, Parameters]]


def with_forward(layer: Norm, forward: Forward) -> Norm:
    """The layer with its forward pass replaced."""
    kind: type[Norm] = type("Broken", (Norm,), {"forward": forward})
    return kind(layer.normaliser)


def with_backward(layer: Norm, backward: Backward) -> Norm:
    """The layer with its backward pass replaced."""
    kind: type[Norm] = type("Broken", (Norm,), {"backward": backward})
    return kind(layer.normaliser)


def affine(parameters: Parameters, z: Array) -> Array:
    """`gamma z + beta` of groups of examples, put back into one batch."""
    y: Array = z.reshape(len(z), -1, z.shape[-1]) * parameters["gamma"] + parameters["beta"]
    return y


def affine_backward(parameters: Parameters, z: Array, dy: Array) -> tuple[Array, Parameters]:
    """Gradients of `affine` by z, in its groups, and by gamma and beta."""
    gradients = {
        "gamma": np.sum(dy * z.reshape(dy.shape), axis=1, keepdims=True),
        "beta": dy.sum(axis=1, keepdims=True),
    }
    return (dy * parameters["gamma"]).reshape(z.shape), gradients


def normalised_by(statistics: Callable[[Array, float], tuple[Array, Array]]) -> Forward:
    """Maps ghosts and epsilon to the mean and the inverse deviation that x_hat gets."""

    def forward(
        self: Any, parameters: Parameters, x: Array, generators: Generators
    ) -> tuple[Array, NormTape]:
        ghosts = grouped(x, self.normaliser.norm_batch_size)
        mean, inverse = statistics(ghosts, self.normaliser.epsilon)
        z = ((ghosts - mean) * inverse).astype(x.dtype)
        plain = Moments(ghosts.mean(axis=2), ghosts.var(axis=2))
        return affine(parameters, z), plain_tape(z, inverse.astype(x.dtype), plain)

    return forward


def own(g: Array, e: float) -> tuple[Array, Array]:
    return g.mean(axis=2, keepdims=True), 1 / np.sqrt(g.var(axis=2, keepdims=True) + e)


def own_for_each(g: Array, e: float) -> tuple[Array, Array]:
    mean, inverse = own(g, e)
    return mean, np.broadcast_to(inverse, g.shape)


def others(g: Array, ddof: int) -> tuple[Array, Array]:
    """Statistics of the rest of the ghost, by leaving each example out."""
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
    """Statistics of one half's ghosts for both halves, perhaps those of a wrong ghost."""

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
        m, z, inverse = self.normaliser.norm_batch_size, tape.x_hat, tape.inverse_deviation
        dz, gradients = affine_backward(parameters, z, dy)
        pull = dz * z * inverse**2
        by_variance = (pull / (m - 1) if own_term else 0) - pull.mean(axis=2, keepdims=True)
        dx = dz * inverse * (m / (m - 1)) + (by_variance * (z / inverse) if variance_term else 0)
        dx -= dx.mean(axis=2, keepdims=True) if mean_term else 0
        return dx.reshape(dy.shape), gradients

    return backward


def lent_back(mean_term: bool, variance_term: bool, by: int) -> Backward:
    """OtherExamplesNorm's backward pass; what borrowers do goes to a lender."""

    def backward(
        self: Any, parameters: Parameters, tape: NormTape, dy: Array
    ) -> tuple[Array, Parameters]:
        z, inverse = tape.x_hat, tape.inverse_deviation
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
    """The three terms of batch norm, or two of them, also for a distorted x_hat."""

    def backward(self: Any, parameters: Parameters, tape: Any, dy: Array) -> Any:
        x_hat, inverse = tape.x_hat, tape.inverse_deviation
        dz, gradients = affine_backward(parameters, tape.z, dy)
        dz = dz * tape.scale
        dx = dz - (dz.mean(axis=2, keepdims=True) if mean_term else 0)
        dx -= x_hat * np.mean(dz * x_hat, axis=2, keepdims=True) if variance_term else 0
        return (dx * inverse).reshape(dy.shape), gradients

    return backward


def scale_forgotten(self: Any, parameters: Parameters, tape: NormTape, dy: Array) -> Any:
    ones = tape._replace(scale=np.ones_like(tape.scale))
    return Norm.backward(self, parameters, ones, dy)


def gamma_by_x_hat(self: Any, parameters: Parameters, tape: NormTape, dy: Array) -> Any:
    dx, gradients = Norm.backward(self, parameters, tape, dy)
    return dx, affine_backward(parameters, tape.x_hat, dy)[1] | {"beta": gradients["beta"]}


def then(change: Callable[[Parameters, Array, Any], tuple[Array, Any]]) -> Forward:
    """The arm's own forward pass, and then a change of its output and its tape."""

    def forward(self: Any, parameters: Parameters, x: Array, generators: Generators) -> Any:
        return change(parameters, *Norm.forward(self, parameters, x, generators))

    return forward


def no_gamma(self: Any, parameters: Parameters, tape: Any, dy: Array) -> Any:
    dx, gradients = Norm.backward(self, parameters, tape, dy)
    return dx, gradients | {"gamma": 0 * gradients["gamma"]}


def redistorted(change: Callable[[NormTape], NormTape]) -> Forward:
    """Tape and output agree with each other, but not with the arm."""

    def both(parameters: Parameters, y: Array, tape: NormTape) -> tuple[Array, NormTape]:
        return affine(parameters, change(tape).z), change(tape)

    return then(both)


def shift_of(tape: NormTape) -> Array:
    return np.asarray(tape.z - tape.scale * tape.x_hat)


def forgotten(tape: NormTape) -> NormTape:
    return tape._replace(scale=np.ones_like(tape.scale), z=tape.x_hat)


def scaled(factor: float) -> Callable[[NormTape], NormTape]:
    return lambda tape: distort(
        tape, tape.scale * tape.scale.dtype.type(factor), np.zeros(1, tape.scale.dtype)
    )


def one_draw(tape: NormTape) -> NormTape:
    return distort(tape, np.full_like(tape.scale, tape.scale[0, 0, 0, 0]), shift_of(tape))


def doubled_shift(tape: NormTape) -> NormTape:
    return distort(tape, tape.scale, 2 * shift_of(tape))


def uneven(tape: NormTape) -> NormTape:
    """A shift that grows along the examples that share it."""
    ramp = np.linspace(1, 1.5, tape.z.shape[2], dtype=tape.z.dtype)[:, None]
    return distort(tape, tape.scale, shift_of(tape) * ramp)


def plain_output(parameters: Parameters, y: Array, tape: NormTape) -> Any:
    return affine(parameters, tape.x_hat), tape


def no_beta(parameters: Parameters, y: Array, tape: Any) -> Any:
    return y - parameters["beta"], tape


def swapped(parameters: Parameters, y: Array, tape: NormTape) -> Any:
    """Two examples of every ghost trade places, which keeps all of its moments."""
    x_hat = tape.x_hat[:, :, ::-1]
    return affine(parameters, x_hat), tape._replace(x_hat=x_hat, z=x_hat)


def moved(parameters: Parameters, y: Array, tape: NormTape) -> Any:
    x_hat = 10 * tape.x_hat + 1
    return y, tape._replace(x_hat=x_hat, z=x_hat if tape.z is tape.x_hat else tape.z)


def unbiased_told(parameters: Parameters, y: Array, tape: NormTape) -> Any:
    """Running averages should see the biased variance."""
    assert tape.moments is not None
    m = tape.x_hat.shape[2]
    told = tape.moments.variance * tape.x_hat.dtype.type(m / (m - 1))
    return y, tape._replace(moments=tape.moments._replace(variance=told))


def plain_ghosts(self: Any, parameters: Parameters, x: Array, generators: Generators) -> Any:
    """Noise on the x_hat of ghosts instead of the whole batch."""
    plain = BatchNorm(8, self.normaliser.epsilon).forward(parameters, x, generators)
    _, tape = Norm.forward(self, parameters, x, generators)
    shape = plain.x_hat.shape
    tape = distort(plain, tape.scale.reshape(shape), shift_of(tape).reshape(shape))
    return affine(parameters, tape.z), tape


def unclipped(r_max: float, d_max: float) -> Forward:
    def forward(self: Any, parameters: Parameters, x: Array, generators: Generators) -> Any:
        wider = replace(self.normaliser, r_max=r_max, d_max=d_max)
        return Norm(wider).forward(parameters, x, generators)

    return forward
