from __future__ import annotations

import numpy as np
import pytest
from torch import nn

from caviar.model.averages.bank import Steps
from caviar.model.contract import Moments
from caviar.runner.errors import RequestError
from caviar.runner.torch_models.watching.averages import Averages, own_decay, trackers_of
from tests.model.helpers import normal


def test_every_framework_may_be_named_and_a_wrong_name_is_told() -> None:
    names = [tracker.name for tracker in trackers_of(("unbiased", "keras-3", "cntk"), (0.9,))]
    assert names == ["unbiased/0.9", "keras-3/0.99", "cntk/5000.0"]
    with pytest.raises(RequestError, match="rule 'keras-33' is unknown"):
        trackers_of(("keras-33",), (0.9,))


@pytest.mark.parametrize(("momentum", "decay"), [(0.1, 0.9), (0.01, 0.99), (None, None)])
def test_the_decay_of_a_norm_is_one_less_its_momentum(
    momentum: float | None, decay: float | None
) -> None:
    assert own_decay(nn.BatchNorm1d(2, momentum=momentum)) == decay


def test_a_norm_counts_its_own_updates_and_bessel_counts_values() -> None:
    """Of 4 examples with 9 positions a mean is over 36 values; CNTK's memory counts examples."""
    norms = {"a": nn.BatchNorm2d(2), "b": nn.BatchNorm1d(3)}
    averages = Averages(norms, trackers_of(("cumulative", "cntk"), ()))
    mean, variance = normal(1, 1, 5, 2), normal(2, 1, 5, 2) ** 2
    averages.update({"a": [Steps(Moments(mean, variance), 36, 4)]})
    assert (averages.updates("a"), averages.updates("b")) == (5, 0)
    (read,) = averages.read().values()
    np.testing.assert_allclose(read.mean[0, 0], mean.mean(axis=(0, 1)))
    np.testing.assert_allclose(read.variance[0, 0], variance.mean(axis=(0, 1)) * 36 / 35)
    slow = np.exp(-4 / 5000)
    expected = mean[0, 0]
    for batch in mean[0, 1:]:
        expected = slow * expected + (1 - slow) * batch
    np.testing.assert_allclose(read.mean[1, 0], expected)


def test_a_rule_that_stores_epsilon_takes_that_of_the_norm() -> None:
    """DL4J averaged the variance plus epsilon, from 1 on, and divides by what it stored."""
    averages = Averages({"a": nn.BatchNorm1d(1, eps=0.25)}, trackers_of(("dl4j-old",), ()))
    averages.update({"a": [Steps(Moments(np.zeros((1, 1, 1)), np.full((1, 1, 1), 3.0)), 4, 4)]})
    assert averages.read()["a"].variance.item() == pytest.approx(0.9 * 1 + 0.1 * 3.25 - 0.25)
