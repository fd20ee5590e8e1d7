"""Group norm, against direct computation and layer norm."""

from __future__ import annotations

import numpy as np
import pytest

from caviar.model.norms.group_norm import GroupNorm
from caviar.model.norms.layer_norm import LayerNorm
from caviar.model.norms.norm import Norm
from tests.model.helpers import normal

PARAMETERS = {"gamma": 1 + normal(1, 2, 1, 12) / 2, "beta": normal(2, 2, 1, 12)}
X = 3 * normal(0, 2, 5, 12) + 1


@pytest.mark.parametrize("groups", [1, 2, 3, 4, 6])
def test_consecutive_features_of_one_example_share_statistics(groups: int) -> None:
    """Wu & He 2018, equation 7."""
    y, tape = Norm(GroupNorm(groups, 0.1)).forward(PARAMETERS, X, ())
    size = 12 // groups
    assert tape.x_hat.shape == (2, 5 * groups, size, 1) and tape.moments is None
    for g in range(groups):
        columns = slice(g * size, (g + 1) * size)
        part = X[:, :, columns]
        mean, variance = part.mean(axis=2, keepdims=True), part.var(axis=2, keepdims=True)
        x_hat = (part - mean) / np.sqrt(variance + 0.1)
        gamma, beta = (PARAMETERS[k][:, :, columns] for k in ("gamma", "beta"))
        np.testing.assert_allclose(y[:, :, columns], gamma * x_hat + beta, rtol=1e-10)


def test_one_group_is_layer_norm_to_the_bit() -> None:
    one, other = Norm(GroupNorm(1, 0.1)), Norm(LayerNorm(0.1))
    y, tape = one.forward(PARAMETERS, X, ())
    y_layer, tape_layer = other.forward(PARAMETERS, X, ())
    np.testing.assert_array_equal(y, y_layer)
    dy = normal(5, *X.shape)
    dx, _ = one.backward(PARAMETERS, tape, dy)
    np.testing.assert_array_equal(dx, other.backward(PARAMETERS, tape_layer, dy)[0])


def test_groups_do_not_see_each_other() -> None:
    moved = X.copy()
    moved[:, :, 6:] += normal(7, 2, 5, 6)
    layer = Norm(GroupNorm(2))
    y, changed = (layer.forward(PARAMETERS, x, ())[0] for x in (X, moved))
    np.testing.assert_array_equal(y[:, :, :6], changed[:, :, :6])
    assert (y[:, :, 6:] != changed[:, :, 6:]).all()


def test_groups_that_do_not_divide_the_features_are_refused() -> None:
    message = "12 features cannot be cut into 5 groups: 12 / 5 leaves 2"
    with pytest.raises(ValueError, match=message):
        Norm(GroupNorm(5)).forward(PARAMETERS, X, ())
