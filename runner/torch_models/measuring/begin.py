"""The first pass of a model on its data: how it runs, and the loss of what it returns."""

from __future__ import annotations

from typing import NamedTuple

from torch import nn

from caviar.runner.torch_models.running.batches import Reader
from caviar.runner.torch_models.running.discovery import Discovery, discovered
from caviar.runner.torch_models.running.losses import Loss, LossFunction, chosen_loss
from caviar.runner.torch_models.running.norms import TorchNorm

EXAMPLES = 64
"""Examples of the first batch that pass."""


class Begun(NamedTuple):
    """How a model ran, and its loss; None where none was given and none fits."""

    discovery: Discovery
    loss: Loss | None


def begun(
    model: nn.Module, norms: tuple[TorchNorm, ...], reader: Reader, loss: LossFunction | None
) -> Begun:
    """Read one batch and pass some of it. Raises RequestError where model or loss fails."""
    some = reader.read(1).take(slice(0, EXAMPLES))
    discovery = discovered(model, norms, some)
    chosen = None
    if some.targets is not None or loss is not None:
        chosen = chosen_loss(loss, discovery.output, some.targets)
    if chosen is not None:
        chosen.scores(discovery.output, some.targets, some.number)
    return Begun(discovery, chosen)
