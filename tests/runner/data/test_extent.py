"""A feature that a dtype cannot hold is refused by its name before a run."""

from __future__ import annotations

import numpy as np
import pytest

from caviar.model.contract import Array
from caviar.runner.config import TrialConfig
from caviar.runner.data.extent import check_extent
from caviar.runner.data.splits import make_splits
from caviar.runner.errors import RequestError
from tests.runner.data.test_scaling import NOISE, config, data_of

REFUSED: dict[str, tuple[Array, str, str]] = {
    "above float32": (NOISE * 1e39, "float32", "t.csv: values of 'a' reach"),
    "above float64": (NOISE * 1e200, "float64", "above the 1e+150 up to which float64"),
    "below float32": (NOISE * 1e-40, "float32", "t.csv: values of 'a' differ by at most"),
    "below float64": (NOISE * 1e-200, "float64", "below the 1e-150 from which float64"),
    "one value far away": (
        np.where(np.arange(400) == 7, 1e9, NOISE),
        "float32",
        "deviations from the mean of the training split of seed",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_a_dtype_cannot_hold_is_refused_by_name(case: str) -> None:
    column, dtype, words = REFUSED[case]
    outside = next(  # a seed whose training split does not have the one value
        seed
        for seed in range(40)
        if 7 not in make_splits(data_of(NOISE), one_seed(seed, dtype)).train.index
    )
    with pytest.raises(RequestError) as caught:
        check_extent(data_of(column, NOISE), one_seed(outside, dtype))
    assert words in str(caught.value) and "'a'" in str(caught.value)
    assert 'exclude = ["a"]' in str(caught.value)


def one_seed(seed: int, dtype: str) -> TrialConfig:
    return config(dtype).model_copy(update={"seeds": (seed,)})


def test_what_float32_cannot_hold_float64_may() -> None:
    check_extent(data_of(NOISE * 1e39, NOISE * 1e-40), config("float64"))


def test_the_farthest_values_are_told_by_seed_and_feature() -> None:
    farthest = check_extent(data_of(NOISE, NOISE * 0 + 37.2), config())
    assert farthest.shape == (2, 2) and not farthest[:, 1].any()
    np.testing.assert_allclose(farthest[:, 0], np.abs(NOISE).max(), rtol=0.2)
