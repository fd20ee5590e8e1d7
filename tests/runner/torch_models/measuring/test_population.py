from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from caviar.runner.torch_models.measuring import population as source
from caviar.runner.torch_models.measuring.population import (
    estimated,
    estimated_by_parts,
    population,
)
from tests.runner.torch_models.nets import cnn, examples, images, mlp, rows, subject


def _by_hand(model: nn.Sequential, x: Tensor) -> dict[str, tuple[Tensor, Tensor]]:
    """Layer after layer over everything, in the slowest and plainest way."""
    moments = {}
    for name, module in model.named_children():
        if isinstance(module, nn.BatchNorm1d | nn.BatchNorm2d):
            rest = [axis for axis in range(x.ndim) if axis != 1]
            moments[name] = (x.mean(dim=rest), x.var(dim=rest, correction=0))
            x = nn.functional.batch_norm(x, *moments[name], module.weight, module.bias)
        else:
            x = module(x)
    return moments


@torch.no_grad()
@pytest.mark.parametrize("memory", [2**30, 20_000])
@pytest.mark.parametrize("name", ["mlp", "cnn"])
def test_each_layer_has_lower_ones_already_right(
    name: str, memory: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """At once, and in sweeps over parts where memory does not allow it."""
    monkeypatch.setattr(source, "MOST_BYTES", memory)
    model, data = (mlp(9, 8, 7), rows(400)) if name == "mlp" else (cnn(2, 3, 4), images(60))
    measured = population(subject(model, data), examples(data))
    for norm, (mean, variance) in _by_hand(model.eval(), data[0]).items():
        torch.testing.assert_close(measured[norm].mean[0], mean, rtol=0, atol=1e-6)
        torch.testing.assert_close(measured[norm].variance[0], variance, rtol=1e-6, atol=0)


@torch.no_grad()
@pytest.mark.parametrize("memory", [2**30, 1000])
def test_a_shared_norm_holds_what_its_rule_averages(
    memory: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As updates of momentum 0.1 with the whole set weigh the first call and the second."""
    monkeypatch.setattr(source, "MOST_BYTES", memory)
    model, data = mlp(6), rows(50)
    shared = nn.Sequential(model[1], nn.ReLU(), model[1]).train()
    measured = population(subject(shared, data), examples(data))["0"]
    shared.train()
    for _ in range(200):
        shared(data[0])
    torch.testing.assert_close(measured.mean[0], shared[0].running_mean)
    torch.testing.assert_close(measured.variance[0] * 50 / 49, shared[0].running_var)


@torch.no_grad()
@pytest.mark.parametrize("count", [160, 640])
def test_errors_are_those_of_another_sample(count: int) -> None:
    """Stated against seen over 60 samples: the root mean square of each, within a fifth.

    The second norm's mean hardly varies, since the first moves with the sample.
    """
    model = mlp(16, 16)
    samples = [rows(count, seed=seed) for seed in range(60)]
    part = subject(model, samples[0])
    every = [estimated_by_parts(part, examples(data)) for data in samples]
    for name in part.names:
        for kind in ("mean", "variance"):
            values = np.stack([getattr(one[name].moments, kind) for one in every])
            errors = np.stack([getattr(one[name].error, kind) for one in every])
            alive = values.std(axis=0) > 0
            ratio = np.mean(errors**2, axis=0)[alive] / values.var(axis=0, ddof=1)[alive]
            assert np.median(ratio) ** 0.5 == pytest.approx(1, abs=0.2)


@torch.no_grad()
def test_images_of_like_pixels_count_as_examples_and_not_as_pixels() -> None:
    """A mean over 36 like pixels: its error is far above that of as many independent ones."""
    model, data = cnn(4), images(320)
    part = subject(model, data)
    errors = estimated_by_parts(part, examples(data))
    estimate = estimated(part, examples(data), errors)["1"]
    naive = np.sqrt(estimate.moments.variance / (320 * 36))
    by_example = model[0](data[0]).mean(dim=(2, 3)).std(dim=0) / 320**0.5
    assert estimate.error.mean == pytest.approx(by_example.numpy(), rel=0.6)
    assert np.all(estimate.error.mean > 3 * naive)


@torch.no_grad()
def test_weights_that_are_no_numbers_end_the_sweeps(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(source, "MOST_BYTES", 1)
    model, data = mlp(4, 4), rows(8)
    model[0].weight[0, 0] = float("nan")
    measured = population(subject(model, data), examples(data))
    assert torch.isnan(measured["1"].mean[0]).tolist() == [True, False, False, False]


@torch.no_grad()
def test_one_example_has_no_known_error() -> None:
    model, data = cnn(2), images(3)
    part = subject(model, data)
    estimate = estimated_by_parts(part, examples(data))["1"]
    assert np.isinf(estimate.error.mean).all()
