"""Normalising by other examples, against direct computation."""

from __future__ import annotations

import numpy as np
import pytest

from caviar.model.contract import Array, Parameters
from caviar.model.norms.batch_norm import BatchNorm
from caviar.model.norms.norm import Norm
from caviar.model.norms.other_examples import OtherExamplesNorm
from tests.model.helpers import normal


def _unit(x: Array) -> Parameters:
    shape = (x.shape[0], 1, x.shape[2])
    return {"gamma": np.ones(shape, x.dtype), "beta": np.zeros(shape, x.dtype)}


def _x_hat(layer: Norm, x: Array) -> Array:
    return layer.forward(_unit(x), x, ())[0]


@pytest.mark.parametrize("m", [1, 3, 6])
def test_other_examples_are_the_other_half_s(m: int) -> None:
    x, epsilon = normal(0, 2, 12, 5) + 3, 0.2
    z = _x_hat(Norm(OtherExamplesNorm(m, epsilon)), x)
    for start in range(0, 6, m):
        other = x[:, 6 + start : 6 + start + m]
        mean, variance = other.mean(axis=1, keepdims=True), other.var(axis=1, keepdims=True)
        for rows in (slice(start, start + m), slice(6 + start, 6 + start + m)):
            expected = (x[:, rows] - mean) / np.sqrt(variance + epsilon)
            np.testing.assert_allclose(z[:, rows], expected, rtol=1e-10)


def test_the_other_half_is_batch_norm() -> None:
    x, dy = normal(0, 2, 24, 5) + 3, normal(1, 2, 24, 5)
    dy[:, :12] = 0
    y, tape = Norm(OtherExamplesNorm(4, 0.1)).forward(_unit(x), x, ())
    plain, plain_tape = Norm(BatchNorm(4, 0.1)).forward(_unit(x), x, ())
    np.testing.assert_allclose(y[:, 12:], plain[:, 12:], rtol=1e-12)
    dx, _ = Norm(OtherExamplesNorm(4, 0.1)).backward(_unit(x), tape, dy)
    plain_dx, _ = Norm(BatchNorm(4, 0.1)).backward(_unit(x), plain_tape, dy)
    np.testing.assert_allclose(dx, plain_dx, rtol=1e-10, atol=1e-14)


def test_every_ghost_takes_another() -> None:
    x = normal(0, 1, 24, 2)
    message = "a batch of 24 is an odd number of ghost batches of 8"
    with pytest.raises(ValueError, match=message):
        Norm(OtherExamplesNorm(8)).forward(_unit(x), x, ())
