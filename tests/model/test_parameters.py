"""Functions over all arrays of a network, by layer and name."""

from __future__ import annotations

import numpy as np
import pytest

from caviar.model.contract import NetworkParameters
from caviar.model.parameters import arrays, each, joined

ONE: NetworkParameters = {
    "dense1": {"weight": np.array([1.0, 2.0]), "bias": np.array([3.0])},
    "relu1": {},
    "norm1": {"gamma": np.array([4.0])},
}
OTHER_ORDER: NetworkParameters = {
    "norm1": {"gamma": np.array([40.0])},
    "relu1": {},
    "dense1": {"bias": np.array([30.0]), "weight": np.array([10.0, 20.0])},
}


def test_each_meets_arrays_of_one_layer_and_name_in_the_order_of_the_first() -> None:
    total = each(np.add, ONE, OTHER_ORDER)
    np.testing.assert_equal(
        total,
        {
            "dense1": {"weight": np.array([11.0, 22.0]), "bias": np.array([33.0])},
            "relu1": {},
            "norm1": {"gamma": np.array([44.0])},
        },
    )
    for first, second in ((ONE, OTHER_ORDER), (OTHER_ORDER, ONE)):
        total = each(np.add, first, second)
        keys = [(layer, name) for layer, by_name in total.items() for name in by_name]
        assert keys == [(layer, name) for layer, by_name in first.items() for name in by_name]


def test_each_needs_every_array_of_the_first() -> None:
    with pytest.raises(KeyError, match="norm1"):
        each(np.add, ONE, {"dense1": ONE["dense1"], "relu1": {}})


def test_arrays_come_layer_by_layer() -> None:
    assert [array[0] for array in arrays(ONE)] == [1.0, 3.0, 4.0]
    assert [array[0] for array in arrays(OTHER_ORDER)] == [40.0, 30.0, 10.0]


def test_a_layer_gets_what_it_carries_beside_its_parameters() -> None:
    both = joined(ONE, {"norm1": {"reference_mean": np.array([5.0])}})
    assert list(both) == list(ONE)
    assert list(both["norm1"]) == ["gamma", "reference_mean"]
    assert both["dense1"] == ONE["dense1"] and list(ONE["norm1"]) == ["gamma"]
