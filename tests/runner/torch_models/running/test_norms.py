from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from caviar.runner.errors import RequestError
from caviar.runner.torch_models.running.norms import (
    frozen_in_training,
    norms_of,
    unwrapped,
)
from tests.runner.torch_models.nets import mlp


class FrozenBatchNorm(nn.Module):
    """As torchvision writes it: buffers only, and no way to update."""

    def __init__(self, features: int) -> None:
        super().__init__()
        for name, value in (("weight", 1.0), ("bias", 0.0), ("running_mean", 0.0)):
            self.register_buffer(name, torch.full((features,), value))
        self.register_buffer("running_var", torch.ones(features))

    def forward(self, x: Tensor) -> Tensor:
        scale = self.weight * (self.running_var + 1e-5).rsqrt()
        return x * scale + self.bias - self.running_mean * scale


class Kept(nn.BatchNorm2d):
    """A subclass."""


class KeepsNormsFrozen(nn.Sequential):
    """The usual way to freeze: `train` leaves the norms in evaluation mode."""

    def train(self, mode: bool = True) -> KeepsNormsFrozen:
        super().train(mode)
        for module in self.modules():
            if isinstance(module, nn.BatchNorm1d):
                module.eval()
                with torch.no_grad():
                    module.weight.add_(1.0)
        return self


def test_every_kind_of_batch_norm_is_a_norm_and_no_other_layer() -> None:
    model = nn.ModuleDict(
        {
            "one": nn.BatchNorm1d(2),
            "two": Kept(2),
            "three": nn.BatchNorm3d(2),
            "sync": nn.SyncBatchNorm(2),
            "frozen": FrozenBatchNorm(2),
            "instance": nn.InstanceNorm2d(2, track_running_stats=True),
            "group": nn.GroupNorm(1, 2),
            "layer": nn.LayerNorm(2),
        }
    )
    assert [n.name for n in norms_of(model)] == ["one", "two", "three", "sync", "frozen"]


def test_a_norm_says_what_it_holds() -> None:
    module = nn.BatchNorm1d(2, momentum=0.3, eps=1e-3)
    module(torch.tensor([[0.0, 1.0], [2.0, 5.0]]))
    (norm,) = norms_of(nn.Sequential(module))
    stored = norm.stored()
    assert stored is not None
    assert stored.mean == pytest.approx([0.3, 0.9])
    assert stored.variance == pytest.approx([0.7 + 0.3 * 2, 0.7 + 0.3 * 8])
    assert (norm.name, norm.momentum, norm.epsilon, norm.updates) == ("0", 0.3, 1e-3, 1)
    plain = nn.BatchNorm1d(2, momentum=None, track_running_stats=False)
    (norm,) = norms_of(nn.Sequential(plain))
    assert (norm.stored(), norm.momentum, norm.updates) == (None, None, None)


class Compiled(nn.Module):
    """As `torch.compile` wraps a module, without the seconds that its import takes."""

    def __init__(self, module: nn.Module) -> None:
        super().__init__()
        self._orig_mod = module


def test_wrappers_are_taken_off() -> None:
    model = mlp(4)
    averaged = torch.optim.swa_utils.AveragedModel(model)
    assert unwrapped(averaged) is averaged.module
    assert unwrapped(nn.DataParallel(Compiled(model))) is model
    inner = nn.Sequential(Compiled(model))
    assert [norm.name for norm in norms_of(inner)] == ["0.1"]


@pytest.mark.parametrize(
    "model, sentence",
    [
        (nn.Sequential(nn.Linear(2, 2)), "the model Sequential has no batch norm"),
        (nn.Sequential(nn.LazyBatchNorm1d()), "layer '0' is not built yet"),
        (nn.Sequential(nn.LazyLinear(3), nn.BatchNorm1d(3)), "layer '0' is not built yet"),
    ],
)
def test_models_that_cannot_be_audited_are_refused(model: nn.Module, sentence: str) -> None:
    with pytest.raises(RequestError, match=sentence):
        norms_of(model)


def test_a_scripted_model_is_refused() -> None:
    with pytest.warns(DeprecationWarning):
        scripted = torch.jit.script(nn.Sequential(nn.BatchNorm1d(2)))
    with pytest.raises(RequestError, match="is scripted"):
        norms_of(scripted)


def test_what_is_no_model_is_refused() -> None:
    with pytest.raises(RequestError, match="a dict is not a model"):
        unwrapped({})  # type: ignore[arg-type]


def test_a_norm_is_frozen_that_training_leaves_as_it_is() -> None:
    model = mlp(4, 4, 4)
    model[4] = nn.BatchNorm1d(4, momentum=0.0)
    assert frozen_in_training(model.eval(), norms_of(model)) == {"4"}
    model.train()
    model[1].eval()
    assert frozen_in_training(model, norms_of(model)) == {"1", "4"}
    fixed = nn.Sequential(FrozenBatchNorm(2))
    assert frozen_in_training(fixed, norms_of(fixed)) == {"0"}


def test_a_models_train_that_keeps_norms_frozen_is_asked_and_undone() -> None:
    model = KeepsNormsFrozen(nn.Linear(2, 2), nn.BatchNorm1d(2)).eval()
    before = model.state_dict()["1.weight"].clone()
    assert frozen_in_training(model, norms_of(model)) == {"1"}
    assert torch.equal(model.state_dict()["1.weight"], before)
