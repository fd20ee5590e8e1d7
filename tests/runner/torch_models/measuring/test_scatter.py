from __future__ import annotations

import copy

import numpy as np
import pytest
import torch
from torch import nn

from caviar.runner.torch_models.measuring.scatter import (
    BatchMoments,
    batch_moments,
    precise,
    scatter_of,
)
from tests.runner.torch_models.nets import cnn, examples, images, mlp, rows, subject


@torch.no_grad()
def test_batch_moments_are_those_of_a_pass_in_train_mode() -> None:
    model, data = cnn(2, 3), images(14)
    measured = batch_moments(subject(model, data), examples(data), 4)
    trained = copy.deepcopy(model).train()
    for batch, x in enumerate(data[0].split(4)[:3]):
        for name, until in (("1", 1), ("4", 4)):
            h = trained[:until](x)
            assert measured[name].mean[batch] == pytest.approx(h.mean(dim=(0, 2, 3)).numpy())
            variance = h.var(dim=(0, 2, 3), correction=0).numpy()
            assert measured[name].variance[batch] == pytest.approx(variance)
    assert len(measured["1"].mean) == 3


@torch.no_grad()
def test_the_rest_of_the_model_is_in_train_mode_unless_told() -> None:
    model, data = nn.Sequential(nn.Dropout(0.5), nn.BatchNorm1d(6).double()), rows(8)
    model[1].running_mean.zero_()
    part = subject(model, data)
    still = batch_moments(part, examples(data), 8, training=False)["1"].mean[0]
    assert still == pytest.approx(data[0].mean(dim=0).numpy())
    assert batch_moments(part, examples(data), 8)["1"].mean[0] != pytest.approx(still)


def test_the_scatter_of_disjoint_batches_is_that_of_independent_ones() -> None:
    """Of 4,000 partitions of 24 values into six batches: S^2 / m for the batch mean."""
    generator = np.random.default_rng(0)
    values = generator.gamma(1.0, size=24)
    drawn = generator.permuted(np.broadcast_to(values, (4000, 24)), axis=1).reshape(4000, 6, 4, 1)
    parts = [BatchMoments(x.mean(axis=1), x.var(axis=1)) for x in drawn]
    scatter = scatter_of(parts, 4, positions=9)
    assert scatter.variance.mean == pytest.approx([values.var(ddof=1) / 4], rel=0.02)
    assert scatter.expected.mean == pytest.approx([values.mean()])
    assert scatter.expected.variance == pytest.approx([values.var(ddof=1) * 3 / 4], rel=0.01)
    assert (scatter.batches, scatter.examples, scatter.values) == (24000, 96000, 36)


def test_one_batch_of_everything_does_not_scatter() -> None:
    scatter = scatter_of([BatchMoments(np.ones((1, 2)), np.ones((1, 2)))] * 3, 8, 1)
    assert scatter.variance.mean.tolist() == scatter.variance.variance.tolist() == [0, 0]


def test_precise_statistics_follow_the_law_of_total_variance() -> None:
    x = np.random.default_rng(1).gamma(1.0, size=(5, 4, 2))
    moments = precise(BatchMoments(x.mean(axis=1), x.var(axis=1)))
    assert moments.mean == pytest.approx(x.mean(axis=(0, 1)))
    assert moments.variance == pytest.approx(x.var(axis=(0, 1)))


@torch.no_grad()
def test_calls_of_a_shared_norm_are_averaged_by_batch() -> None:
    model, data = mlp(6), rows(8)
    shared = nn.Sequential(model[1], nn.ReLU(), model[1])
    measured = batch_moments(subject(shared, data), examples(data), 4)["0"]
    trained = copy.deepcopy(shared).train()
    for batch, x in enumerate(data[0].split(4)):
        calls = (x, trained[:2](x))
        expected = (
            sum(w * c.mean(dim=0).numpy() for w, c in zip((0.9, 1), calls, strict=True)) / 1.9
        )
        assert measured.mean[batch] == pytest.approx(expected)
