"""`caviar audit --repair OUT`: the model's weights with recomputed statistics, in a new file."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from caviar.runner.errors import RequestError


class Request(NamedTuple):
    """What a command line names: the model, its weights, the data, and parts of a batch."""

    model: str
    weights: Path | None
    data: str
    inputs: str | None
    target: str | None
    loss: str | None


def must_be_new(out: Path) -> None:
    """Raise RequestError where something lies at `out`, or its folder does not exist."""
    if out.exists():
        raise RequestError(f"{str(out)!r} exists already; name a new file for the repaired weights")
    if not out.parent.is_dir():
        raise RequestError(f"there is no folder {str(out.parent)!r} for the repaired weights")


def repaired(request: Request, out: Path) -> str:
    """Repair the model and write its state dict to `out`; what was done, or why it was not."""
    from caviar.runner.torch_models.loading import (
        data_at,
        loss_at,
        model_at,
        part_at,
        save_weights,
    )
    from caviar.runner.torch_models.measuring.repair import repair

    model = model_at(request.model, request.weights)
    inputs, target = part_at(request.inputs), part_at(request.target)
    data, loss = data_at(request.data), loss_at(request.loss)
    try:
        report = repair(model, data, loss=loss, inputs=inputs, target=target)
    except RequestError as error:
        return f"Not repaired: {error}"
    save_weights(model, out)
    read = f"{report.examples:,} examples" + (", all there are" if report.whole else "")
    return f"{report}\nRepaired from {read}; the state dict is in {out}."
