from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from caviar.runner.errors import RequestError
from caviar.runner.torch_models.running.discovery import discovered
from caviar.runner.torch_models.running.norms import norms_of
from tests.runner.torch_models.nets import cnn, examples, images, rows


class OutOfOrder(nn.Module):
    """Uses its second norm first, the first twice, and the third in training alone."""

    def __init__(self) -> None:
        super().__init__()
        self.shared, self.early, self.late = (nn.BatchNorm1d(6).double() for _ in range(3))

    def forward(self, x: Tensor) -> Tensor:
        x = self.shared(self.shared(self.early(x)).relu())
        return self.late(x) if self.training else x


@torch.no_grad()
def test_norms_are_in_the_order_of_use_with_their_calls() -> None:
    model = OutOfOrder()
    discovery = discovered(model, norms_of(model), examples(rows(8)))
    assert discovery.subject.names == ("early", "shared")
    assert discovery.subject.calls == {"early": 1, "shared": 2}
    assert discovery.never_called == ("late",)
    assert discovery.output.shape == (8, 6)


@torch.no_grad()
def test_positions_and_bytes_of_the_largest_input() -> None:
    model = cnn(2, 3)
    subject = discovered(model, norms_of(model), examples(images(5))).subject
    assert subject.positions == {"1": 36, "4": 36}
    assert (subject.bytes_per_example, subject.by_row) == (3 * 36 * 8, True)
    wide = discovered(model, norms_of(model), examples(images(2, side=64))).subject
    assert (subject.at_once, wide.at_once) == (1024, 2**21 // (3 * 64**2 * 8))


@torch.no_grad()
def test_rows_that_are_no_examples_are_seen() -> None:
    model = nn.Sequential(nn.Flatten(0, 1), nn.BatchNorm1d(2).double())
    data = torch.randn(4, 5, 2, dtype=torch.float64), torch.arange(4)
    subject = discovered(model, norms_of(model), examples(data)).subject
    assert (subject.by_row, subject.positions) == (False, {"1": 5})


@torch.no_grad()
def test_a_model_that_uses_no_norm_is_refused() -> None:
    model = OutOfOrder()
    with pytest.raises(RequestError, match=r"does not call its batch norms \(1\) on these data"):
        discovered(model, norms_of(model)[2:], examples(rows(8)))
