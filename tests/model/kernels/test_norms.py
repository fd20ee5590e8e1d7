from __future__ import annotations

import numpy as np
import pytest

from caviar.model.contract import Array
from caviar.model.kernels.norms import normalise, normalise_backward
from caviar.model.layers import Relu
from caviar.model.norms.batch_norm import BatchNorm
from caviar.model.norms.norm import Norm
from tests.kernel_runs import Flat

pytestmark = pytest.mark.usefixtures("kernels")

EPSILON = 1e-3
X, Y, GAIN, SHIFT, INVERSE, SLOPE, BY_GAIN, BY_SHIFT = range(8)


def passes(
    x: Array, size: int, kept: int, slope: Array, gain: Array, shift: Array
) -> tuple[Flat, Array]:
    """The flat array after both passes, and the moments of the first `kept` ghosts."""
    examples, features = x.shape
    ghosts = examples // size
    one, several = (1, features), (examples, features)
    flat = Flat(np.float64, several, several, one, one, (ghosts, features), several, one, one)
    for i, values in ((X, x), (GAIN, gain), (SHIFT, shift), (SLOPE, slope)):
        flat[i][:] = values
    row, vectors = flat.rows[X], flat.vectors(X)
    moments = np.zeros((kept, 2, row))
    places = flat.places
    normalise(
        flat.array, places[X], row, places[Y], row, places[GAIN], places[SHIFT],
        places[INVERSE], examples, size, vectors, flat.lanes, EPSILON,
        moments.reshape(-1), 0, kept, row,
    )  # fmt: skip
    normalise_backward(
        flat.array, places[SLOPE], places[X], row, places[Y], row, places[GAIN],
        places[INVERSE], places[BY_GAIN], places[BY_SHIFT], examples, size, vectors, flat.lanes,
    )  # fmt: skip
    return flat, moments[..., :features]


def test_both_passes_are_those_of_the_layers() -> None:
    rng = np.random.default_rng(0)
    for size, ghosts, features in ((1, 3, 5), (2, 4, 8), (7, 1, 20)):
        x, slope = rng.standard_normal((2, size * ghosts, features))
        gain, shift = rng.standard_normal((2, features))
        flat, moments = passes(x, size, ghosts, slope, gain, shift)
        norm = Norm(BatchNorm(size, EPSILON))
        parameters = {"gamma": gain[None, None], "beta": shift[None, None]}
        y, tape = norm.forward(parameters, x[None], ())
        active, mask = Relu().forward({}, y, ())
        dx, gradients = norm.backward(parameters, tape, slope[None] * mask)
        for i, expected in (
            (X, tape.x_hat[0].reshape(x.shape)),
            (Y, active[0]),
            (INVERSE, tape.inverse_deviation[0, :, 0]),
            (SLOPE, dx[0]),
            (BY_GAIN, gradients["gamma"][0]),
            (BY_SHIFT, gradients["beta"][0]),
        ):
            np.testing.assert_allclose(flat[i], expected, atol=1e-12)
        assert tape.moments is not None
        np.testing.assert_allclose(moments[:, 0], tape.moments.mean[0], atol=1e-14)
        np.testing.assert_allclose(moments[:, 1], tape.moments.variance[0], atol=1e-14)


def test_a_value_that_is_not_a_number_is_not_rectified_away() -> None:
    x = np.ones((2, 3))
    x[0, 1] = np.nan
    flat, _ = passes(x, 2, 1, x, np.ones(3), np.zeros(3))
    np.testing.assert_array_equal(np.isnan(flat[Y]), [[False, True, False]] * 2)
