from __future__ import annotations

from typing import NamedTuple

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from caviar.runner.errors import RequestError
from caviar.runner.torch_models.running.losses import Loss, chosen_loss

LOGITS = torch.tensor([[2.0, 0.0], [0.0, 1.0], [float("nan"), 0.0]], dtype=torch.float64)
LABELS = torch.tensor([0, 0, 1])


class Output(NamedTuple):
    logits: Tensor
    auxiliary: Tensor


def scored(loss: Loss | None, output: object, targets: Tensor, count: int) -> list[float]:
    assert loss is not None
    return [round(float(value), 6) for value in loss.scores(output, targets, count).losses]


def test_cross_entropy_is_guessed_for_scores_of_classes() -> None:
    loss = chosen_loss(None, LOGITS, LABELS)
    assert loss is not None
    scores = loss.scores(LOGITS, LABELS, 3)
    expected = functional.cross_entropy(LOGITS, LABELS, reduction="none")
    torch.testing.assert_close(scores.losses, expected, equal_nan=True)
    assert scores.right is not None and scores.right.tolist() == [True, False, False]


@pytest.mark.parametrize(
    "output",
    [
        Output(LOGITS[:2], torch.ones(2)),
        {"logits": LOGITS[:2]},
        (LOGITS[:2], None),
        LOGITS[:2].half(),
    ],
)
def test_the_scores_are_taken_from_what_a_model_returns(output: object) -> None:
    loss = chosen_loss(None, output, LABELS[:2])
    assert scored(loss, output, LABELS[:2], 2) == pytest.approx([0.126928, 1.313262], abs=1e-3)


@pytest.mark.parametrize(
    "output, targets",
    [
        (torch.ones(3), torch.ones(3)),
        (torch.ones(3, 2), torch.tensor([0, 1, 2])),
        (torch.ones(3, 2), torch.tensor([0, -1, 1])),
        (torch.ones(3, 2, 4), torch.zeros(3, 4, dtype=torch.int64)),
        ("text", LABELS),
        (torch.ones(3, 2), None),
    ],
)
def test_no_loss_is_guessed_where_none_fits(output: object, targets: object) -> None:
    assert chosen_loss(None, output, targets) is None


@pytest.mark.parametrize(
    "loss",
    [
        nn.MSELoss(),
        functional.mse_loss,
        lambda output, targets: ((output - targets) ** 2).mean(),
    ],
)
def test_any_loss_gives_one_value_per_example(loss: object) -> None:
    output, targets = torch.tensor([[1.0, 2.0], [3.0, 5.0]]), torch.zeros(2, 2)
    chosen = chosen_loss(loss, output, targets)  # type: ignore[arg-type]
    assert scored(chosen, output, targets, 2) == [2.5, 17.0]
    assert getattr(loss, "reduction", "mean") == "mean"


def test_a_loss_that_fails_is_one_sentence() -> None:
    with pytest.raises(RequestError, match="loss = 'mse' cannot be called"):
        chosen_loss("mse", LOGITS, LABELS)  # type: ignore[arg-type]
    loss = chosen_loss(nn.MSELoss(), LOGITS, LABELS)
    assert loss is not None
    with pytest.raises(RequestError, match="the loss fails on the model's output, a Tensor"):
        loss.scores(LOGITS, torch.ones(5), 3)


@pytest.mark.parametrize("loss", [nn.MSELoss(), functional.l1_loss])
def test_a_loss_that_broadcasts_is_refused_instead_of_comparing_with_others(loss: object) -> None:
    output, targets = torch.tensor([[1.0], [3.0], [5.0]]), torch.tensor([1.0, 3.0, 5.0])
    chosen = chosen_loss(loss, output, targets)  # type: ignore[arg-type]
    assert chosen is not None
    with pytest.raises(RequestError, match=r"makes \(3, 3\) values of an output \(3, 1\)"):
        chosen.scores(output, targets, 3)
    assert scored(chosen, output, targets[:, None], 3) == [0.0, 0.0, 0.0]
