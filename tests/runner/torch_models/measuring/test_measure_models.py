"""Models that are built, wrapped or broken in ways that an audit meets: right, or one sentence."""

from __future__ import annotations

import copy
import functools
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from caviar.analysis.audit.evidence import Evidence
from caviar.runner.errors import RequestError
from caviar.runner.torch_models.measuring.measure import measure
from tests.runner.torch_models.nets import cnn, images, mlp, rows

DATA = rows(128)
LOADER = [(DATA[0][i : i + 16], DATA[1][i : i + 16]) for i in range(0, 128, 16)]


def moved(model: nn.Sequential) -> nn.Sequential:
    """In evaluation mode, with statistics of some batches."""
    model.train()
    with torch.no_grad():
        for x, _ in LOADER[:3]:
            model(x)
    return model.eval()


@functools.cache
def plain() -> Evidence:
    return measure(moved(mlp(8, 6)), LOADER)


def compiled(model: nn.Module) -> Any:
    return torch.compile(model)


def same(evidence: Evidence, expected: Evidence, tolerance: float = 1e-9) -> None:
    assert [layer.name for layer in evidence.layers] == [layer.name for layer in expected.layers]
    for layer, other in zip(evidence.layers, expected.layers, strict=True):
        assert layer.stored is not None and other.stored is not None
        scale = np.sqrt(other.population.moments.variance) + 1e-3
        for moments, others in (
            (layer.stored, other.stored),
            (layer.population.moments, other.population.moments),
            (layer.regrouped.expected, other.regrouped.expected),
        ):
            assert np.abs((moments.mean - others.mean) / scale).max() < tolerance
            assert np.abs((moments.variance - others.variance) / scale**2).max() < tolerance
    assert evidence.train is not None and expected.train is not None
    for kind in ("population", "batch", "precise", "loaded"):
        reading, other_reading = getattr(evidence.train, kind), getattr(expected.train, kind)
        assert reading.loss == pytest.approx(other_reading.loss, abs=3 * tolerance)


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.parametrize(
    "wrap",
    [
        torch.compile,
        nn.DataParallel,
        torch.optim.swa_utils.AveragedModel,
        lambda model: nn.DataParallel(compiled(model)),
        nn.SyncBatchNorm.convert_sync_batchnorm,
    ],
)
def test_a_wrapped_model_is_audited_as_the_one_inside(wrap: Callable[[Any], Any]) -> None:
    same(measure(wrap(moved(mlp(8, 6))), LOADER), plain())


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_a_model_with_a_compiled_part_is_run_without_compiling() -> None:
    model = nn.Sequential(compiled(moved(mlp(8, 6))))
    evidence = measure(model, LOADER)
    assert [layer.name for layer in evidence.layers] == ["0.1", "0.4"]
    for layer, other in zip(evidence.layers, plain().layers, strict=True):
        exact, expected = layer.population.moments, other.population.moments
        assert exact.variance == pytest.approx(expected.variance)
    assert not torch._dynamo.utils.counters["frames"]


@pytest.mark.parametrize(
    "dtype, tolerance", [(torch.float32, 2e-5), (torch.bfloat16, 0.1), (torch.float16, 0.02)]
)
def test_other_precisions_give_the_same_to_theirs(dtype: torch.dtype, tolerance: float) -> None:
    model = moved(mlp(8, 6)).to(dtype)
    same(measure(model, LOADER), plain(), tolerance)
    assert model[1].running_mean.dtype == dtype


class Shared(nn.Module):
    """One norm after two layers."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.second = nn.Linear(6, 6).double(), nn.Linear(6, 3).double()
        self.norm, self.unused = nn.BatchNorm1d(6).double(), nn.BatchNorm1d(6).double()

    def forward(self, x: Tensor) -> Tensor:
        hidden: Tensor = self.first(self.norm(x)).relu()
        output: Tensor = self.second(self.norm(hidden))
        return output


def test_a_shared_norm_is_audited_as_training_averages_it() -> None:
    """After many updates at weights that rest, what it holds is its population."""
    torch.manual_seed(0)
    model = Shared().train()
    with torch.no_grad():
        for _ in range(100):
            model(DATA[0])
    evidence = measure(model.eval(), [DATA])
    (layer,) = evidence.layers
    assert (layer.name, layer.calls, evidence.never_called) == ("norm", 2, ("unused",))
    assert layer.stored is not None
    assert layer.population.moments.mean == pytest.approx(layer.stored.mean, rel=1e-3)
    ratio = layer.stored.variance / layer.population.moments.variance
    assert ratio == pytest.approx(np.full(6, 128 / 127), rel=1e-3)


def test_a_norm_without_statistics_is_audited_without_them() -> None:
    model = moved(mlp(8, 6))
    model[4] = nn.BatchNorm1d(6, track_running_stats=False).double()
    evidence = measure(model, LOADER)
    first, second = evidence.layers
    assert (second.stored, second.updates) == (None, None)
    assert first.population.moments.mean == pytest.approx(plain().layers[0].population.moments.mean)
    assert evidence.train is not None
    assert (evidence.train.stored, evidence.train.charged) == (None, {})
    assert model[4].running_mean is None


def test_a_cumulative_average_says_so() -> None:
    model = mlp(8, 6)
    model[1], model[4] = (nn.BatchNorm1d(n, momentum=None).double() for n in (8, 6))
    evidence = measure(moved(model), LOADER)
    assert [(layer.momentum, layer.updates) for layer in evidence.layers] == [(None, 3)] * 2


def test_weights_and_data_that_are_no_numbers_are_measured_as_such() -> None:
    model = moved(mlp(8, 6))
    model.load_state_dict({**model.state_dict(), "0.weight": torch.full((8, 6), float("nan"))})
    evidence = measure(model, LOADER)
    assert evidence.train is not None and np.isnan(evidence.train.population.loss)
    assert evidence.train.population.accuracy == 0
    spoilt = [(x.clone().fill_(float("inf")), y) for x, y in LOADER[:1]] + LOADER[1:]
    evidence = measure(moved(mlp(8, 6)), spoilt)
    assert np.isnan(evidence.layers[0].population.moments.variance).all()
    assert evidence.examples == 128


def test_a_stored_variance_that_is_no_number_is_measured_beside_what_is_right() -> None:
    model = moved(mlp(8, 6))
    model[1].running_var.fill_(float("nan"))
    evidence = measure(model, LOADER)
    assert evidence.train is not None and evidence.train.stored is not None
    assert np.isnan(evidence.train.stored.loss)
    assert evidence.train.population.loss == pytest.approx(plain().train.population.loss)


class Volumes(nn.Module):
    """Layers over volumes, an output that is no tensor, and noise of its own in training."""

    def __init__(self) -> None:
        super().__init__()
        self.body = nn.Sequential(nn.Conv3d(1, 2, 3, padding=1), nn.BatchNorm3d(2), nn.Dropout(0.5))
        self.head = nn.Linear(2, 3)

    def forward(self, volume: Tensor) -> dict[str, Any]:
        return {"logits": self.head(self.body(volume).mean(dim=(2, 3, 4))), "text": "not a tensor"}


def test_volumes_and_outputs_in_a_mapping() -> None:
    x = torch.randn(40, 1, 3, 4, 5)
    evidence = measure(Volumes(), [{"volume": x, "labels": torch.arange(40) % 3}], batch_size=8)
    assert evidence.train is not None
    assert evidence.layers[0].regrouped.values == 8 * 60


@pytest.mark.parametrize(
    "model, loader, sentence",
    [
        (lambda: nn.Sequential(nn.Flatten()), LOADER, "has no batch norm"),
        (lambda: mlp(4), [], "the data end before the first example"),
        (lambda: mlp(4), [("text", DATA[1])], "are no tensors: give `inputs`"),
        (lambda: mlp(4, features=5), LOADER, "the model fails on the data, called with tensors"),
        (lambda: cnn(2), LOADER, "the model fails on the data"),
    ],
)
def test_what_cannot_be_audited_leaves_the_model_as_it_is(
    model: Callable[[], nn.Module], loader: Any, sentence: str
) -> None:
    built = model().train()
    before = copy.deepcopy(built.state_dict())
    state = torch.get_rng_state()
    with pytest.raises(RequestError, match=sentence):
        measure(built, loader)
    assert all(torch.equal(value, before[key]) for key, value in built.state_dict().items())
    assert all(module.training and not module._forward_pre_hooks for module in built.modules())
    assert torch.equal(state, torch.get_rng_state())


def test_an_interrupt_in_the_middle_leaves_the_model_as_it_is() -> None:
    model, calls = moved(mlp(8, 6)), []

    def interrupting(module: nn.Module, args: Any) -> None:
        calls.append(1)
        if len(calls) == 5:
            raise KeyboardInterrupt

    handle = model[3].register_forward_pre_hook(interrupting)
    before = copy.deepcopy(model.state_dict())
    with pytest.raises(KeyboardInterrupt):
        measure(model, LOADER)
    assert all(torch.equal(value, before[key]) for key, value in model.state_dict().items())
    assert not any(module.training for module in model.modules())
    assert list(model[3]._forward_pre_hooks) == [handle.id]
    assert not model[1]._forward_pre_hooks


def test_one_batch_of_everything_has_no_scatter() -> None:
    evidence = measure(cnn(2), [images(24)])
    assert (evidence.batch_size, evidence.layers[0].regrouped.batches) == (24, 1)
    assert not evidence.layers[0].regrouped.variance.mean.any()
