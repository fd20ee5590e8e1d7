"""Batch norm passes its identities, and no broken batch norm does."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import product

import numpy as np
import pytest
from numpy.typing import DTypeLike

from caviar.model.contract import Array, Generators, NormTape, Parameters
from caviar.model.network import Network
from caviar.model.norms.batch_norm import BatchNorm
from caviar.model.norms.norm import Norm
from caviar.model.norms.standardise import (
    batch_moments,
    grouped,
    plain_tape,
    standardise_backward,
)
from tests.model.helpers import checked, normal, two_norms

SIZES = (2, 4, 8, 16, 32, 64, 128, 256)
DTYPES: list[DTypeLike] = [np.float32, np.float64]


@dataclass(frozen=True)
class _NoVarianceTerm(BatchNorm):
    """Leaves the path through the variance out of the backward pass."""

    def backward(self, parameters: Parameters, tape: NormTape, dz: Array) -> Array:
        wrong: Array = (dz - dz.mean(axis=2, keepdims=True)) * tape.inverse_deviation
        return wrong


@dataclass(frozen=True)
class _NoMeanTerm(BatchNorm):
    """Leaves the path through the mean out of the backward pass."""

    def backward(self, parameters: Parameters, tape: NormTape, dz: Array) -> Array:
        dx = standardise_backward(dz, tape.x_hat, tape.inverse_deviation)
        wrong: Array = dx + dz.mean(axis=2, keepdims=True) * tape.inverse_deviation
        return wrong


@dataclass(frozen=True)
class _Wrong(BatchNorm):
    """Normalises by an inverse deviation that the subclass defines."""

    def forward(self, parameters: Parameters, x: Array, generators: Generators) -> NormTape:
        ghosts, moments = grouped(x, self.norm_batch_size), batch_moments(x, self.norm_batch_size)
        variance = self.variance(moments.variance)
        inverse = self.inverse(variance)[:, :, None]
        x_hat = (ghosts - moments.mean[:, :, None]) * inverse
        return plain_tape(x_hat, inverse, moments._replace(variance=variance))

    def variance(self, biased: Array) -> Array:
        return biased

    def inverse(self, variance: Array) -> Array:
        wrong: Array = 1 / np.sqrt(variance + variance.dtype.type(self.epsilon))
        return wrong


class _Unbiased(_Wrong):
    def variance(self, biased: Array) -> Array:
        return biased * (self.norm_batch_size / (self.norm_batch_size - 1))


class _UnbiasedButTold(_Wrong):
    """Running averages see the biased variance; x_hat is divided by the other."""

    def inverse(self, variance: Array) -> Array:
        m = self.norm_batch_size
        wrong: Array = 1 / np.sqrt(variance * (m / (m - 1)) + variance.dtype.type(self.epsilon))
        return wrong


class _EpsilonOutside(_Wrong):
    def inverse(self, variance: Array) -> Array:
        wrong: Array = 1 / (np.sqrt(variance) + variance.dtype.type(self.epsilon))
        return wrong


class _Interleaved(Norm):
    """Ghosts of every n-th example instead of consecutive ones."""

    def forward(
        self, parameters: Parameters, x: Array, generators: Generators
    ) -> tuple[Array, NormTape]:
        m = self.normaliser.sharing(x.shape[1])
        y, tape = super().forward(parameters, _turned(x, x.shape[1] // m), generators)
        return _turned(y, m), tape

    def backward(
        self, parameters: Parameters, tape: NormTape, dy: Array
    ) -> tuple[Array, Parameters]:
        m = self.normaliser.sharing(dy.shape[1])
        dx, gradients = super().backward(parameters, tape, _turned(dy, dy.shape[1] // m))
        return _turned(dx, m), gradients


def _turned(x: Array, ghosts: int) -> Array:
    """The first example of each part, then the second of each, and so on."""
    parts = x.reshape(len(x), -1, ghosts, x.shape[2])
    return parts.transpose(0, 2, 1, 3).reshape(x.shape)


BROKEN: dict[str, tuple[Callable[[int], Norm], set[str]]] = {
    "no variance term": (
        lambda m: Norm(_NoVarianceTerm(m)),
        {"scale_null", "coupling", "orthogonality"},
    ),
    "no mean term": (lambda m: Norm(_NoMeanTerm(m)), {"shift_null", "coupling"}),
    "unbiased variance": (lambda m: Norm(_Unbiased(m)), {"moments", "scale", "scale_null"}),
    "unbiased variance, biased tape": (
        lambda m: Norm(_UnbiasedButTold(m)),
        {"deviation", "scale", "scale_null"},
    ),
    "epsilon outside the root": (lambda m: Norm(_EpsilonOutside(m)), {"deviation"}),
    "interleaved ghosts": (lambda m: _Interleaved(BatchNorm(m)), {"moments"}),
}


@pytest.mark.parametrize("m", [*SIZES, 3, 5])
def test_batch_norm_passes(m: int) -> None:
    for (seed, epsilon), dtype in product(((0, 1e-5), (1, 1e-3), (2, 1.0)), DTYPES):
        x = normal(seed, 2, 255 + m - 255 % m, 9).astype(dtype)
        for network in (
            two_norms(Norm(BatchNorm(m, epsilon))),
            two_norms(Norm(BatchNorm(m, epsilon)), True),
        ):
            invariants = checked(network, x, seed)
            assert invariants.passed and not invariants.failed, (seed, dtype, invariants)


@pytest.mark.parametrize("m", [2, 16, 256])
def test_batch_norm_passes_on_awkward_inputs(m: int) -> None:
    noise = normal(1, 2, 256, 9)
    inputs = {
        "far from zero": 0.01 * noise + 20,
        "constant": np.full_like(noise, 17.3),
        "tiny": 1e-6 * noise,
        "huge": 1e6 * noise,
        "binary": (noise > 1).astype(float),
    }
    for (kind, x), dtype in product(inputs.items(), DTYPES):
        invariants = checked(two_norms(Norm(BatchNorm(m))), x.astype(dtype))
        assert invariants.passed, (kind, dtype, invariants)


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_batch_norm_fails(name: str) -> None:
    kind, expected = BROKEN[name]
    for m, dtype in product(SIZES, DTYPES):
        invariants = checked(two_norms(kind(m)), normal(0, 2, 512, 9).astype(dtype))
        failed = set(invariants.failed)
        assert not invariants.passed, (m, dtype)
        # With two examples x_hat is a sign, and only its mean product with the gradient remains.
        assert expected - {"coupling", "orthogonality"} <= failed, (m, dtype, invariants)
        assert expected - {"orthogonality"} <= failed or m == 2, (m, dtype, invariants)


@pytest.mark.parametrize("m", [2, 8, 64, 128])
def test_a_broken_batch_norm_fails_without_a_dead_unit(m: int) -> None:
    """A misplaced epsilon of 1e-5 then moves nothing by more than some 1e-5."""
    for dtype in DTYPES:
        x = normal(0, 2, 256, 9).astype(dtype)
        assert checked(two_norms(Norm(BatchNorm(m))), x, dead=()).passed
        for name, (broken, _) in BROKEN.items():
            assert not checked(two_norms(broken(m)), x, dead=()).passed, (name, dtype)


@pytest.mark.parametrize("m", [4, 64])
@pytest.mark.parametrize("name", BROKEN)
def test_one_broken_layer_is_enough(name: str, m: int) -> None:
    right, broken = Norm(BatchNorm(m)), BROKEN[name][0](m)
    x = normal(0, 2, 256, 9)
    for wrong in ("norm1", "norm2"):
        layers = two_norms(right).layers
        network = Network(tuple((k, broken if k == wrong else layer) for k, layer in layers))
        assert not checked(network, x).passed


def test_a_weight_gradient_with_a_radial_part_fails_orthogonality() -> None:
    assert (
        "orthogonality"
        in checked(two_norms(Norm(_NoVarianceTerm(16))), normal(0, 2, 256, 9)).failed
    )
