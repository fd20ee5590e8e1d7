from __future__ import annotations

import copy
from functools import partial

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from caviar.runner.errors import RequestError
from caviar.runner.torch_models.running.moments import TensorMoments, group_moments
from caviar.runner.torch_models.running.norms import norms_of
from caviar.runner.torch_models.running.passes import Call, forward
from tests.runner.torch_models.nets import cnn, images, mlp, rows


class NormAndActivation(nn.BatchNorm2d):
    """A subclass that does more than normalise, as timm's `BatchNormAct2d` does."""

    def forward(self, x: Tensor) -> Tensor:
        y = functional.batch_norm(
            x,
            self.running_mean,
            self.running_var,
            self.weight,
            self.bias,
            self.training,
            0.1,
            self.eps,
        )
        return functional.silu(y)


def by_batch(groups: int, name: str, x: Tensor) -> TensorMoments:
    return group_moments(x, len(x) // groups)


@torch.no_grad()
def test_a_pass_on_batch_statistics_is_a_pass_in_train_mode() -> None:
    model, (x, _) = cnn(3, 4), images(8)
    expected = copy.deepcopy(model).train()(x)
    output = forward(model, norms_of(model), Call((x,), {}), partial(by_batch, 1))
    torch.testing.assert_close(output, expected, rtol=1e-12, atol=1e-12)


@torch.no_grad()
@pytest.mark.parametrize("act", [False, True])
def test_groups_in_one_pass_are_passes_of_their_own(act: bool) -> None:
    model, (x, _) = cnn(3, 4), images(12)
    if act:
        model[4] = NormAndActivation(4, eps=0.1).double()
    trained = copy.deepcopy(model).train()
    expected = torch.cat([trained(part) for part in x.split(4)])
    output = forward(model, norms_of(model), Call((x,), {}), partial(by_batch, 3))
    torch.testing.assert_close(output, expected, rtol=1e-12, atol=1e-12)


@torch.no_grad()
def test_a_norm_without_statistics_takes_those_given() -> None:
    model, (x, _) = mlp(4), rows(8)
    model[1] = nn.BatchNorm1d(4, affine=False, track_running_stats=False)
    given = TensorMoments(torch.full((1, 4), 2.0), torch.full((1, 4), 3.0))
    output = forward(model, norms_of(model), Call((x,), {}), lambda name, x: given)
    expected = model[3](((model[0](x) - 2) / (3 + 1e-5) ** 0.5).relu())
    torch.testing.assert_close(output, expected)


@torch.no_grad()
def test_a_pass_ends_at_the_last_norm() -> None:
    model, (x, _) = mlp(4, 4), rows(8)
    reached: list[str] = []
    for i, module in enumerate(model):
        module.register_forward_hook(lambda module, args, output, i=i: reached.append(str(i)))
    until = {"1": 1, "4": 1}
    assert (
        forward(model, norms_of(model), Call((x,), {}), partial(by_batch, 1), until=until) is None
    )
    assert reached == ["0", "1", "2", "3"]


@torch.no_grad()
def test_the_rest_of_the_model_is_in_the_mode_asked_for() -> None:
    model = nn.Sequential(nn.BatchNorm1d(2), nn.Dropout(0.5)).double()
    call = Call((torch.randn(64, 2).double(),), {})
    for training in (True, False):
        output = forward(model, norms_of(model), call, partial(by_batch, 1), training=training)
        assert bool((output == 0).any()) is training


def test_a_model_that_fails_is_one_sentence() -> None:
    model = mlp(4)
    with pytest.raises(RequestError, match=r"called with tensors of shape \[\[2, 5\]\]"):
        forward(
            model, norms_of(model), Call((torch.ones(2, 5).double(),), {}), partial(by_batch, 1)
        )


@torch.no_grad()
def test_a_pass_in_train_mode_leaves_the_state_of_other_layers() -> None:
    tracking = nn.InstanceNorm1d(1, track_running_stats=True)
    model, x = (
        nn.Sequential(nn.BatchNorm1d(2), nn.Unflatten(1, (1, 2)), tracking),
        torch.randn(8, 2),
    )
    before = copy.deepcopy(model.state_dict())
    norms = norms_of(model)
    forward(model, norms, Call((x,), {}), partial(by_batch, 1), training=True)
    after = model.state_dict()
    assert all(torch.equal(after[key], before[key]) for key in before if key.startswith("2."))
    with pytest.raises(RequestError, match="fails on the data in train mode, called"):
        forward(model, norms, Call((x[0],), {}), partial(by_batch, 1), training=True)
