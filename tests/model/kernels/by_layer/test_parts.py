from __future__ import annotations

import numpy as np
import pytest

from caviar.model.kernels import places
from caviar.model.kernels.by_layer.parts import bias_of
from caviar.model.layers import Dense, Dropout, Relu
from caviar.model.network import Network
from caviar.model.norms.batch_norm import BatchNorm
from caviar.model.norms.norm import Norm
from tests.kernel_runs import apart, arm

pytestmark = pytest.mark.usefixtures("kernels")


def test_a_bias_in_front_of_batch_norm() -> None:
    hidden = ("a", Dense(17)), ("b", Norm(BatchNorm(4))), ("c", Relu()), ("d", Dropout(0.2))
    assert apart(arm(None, network=Network((*hidden, ("e", Dense(3)))), company=4)) < 1e-12


def test_a_bias_takes_the_places_of_a_shift() -> None:
    row = bias_of(np.arange(places.COLUMNS))
    assert row[[places.SHIFT, places.SHIFT_GRADIENT]].tolist() == [
        places.BIAS,
        places.BIAS_GRADIENT,
    ]
    assert row[places.SHIFT_VELOCITY] == places.BIAS_VELOCITY
    assert row[places.SHIFT_SECOND] == places.BIAS_SECOND and row[places.GAIN] == places.GAIN
