"""The loss of each example, from what a model returns and the right answers."""

from __future__ import annotations

import copy
import inspect
import warnings
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.nn import functional

from caviar.runner.errors import RequestError, shown
from caviar.runner.torch_models.running.trees import Tree, taken

LossFunction = Callable[[Any, Any], Any]
"""From a model's output and the targets to a loss, as PyTorch's losses are called."""

OUTPUTS = ("logits", "out", "output")


class Scores(NamedTuple):
    """By example, in nats or the unit of the loss; `right` is None without classes."""

    losses: Tensor
    right: Tensor | None


class Loss(NamedTuple):
    """A loss that gives one value per example, or is called with one example at a time."""

    function: LossFunction
    by_example: bool
    on_raw_output: bool

    def scores(self, output: Any, targets: Tree, count: int) -> Scores:
        """Those of `count` examples. Raises RequestError where the loss fails."""
        logits = logits_of(output)
        given = output if self.on_raw_output or logits is None else logits
        try:
            losses = self._losses(given, targets, count)
        except RequestError:
            raise
        except Exception as error:
            raise RequestError(
                f"the loss fails on the model's output, a {type(output).__name__} "
                f"({type(error).__name__}: {error}): give `loss`, a function of the output and "
                "the targets"
            ) from error
        return Scores(losses, _right(logits, targets))

    def _losses(self, output: Any, targets: Tree, count: int) -> Tensor:
        if self.by_example:
            with warnings.catch_warnings(action="ignore", category=UserWarning):
                values = torch.as_tensor(self.function(output, targets))
            _must_not_broadcast(values, output, targets)
            return values.cpu().double().reshape(count, -1).mean(dim=1)
        rows = [slice(i, i + 1) for i in range(count)]
        each = [self.function(taken(output, row), taken(targets, row)) for row in rows]
        return torch.stack([torch.as_tensor(value).cpu().double().mean() for value in each])


def chosen_loss(loss: LossFunction | None, output: Any, targets: Tree) -> Loss | None:
    """The loss given, one value per example where it can; cross-entropy where it fits; or None.

    Raises RequestError for what cannot be called.
    """
    if loss is None:
        logits = logits_of(output)
        fits = logits is not None and logits.is_floating_point() and _classes(logits, targets)
        return Loss(_cross_entropy, True, False) if fits else None
    if not callable(loss):
        raise RequestError(
            f"loss = {shown(loss)} cannot be called: give a function of the model's output and "
            "the targets, such as torch.nn.functional.mse_loss"
        )
    if isinstance(getattr(loss, "reduction", None), str):
        each = copy.copy(loss)
        each.reduction = "none"  # type: ignore[attr-defined]
        return Loss(each, True, False)
    if _takes_reduction(loss):
        return Loss(lambda output, targets: loss(output, targets, reduction="none"), True, False)  # type: ignore[call-arg]
    return Loss(loss, False, True)


def _must_not_broadcast(values: Tensor, output: Any, targets: Tree) -> None:
    """Raise RequestError where each example was held against the targets of others, too: PyTorch
    only warns of it."""
    if isinstance(output, Tensor) and values.numel() > output.numel():
        answers = f" and targets {tuple(targets.shape)}" if isinstance(targets, Tensor) else ""
        raise RequestError(
            f"the loss makes {tuple(values.shape)} values of an output {tuple(output.shape)}"
            f"{answers}, so it compares examples with each other's targets: give the targets the "
            "output's shape, or a loss that does"
        )


def _takes_reduction(loss: LossFunction) -> bool:
    try:
        return "reduction" in inspect.signature(loss).parameters
    except (TypeError, ValueError):
        return False


def _cross_entropy(output: Tensor, targets: Tensor) -> Tensor:
    wide = output if output.dtype == torch.float64 else output.float()
    return functional.cross_entropy(wide, targets.long(), reduction="none")


def logits_of(output: Any) -> Tensor | None:
    """The tensor that a model returns: itself, an entry named `logits` or `out`, or the first."""
    if isinstance(output, Tensor):
        return output
    candidates: list[Any]
    if isinstance(output, Mapping):
        candidates = [output.get(name) for name in OUTPUTS]
    else:
        candidates = [getattr(output, name, None) for name in OUTPUTS]
        candidates += output[:1] if isinstance(output, tuple | list) else ()
    return next((value for value in candidates if isinstance(value, Tensor)), None)


def _classes(logits: Tensor, targets: Tree) -> bool:
    """Whether these are scores of classes, and each target one of them."""
    if not (isinstance(targets, Tensor) and targets.ndim == 1 and logits.ndim == 2):
        return False
    whole = not (targets.is_floating_point() or targets.is_complex())
    return (
        whole
        and len(logits) == len(targets)
        and 0 <= int(targets.min())
        and (int(targets.max()) < logits.shape[1])
    )


def _right(logits: Tensor | None, targets: Tree) -> Tensor | None:
    """Whether the largest score is the right class; NaN is wrong."""
    if logits is None or not _classes(logits, targets):
        return None
    finite = torch.isfinite(logits).all(dim=1)
    return finite.logical_and(logits.argmax(dim=1) == targets)
