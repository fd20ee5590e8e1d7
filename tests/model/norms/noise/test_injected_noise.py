from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import DTypeLike

from caviar.model.contract import Array, Parameters
from caviar.model.norms.batch_norm import BatchNorm
from caviar.model.norms.noise.injected_noise import (
    Noise,
    NoisyNorm,
    ScaleNoise,
    ShiftAndScaleNoise,
    ShiftNoise,
)
from caviar.model.norms.norm import Norm
from tests.model.helpers import generators, moments, normal

KINDS: dict[str, type[ShiftNoise | ScaleNoise | ShiftAndScaleNoise]] = {
    "shift": ShiftNoise,
    "scale": ScaleNoise,
    "both": ShiftAndScaleNoise,
}
EPSILON = 0.05


def _unit(x: Array) -> Parameters:
    shape = (x.shape[0], 1, x.shape[2])
    return {"gamma": np.ones(shape, x.dtype), "beta": np.zeros(shape, x.dtype)}


def _z(value: Array, expected: float, variance: float) -> float:
    """Standard errors between the mean of independent values and what it should be."""
    return float((value.mean() - expected) / np.sqrt(variance / value.size))


@pytest.mark.parametrize("m", [2, 4, 16])
def test_delta_is_normal_with_the_variance_of_a_batch_mean(m: int) -> None:
    for kind in (ShiftNoise, ShiftAndScaleNoise):
        delta, _ = kind(1).draw(generators(2, m), m, (200, 300))
        assert abs(_z(delta, 0, 1 / m)) < 4
        assert abs(_z(delta**2, 1 / m, 2 / m**2)) < 4
        assert abs(_z(delta**4, 3 / m**2, 96 / m**4)) < 4


@pytest.mark.parametrize("m", [2, 4, 16])
def test_s_squared_is_chi_squared_with_the_moments_of_a_biased_variance(m: int) -> None:
    for kind in (ScaleNoise, ShiftAndScaleNoise):
        _, s = kind(1).draw(generators(2, m), m, (200, 300))
        assert s.min() > 0
        mean, variance = (m - 1) / m, 2 * (m - 1) / m**2
        assert abs(_z(s**2, mean, variance)) < 4
        fourth = 12 * (m - 1) * (m + 3) / m**4
        assert abs(_z((s**2 - mean) ** 2, variance, fourth - variance**2)) < 4


def test_the_law_is_that_of_normal_batches() -> None:
    """Mean and biased deviation of m normal examples, by their quantiles, two samples."""
    m, count = 5, 200_000
    batches = np.random.default_rng(1).standard_normal((count, m))
    delta, s = (part.ravel() for part in ShiftAndScaleNoise(1).draw(generators(1), m, (count, 1)))
    for drawn, sample in ((delta, batches.mean(axis=1)), (s, batches.std(axis=1))):
        for share in (0.1, 0.5, 0.9):
            below = np.mean(drawn < np.quantile(sample, share))
            assert abs(below - share) / np.sqrt(2 * share * (1 - share) / count) < 4


def test_shift_and_scale_are_independent_of_each_other_and_between_features() -> None:
    delta, s = ShiftAndScaleNoise(1).draw(generators(2), 4, (100_000, 2))
    pairs = [(delta, s), (delta[..., 0], delta[..., 1]), (s[..., 0], s[..., 1])]
    pairs += [(delta[0], delta[1]), (s[0], s[1]), (delta**2, s)]
    for a, b in pairs:
        assert abs(np.corrcoef(a.ravel(), b.ravel())[0, 1]) * np.sqrt(a.size) < 4


@pytest.mark.parametrize("shared", [1, 3, 6, 12])
@pytest.mark.parametrize("kind", KINDS)
def test_the_noise_blurs_the_whole_batch_s_x_hat(kind: str, shared: int) -> None:
    x = normal(0, 2, 12, 5) * 2 + 3
    noise: Noise = KINDS[kind](shared)
    y, _ = Norm(NoisyNorm(4, EPSILON, noise)).forward(_unit(x), x, generators(2))
    x_hat, _ = Norm(BatchNorm(12, EPSILON)).forward(_unit(x), x, ())
    delta, s = noise.draw(generators(2), 4, (12 // shared, 5))
    for i in range(12):
        expected = (x_hat[:, i] - delta[:, i // shared]) / s[:, i // shared]
        np.testing.assert_allclose(y[:, i], expected, rtol=1e-10)


def test_only_the_named_part_is_noisy() -> None:
    delta, s = ShiftNoise(1).draw(generators(2), 4, (6, 5))
    assert delta.shape == s.shape == (2, 6, 5)
    np.testing.assert_array_equal(s, 1)
    assert np.unique(delta).size == delta.size
    delta, s = ScaleNoise(1).draw(generators(2), 4, (6, 5))
    np.testing.assert_array_equal(delta, 0)
    assert np.unique(s).size == s.size


@pytest.mark.parametrize("kind", KINDS)
def test_noise_is_new_in_every_pass_the_same_under_a_seed_and_off_in_evaluation(kind: str) -> None:
    x, layer = normal(0, 2, 12, 5), Norm(NoisyNorm(4, EPSILON, KINDS[kind](3)))
    streams = generators(2)
    first, second = (layer.forward(_unit(x), x, streams)[0] for _ in range(2))
    assert not np.isclose(first, second).any()
    np.testing.assert_array_equal(first, layer.forward(_unit(x), x, generators(2))[0])
    state = streams[0].bit_generator.state
    _, tape = layer.forward(_unit(x), x, generators(2))
    layer.backward(_unit(x), tape, x)
    layer.predict(_unit(x), x, lambda h: moments(Norm(BatchNorm(12)).forward(_unit(h), h, ())[1]))
    assert streams[0].bit_generator.state == state


@pytest.mark.parametrize("kind", KINDS)
def test_draws_do_not_depend_on_the_precision_or_the_data(kind: str) -> None:
    x, layer = normal(0, 2, 12, 5), Norm(NoisyNorm(4, EPSILON, KINDS[kind](3)))
    tapes = [
        layer.forward(_unit(h), h, generators(2))[1]
        for h in (x, 7 * normal(9, *x.shape), x.astype(np.float32))
    ]
    np.testing.assert_array_equal(tapes[0].scale, tapes[1].scale)
    np.testing.assert_array_equal(tapes[0].scale.astype(np.float32), tapes[2].scale)
    shifts = [t.z - t.scale * t.x_hat for t in tapes]
    np.testing.assert_allclose(shifts[0], shifts[1], atol=1e-12)
    np.testing.assert_allclose(shifts[0], shifts[2], atol=1e-5)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_large_noise_batch_is_batch_norm(dtype: DTypeLike) -> None:
    x = normal(0, 2, 12, 5).astype(dtype)
    y, _ = Norm(NoisyNorm(10**10, EPSILON, ShiftAndScaleNoise(1))).forward(
        _unit(x), x, generators(2)
    )
    plain, _ = Norm(BatchNorm(12, EPSILON)).forward(_unit(x), x, ())
    np.testing.assert_allclose(y, plain, atol=2e-4)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(("batch", "shared"), [(10, 4), (7, 3), (3, 8)])
def test_the_last_group_may_be_short(kind: str, batch: int, shared: int) -> None:
    """Its examples share their own draw, and the draws of the others do not change."""
    x = normal(0, 2, batch, 5)
    noise: Noise = KINDS[kind](shared)
    y, tape = Norm(NoisyNorm(4, EPSILON, noise)).forward(_unit(x), x, generators(2))
    x_hat, _ = Norm(BatchNorm(batch, EPSILON)).forward(_unit(x), x, ())
    delta, s = noise.draw(generators(2), 4, (-(-batch // shared), 5))
    for i in range(batch):
        expected = (x_hat[:, i] - delta[:, i // shared]) / s[:, i // shared]
        np.testing.assert_allclose(y[:, i], expected, rtol=1e-10)
    assert moments(tape).mean.shape == (2, 1, 5)


def test_a_batch_without_variance_is_refused() -> None:
    x = normal(0, 2, 10, 5)
    with pytest.raises(ValueError, match="a ghost batch of 1 has no variance to imitate"):
        Norm(NoisyNorm(1, EPSILON, ScaleNoise(1))).forward(_unit(x), x, generators(2))
