from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import nn

from caviar.runner.errors import RequestError
from caviar.runner.torch_models.watching.averages import trackers_of
from caviar.runner.torch_models.watching.preparation import Data, probe_of, watchable
from tests.runner.torch_models.watching.trained import batches, small_network

TRACKERS = trackers_of(("unbiased",), (0.9,))


def data(**changes: Any) -> Data:
    given = {"train": batches(), "test": None, "examples": 40, "loss": None}
    return Data(**{**given, "inputs": None, "target": None, **changes})


def test_a_compiled_model_is_refused_since_its_hooks_are_not_called() -> None:
    model = small_network()
    assert watchable(nn.DataParallel(model)) is model
    compiled: Any = torch.compile(model, backend="eager")
    for one in (compiled, nn.Sequential(compiled)):
        with pytest.raises(RequestError, match="a compiled model calls no hooks"):
            watchable(one)
    model.compile(backend="eager")
    with pytest.raises(RequestError, match="a compiled model calls no hooks"):
        watchable(model)


def test_the_probe_holds_the_first_examples_and_no_more() -> None:
    probe = probe_of(small_network(), data(test=batches(1)), TRACKERS)
    assert probe.test is not None and (probe.train.number, probe.test.number) == (40, 16)
    assert probe.subject.names == ("1", "6") and probe.loss is not None


def test_without_targets_there_is_no_loss_and_a_test_set_needs_them() -> None:
    bare: Any = [x for x, _ in batches()]
    assert probe_of(small_network(), data(train=bare), TRACKERS).loss is None
    with pytest.raises(RequestError, match="the test batches hold no targets"):
        probe_of(small_network(), data(test=bare), TRACKERS)
