"""Every trial checks its batch norm before anything is measured."""

from __future__ import annotations

from dataclasses import dataclass, replace
from importlib import import_module

import numpy as np
import pytest

from caviar.model.contract import Array, NormTape, Parameters
from caviar.model.network import Network
from caviar.model.norms.batch_norm import BatchNorm
from caviar.model.norms.norm import Norm
from caviar.model.records import (
    Checked,
    Curve,
)
from tests.model.helpers import (
    records_of,
    run,
    small_splits,
    small_training,
)

SPLITS = small_splits(2)


@dataclass(frozen=True)
class _ForgetsTheVariance(BatchNorm):
    """A backward pass through the mean alone."""

    def backward(self, parameters: Parameters, tape: NormTape, dz: Array) -> Array:
        wrong: Array = (dz - dz.mean(axis=2, keepdims=True)) * tape.inverse_deviation
        return wrong


def test_a_broken_batch_norm_is_named_before_anything_is_measured() -> None:
    training = small_training()
    layers = tuple(
        (name, Norm(_ForgetsTheVariance(8)) if isinstance(layer, Norm) else layer)
        for name, layer in training.network.layers
    )
    first, *_ = run(replace(training, network=Network(layers)), SPLITS)
    assert isinstance(first, Checked)
    assert "scale_null" in first.failed


def test_checking_changes_nothing_that_is_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    with_checks = records_of(Curve, small_training(), SPLITS)
    monkeypatch.setattr(import_module("caviar.model.train"), "CHECKED_STEPS", 0)
    without = records_of(Curve, small_training(), SPLITS)
    for one, other in zip(with_checks, without, strict=True):
        np.testing.assert_array_equal(one.loss, other.loss)
