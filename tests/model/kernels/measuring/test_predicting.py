from __future__ import annotations

import numpy as np
import pytest

from caviar.model.averages.bank import frozen
from caviar.model.contract import Array, Moments
from caviar.model.kernels.measuring.predicting import predicting
from caviar.model.measurements.evalnorm import evalnorm_statistics
from caviar.model.measurements.losses import batch_statistics
from caviar.model.network import Statistics
from caviar.model.norms.batch_norm import BatchNorm
from caviar.model.norms.layer_norm import LayerNorm
from caviar.model.norms.norm import Norm
from tests.model.helpers import generators, randomised_network, small_mlp

pytestmark = pytest.mark.usefixtures("kernels")


def test_evaluation_keeps_every_bit() -> None:
    rng = np.random.default_rng(0)
    x: Array = rng.standard_normal((2, 12, 4)).astype(np.float32)
    widths = {"norm1": 37, "norm2": 5}
    known = {
        name: Moments(*rng.gamma(2.0, size=(2, 2, 1, units))) for name, units in widths.items()
    }
    kinds: tuple[Statistics, ...] = (
        frozen(known),
        batch_statistics(4),
        evalnorm_statistics(known, 4),
    )
    for norm in (BatchNorm(4, 1e-3), LayerNorm()):
        network = small_mlp(Norm(norm), hidden=tuple(widths.values()), dropout=0.5)
        parameters = network.init(generators(2), 4, np.float32)[0]
        parameters = randomised_network(parameters, 1)
        for kind in kinds:
            expected = network.predict(parameters, x, kind)
            np.testing.assert_array_equal(
                predicting(network).predict(parameters, x, kind), expected
            )


def test_a_value_that_is_not_a_number_stays() -> None:
    network = predicting(small_mlp(hidden=(3,)))
    parameters = network.init(generators(1), 4, np.float64)[0]
    x = np.full((1, 2, 4), np.nan)
    assert np.isnan(network.predict(parameters, x, batch_statistics(2))).all()


def test_training_and_names_are_as_before() -> None:
    network = small_mlp()
    faster = predicting(network)
    assert [name for name, _ in faster.layers] == [name for name, _ in network.layers]
    assert faster.norm_layers.keys() == network.norm_layers.keys()
    parameters = network.init(generators(1), 4, np.float64)[0]
    x = np.random.default_rng(0).standard_normal((1, 8, 4))
    ours, theirs = (one.forward(parameters, x, ())[0] for one in (faster, network))
    np.testing.assert_array_equal(ours, theirs)
