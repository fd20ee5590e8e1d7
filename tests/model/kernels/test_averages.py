from __future__ import annotations

import numpy as np
import pytest

from caviar.model.averages.bank import GHOST_UPDATES, GhostUpdate, RunningStatistics
from caviar.model.averages.conventions import trackers
from caviar.model.averages.frameworks import ALL
from caviar.model.contract import Moments
from caviar.model.kernels.averages import folded
from tests.model.helpers import generators, small_mlp

pytestmark = pytest.mark.usefixtures("kernels")


@pytest.mark.parametrize("update", GHOST_UPDATES)
def test_many_updates_at_once_are_the_same_bits(update: GhostUpdate) -> None:
    running = RunningStatistics(trackers(tuple(ALL.values()), (0.5, 0.9)), update)
    network = small_mlp()
    parameters, _ = network.init(generators(2), 4, np.float32)
    rng, steps, ghosts = np.random.default_rng(0), 5, 3
    moments = {
        name: Moments(*rng.gamma(2.0, size=(2, 2, steps, ghosts, units)).astype(np.float32))
        for name, units in (("norm1", 6), ("norm2", 5))
    }
    state = running.init(network, parameters)
    one_by_one = state
    for t in range(steps):
        step = {name: Moments(*(part[:, t] for part in m)) for name, m in moments.items()}
        one_by_one = running.update(one_by_one, step, 8)
    for parts in ((slice(0, 5),), (slice(0, 2), slice(2, 5))):
        at_once = state
        for part in parts:
            some = {n: Moments(*(p[:, part] for p in m)) for n, m in moments.items()}
            at_once = folded(running, at_once, some, 8)
        assert at_once.updates == one_by_one.updates
        for name, average in one_by_one.averages.items():
            np.testing.assert_array_equal(at_once.averages[name].mean, average.mean)
            np.testing.assert_array_equal(at_once.averages[name].second, average.second)
