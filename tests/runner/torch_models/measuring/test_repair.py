from __future__ import annotations

import copy
import itertools
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from caviar.runner.errors import RequestError
from caviar.runner.torch_models.measuring.repair import repair
from tests.runner.torch_models.nets import batches, cnn, images, mlp, rows

WHOLE = 2000


def by_hand(model: nn.Sequential, x: Tensor) -> dict[str, tuple[Tensor, Tensor]]:
    """Moments of the whole set, layer after layer, in double precision."""
    moments = {}
    for name, module in copy.deepcopy(model).double().named_children():
        if isinstance(module, nn.BatchNorm1d | nn.BatchNorm2d):
            rest = [axis for axis in range(x.ndim) if axis != 1]
            moments[name] = (x.mean(dim=rest), x.var(dim=rest, correction=0))
            x = nn.functional.batch_norm(
                x, *moments[name], module.weight, module.bias, eps=module.eps
            )
        else:
            x = module(x)
    return moments


def log_ratio(norm: Any, variance: Tensor) -> float:
    alive = variance > 1e-12
    ratio = torch.log(norm.running_var.double()[alive] / variance[alive])
    return float(ratio.abs().mean())


@torch.no_grad()
@pytest.mark.parametrize("size, depth", list(itertools.product((4, 64, 1000), (2, 10, 50))))
def test_whole_set_statistics_at_any_batch_size_and_depth(size: int, depth: int) -> None:
    """|log ratio| of variances below 0.005; fvcore's rule gives -0.27 at m = 4."""
    model, (x, _) = mlp(*[16] * depth, dtype=torch.float32), rows(WHOLE)
    report = repair(model, x.split(size))
    assert (report.examples, report.whole, len(report.norms)) == (WHOLE, True, depth)
    for name, (mean, variance) in by_hand(model, x).items():
        norm = model[int(name)]
        assert log_ratio(norm, variance) < 0.005
        away = (norm.running_mean.double() - mean) / variance.clamp(min=1e-12).sqrt()
        assert float(away.abs().mean()) < 0.005


@torch.no_grad()
def test_a_stated_error_is_kept_where_the_data_do_not_end() -> None:
    model = mlp(16, 16)
    report = repair(model, ((rows(500, seed=seed)[0],) for seed in itertools.count()))
    assert not report.whole
    assert max(max(n.mean_error or 0, n.variance_error or 0) for n in report.norms) < 0.0055
    other = torch.cat(
        [rows(500, seed=-1 - seed)[0] for seed in range(0)] or [rows(60000, seed=1)[0]]
    )
    for name, (_, variance) in by_hand(model, other).items():
        assert log_ratio(model[int(name)], variance) < 0.02


@torch.no_grad()
def test_nothing_but_the_statistics_changes() -> None:
    model, data = cnn(3, 4).eval(), images(64)
    before = copy.deepcopy(model.state_dict())
    report = repair(model, batches(data, 8))
    changed = {k for k, v in model.state_dict().items() if not torch.equal(v, before[k])}
    assert changed == {f"{i}.running_{kind}" for i in (1, 4) for kind in ("mean", "var")}
    assert not model.training
    assert [line.split()[0] for line in str(report).splitlines()] == ["norm", "1", "4"]


@torch.no_grad()
def test_where_recomputing_hurts_it_is_refused_and_nothing_changes() -> None:
    model, (x, _) = mlp(8), rows(256)
    model[1].running_mean.fill_(3.0)
    model[1].running_var.fill_(0.2)
    labels = model.eval()(x).argmax(dim=1)
    before = copy.deepcopy(model.state_dict())
    with pytest.raises(RequestError, match=r"would raise the loss .* stored, as when"):
        repair(model, batches((x, labels), 32))
    assert all(torch.equal(v, before[k]) for k, v in model.state_dict().items())


@torch.no_grad()
def test_a_frozen_norm_needs_a_loss_to_be_repaired() -> None:
    model, (x, _) = mlp(8), rows(256)
    model[1].eval()
    with pytest.raises(RequestError, match="norm '1' is frozen in training"):
        repair(model, [x])
    random = torch.as_tensor(np.random.default_rng(0).integers(3, size=256))
    assert repair(model, [(x, random)]).norms[0].name == "1"


@pytest.mark.parametrize("momentum, updates", [(0.1, 5), (0.001, 248)])
def test_a_start_is_taken_out_without_data(momentum: float, updates: int) -> None:
    """Of averages of one batch again and again what is left is that batch."""
    norm, (x, _) = nn.BatchNorm1d(6, momentum=momentum).double(), rows(64)
    for _ in range(updates):
        norm(x)
    report = repair(nn.Sequential(norm))
    torch.testing.assert_close(norm.running_mean, x.mean(dim=0))
    torch.testing.assert_close(norm.running_var, x.var(dim=0))
    assert report.norms[0].start == pytest.approx((1 - momentum) ** updates)
    assert (report.norms[0].mean_error, report.examples) == (None, 0)
    assert "not known" in str(report)


def _held(**changes: Any) -> nn.Sequential:
    norm = nn.BatchNorm1d(2)
    for name, value in changes.items():
        getattr(norm, name).fill_(value)
    return nn.Sequential(norm)


@pytest.mark.parametrize(
    "model, data, sentence",
    [
        (_held(num_batches_tracked=0), None, "norm '0' was never updated"),
        (_held(num_batches_tracked=1000), None, "the start weighs less than 0.1 %"),
        (_held(num_batches_tracked=1, running_var=0.5), None, "it began elsewhere"),
        (_held(), [torch.ones(4, 2)], "the data hold 4 examples, too few"),
        (
            nn.Sequential(nn.BatchNorm1d(2, track_running_stats=False)),
            [torch.randn(64, 2)],
            "no batch norm of the model keeps statistics",
        ),
    ],
)
def test_what_cannot_be_repaired_is_one_sentence(
    model: nn.Module, data: object, sentence: str
) -> None:
    with pytest.raises(RequestError, match=sentence):
        repair(model, data)  # type: ignore[arg-type]
