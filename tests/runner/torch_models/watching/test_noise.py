from __future__ import annotations

import numpy as np
import pytest

from caviar.model.measurements.batch_noise import batch_noise
from caviar.runner.torch_models.watching.noise import ByExample, layer_noise
from tests.model.helpers import normal

EPSILON = 1e-2


def by_example(h: np.ndarray) -> ByExample:
    """Of inputs `(examples, features, positions)`."""
    mean, variance = h.mean(axis=(0, 2)), h.var(axis=(0, 2))
    z = (h - mean[:, None]) / np.sqrt(variance)[:, None]
    return ByExample(z.mean(axis=2), (z**2).mean(axis=2), EPSILON / variance)


def test_with_one_position_it_is_the_noise_of_our_own_layers() -> None:
    """From the same permutations; `batch_noise` draws an order of the features before them."""
    h = normal(3, 43, 5) * np.arange(1, 6) + 2
    sizes, generator = (3, 8, 40), np.random.default_rng(1)
    expected = batch_noise(h, sizes, EPSILON, np.random.default_rng(1))
    generator.permutation(5)
    measured = layer_noise(by_example(h[..., None]), (*sizes, 99), generator)
    assert measured.keys() == expected.keys()
    for m, columns in measured.items():
        for name, value in columns.items():
            assert value == pytest.approx(getattr(expected[m], name), rel=1e-9), (m, name)


def test_positions_are_averaged_as_a_batch_of_all_of_them() -> None:
    """Against the two partitions written out, position by position."""
    h, m = normal(4, 12, 2, 3) + normal(5, 12, 2, 1), 4
    columns = layer_noise(by_example(h), (m,), np.random.default_rng(2))[m]
    generator = np.random.default_rng(2)
    z = (h - h.mean((0, 2))[:, None]) / h.std((0, 2))[:, None]
    ratio = (EPSILON / h.var((0, 2)))[:, None]
    orders = [generator.permutation(12) for _ in range(11)]
    x_hat, squares = np.empty((11, *h.shape)), []
    for p, order in enumerate(orders):
        for batch in order.reshape(-1, m):
            mean, variance = z[batch].mean((0, 2)), z[batch].var((0, 2))
            x_hat[p, batch] = (z[batch] - mean[:, None]) / np.sqrt(variance[:, None] + ratio)
            squares.append(mean**2)
    assert columns["batches"] == 33
    assert columns["mean_variance"] == pytest.approx(np.mean(squares))
    two = 0.5 * np.mean((x_hat[0] - x_hat[1]) ** 2)
    assert columns["noise_to_signal"] == pytest.approx(two)
