from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from caviar.runner.errors import RequestError
from caviar.runner.torch_models.measuring.begin import begun
from caviar.runner.torch_models.running.batches import Reader
from caviar.runner.torch_models.running.losses import LossFunction
from caviar.runner.torch_models.running.norms import norms_of
from tests.runner.torch_models.nets import mlp, rows

X, LABELS = rows(80)


@torch.no_grad()
@pytest.mark.parametrize(
    "batch, loss, has_loss",
    [
        ((X, LABELS), None, True),
        (X, None, False),
        ((X, X), None, False),
        ((X, X[:, :3]), nn.MSELoss(), True),
        (X, lambda output, targets: output.square().mean(), True),
    ],
)
def test_a_loss_is_guessed_given_or_missing(
    batch: object, loss: LossFunction | None, has_loss: bool
) -> None:
    model = mlp(4)
    begin = begun(model, norms_of(model), Reader([batch], model, None, None), loss)
    assert (begin.loss is not None) is has_loss
    output = begin.discovery.output
    assert isinstance(output, Tensor) and len(output) == 64


@torch.no_grad()
def test_a_loss_that_does_not_fit_is_one_sentence_before_anything_is_measured() -> None:
    model = mlp(4)
    reader = Reader([(X, LABELS)] * 9, model, None, None)
    with pytest.raises(RequestError, match="the loss fails on the model's output, a Tensor"):
        begun(model, norms_of(model), reader, nn.BCELoss())
    assert reader.count == 80
