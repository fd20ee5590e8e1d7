from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import DTypeLike

from caviar.model.contract import Array, Generators
from caviar.model.kernels import places
from caviar.model.kernels.by_layer.dropped import dropped, widened
from caviar.model.kernels.by_layer.norm_kernel import Site
from caviar.model.kernels.proof import PLAIN
from caviar.model.kernels.stack import Stack
from caviar.model.layers import Dropout
from caviar.model.norms.batch_norm import BatchNorm
from caviar.model.steps.optimizers import Adam
from caviar.model.steps.state import initial_state
from tests.kernel_runs import SHADOWED, apart, arm, first_batch, splits, training

pytestmark = pytest.mark.usefixtures("kernels")

DROPOUT = Dropout(0.3)


def site_of(dtype: DTypeLike) -> Site:
    """The first norm of a stack, seven features wide, with random numbers in all its places."""
    run = training(5, 4, hidden=(7, 5))
    data, parameters = splits(dtype=dtype).train, initial_state(run, 4, dtype).parameters
    stack = Stack(run, data, parameters, every_ghost=True)
    rows = first_batch(data, 8)[:, None]
    site: Site = stack.take(rows, PLAIN, [0.0], np.zeros(1, bool), ()).passed[0].site
    random = np.random.default_rng(5)
    for part in (site.y, site.slope):
        part[:] = random.normal(size=part.shape)
    return site


def generators() -> Generators:
    return tuple(np.random.default_rng(seed) for seed in (8, 9))


def beyond(site: Site) -> Array:
    """What lies behind the seven features of the first replica's first row, in y and the slope."""
    starts = site.above[places.INPUT], site.layer[places.SLOPE]
    return np.stack([site.arrays[0, start + 7 : start + site.padded] for start in starts])


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_dropped_is_what_numpy_multiplies_from_the_same_stream(dtype: DTypeLike) -> None:
    site, ours, theirs = site_of(dtype), generators(), generators()
    y = site.y.copy()
    expected, mask = DROPOUT.forward({}, y, theirs)
    draws = dropped(site, DROPOUT, ours)
    np.testing.assert_array_equal(site.y, expected)
    np.testing.assert_array_equal(DROPOUT.mask_of(draws, dtype), mask)
    assert 0 < np.mean(mask == 0) < 1
    assert not beyond(site).any()
    assert [g.bit_generator.state for g in ours] == [g.bit_generator.state for g in theirs]


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_widened_is_the_gradient_where_inputs_were_kept(dtype: DTypeLike) -> None:
    site = site_of(dtype)
    dy = site.slope.copy()
    widened(site, DROPOUT)
    np.testing.assert_array_equal(site.slope, dy * np.asarray(DROPOUT.scale, dtype))
    assert not beyond(site).any()


def test_infinities_are_dropped_as_in_numpy() -> None:
    site, theirs = site_of(np.float64), generators()
    site.y[:, :3] = np.inf
    with np.errstate(invalid="ignore"):
        expected, _ = DROPOUT.forward({}, site.y.copy(), theirs)
    dropped(site, DROPOUT, generators())
    np.testing.assert_array_equal(site.y, expected)
    assert np.isnan(site.y).any()


def test_a_hundred_steps() -> None:
    run = arm(BatchNorm(4), dropout=0.3, company=8, probes=SHADOWED, optimizer=Adam(0.9, 0.999))
    assert apart(run) < 1e-12
