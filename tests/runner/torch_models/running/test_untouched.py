from __future__ import annotations

import random
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from caviar.runner.torch_models.running.untouched import untouched
from tests.runner.torch_models.nets import mlp


def _disturb(model: Any, loader: Any) -> None:
    model.train()
    for batch in loader:
        model(batch)
    model[1].running_mean.fill_(3.0)
    model[1]._buffers["running_var"] = None
    model[1].momentum = 0.7
    model[1].unknown = 1
    model[0].register_forward_pre_hook(lambda module, args: None)
    random.random()
    np.random.random()  # noqa: NPY002
    torch.rand(1)


def _numpy_state() -> str:
    return repr(np.random.get_state(legacy=False)["state"])  # noqa: NPY002


@pytest.mark.parametrize("error", [None, KeyError("a mistake in between")])
def test_everything_is_put_back_to_the_last_bit(error: Exception | None) -> None:
    model = mlp(4).eval()
    model[2].train()
    model.register_forward_hook(lambda module, args, output: None)
    model(torch.ones(2, 6, dtype=torch.float64)).sum().backward()
    data: Any = torch.randn(8, 6, dtype=torch.float64)
    generator = torch.Generator().manual_seed(1)
    loader: Any = torch.utils.data.DataLoader(data, 2, shuffle=True, generator=generator)
    buffers = {
        name: (buffer, buffer.clone(), buffer._version) for name, buffer in model.named_buffers()
    }
    gradients = {p: (p.grad, p.grad.clone()) for p in model.parameters() if p.grad is not None}
    modes = [module.training for module in model.modules()]
    hooks = [dict(m._forward_pre_hooks) | dict(m._forward_hooks) for m in model.modules()]
    states = torch.get_rng_state(), generator.get_state(), random.getstate()
    numbers = _numpy_state()
    try:
        with untouched(model, loader):
            _disturb(model, loader)
            if error:
                raise error
    except KeyError as raised:
        assert raised is error
    assert {name: id(b) for name, b in model.named_buffers()} == {
        name: id(b) for name, (b, _, _) in buffers.items()
    }
    assert all(torch.equal(b, copy) and b._version == v for b, copy, v in buffers.values())
    assert all(p.grad is g and torch.equal(g, copy) for p, (g, copy) in gradients.items())
    assert [module.training for module in model.modules()] == modes
    assert hooks == [dict(m._forward_pre_hooks) | dict(m._forward_hooks) for m in model.modules()]
    assert model[1].momentum == 0.1 and not hasattr(model[1], "unknown")
    assert torch.equal(states[0], torch.get_rng_state())
    assert torch.equal(states[1], generator.get_state())
    assert (states[2], numbers) == (random.getstate(), _numpy_state())


def test_inside_numbers_are_drawn_from_the_seed_and_nothing_is_differentiated() -> None:
    model, drawn = mlp(4), []
    for _ in range(2):
        torch.rand(3)
        with untouched(model, seed=5):
            drawn.append(torch.rand(1).item())
            assert not model(torch.ones(2, 6, dtype=torch.float64)).requires_grad
    assert drawn[0] == drawn[1]


def test_a_buffer_that_two_modules_share_stays_shared() -> None:
    model = nn.Sequential(nn.BatchNorm1d(2), nn.BatchNorm1d(2))
    model[1]._buffers["running_mean"] = model[0]._buffers["running_mean"]
    with untouched(model):
        assert model[0].running_mean is model[1].running_mean
