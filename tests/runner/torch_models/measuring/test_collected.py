from __future__ import annotations

import pytest
import torch
from torch import Tensor

from caviar.runner.torch_models.measuring.collected import class_shares, scatter_batches
from caviar.runner.torch_models.measuring.measure import measure
from caviar.runner.torch_models.running.batches import Examples
from tests.runner.torch_models.nets import mlp, rows


@pytest.mark.parametrize("size, batches", [(2, 512), (4, 256), (32, 32), (128, 32), (256, 16)])
def test_a_scatter_rests_on_many_batches_or_many_examples(size: int, batches: int) -> None:
    assert scatter_batches(size) == batches


def test_a_scatter_of_huge_batches_rests_on_eight() -> None:
    assert scatter_batches(2048) == 8


@pytest.mark.parametrize(
    "labels",
    [
        None,
        torch.ones(8),
        torch.ones(8, 1, dtype=torch.int64),
        torch.arange(8) * 1000,
        -torch.ones(8).long(),
    ],
)
def test_labels_that_are_no_classes_have_no_shares(labels: Tensor | None) -> None:
    assert class_shares(Examples((torch.ones(8, 2),), {}, labels), 4) is None


def test_shares_of_classes_in_loaded_batches() -> None:
    labels = torch.tensor([0, 0, 1, 1, 2, 2, 2, 2, 0])
    shares = class_shares(Examples((torch.ones(9, 2),), {}, labels), 4)
    assert shares is not None and shares.tolist() == [[0.5, 0.5, 0], [0, 0, 1]]


def test_a_small_test_set_is_read_in_one_batch() -> None:
    evidence = measure(mlp(4), [rows(64)], test=[rows(10, seed=1)], batch_size=16)
    assert evidence.test is not None
    assert (evidence.test.batch.examples, evidence.test.batches, evidence.test.charged) == (
        10,
        {},
        {},
    )
    assert evidence.train is not None and sorted(evidence.train.charged) == ["1"]
