"""What one pass shows of a model: its norms in the order of use, and what it returns."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

from torch import Tensor, nn

from caviar.runner.errors import RequestError, shown
from caviar.runner.torch_models.running.batches import Examples
from caviar.runner.torch_models.running.moments import TensorMoments, group_moments
from caviar.runner.torch_models.running.norms import TorchNorm
from caviar.runner.torch_models.running.passes import Subject, forward

CACHE_BYTES, GPU_BYTES = 2**21, 2**28
"""The largest input of a norm in one pass: what stays in a CPU's cache, what keeps a GPU busy."""


class Discovery(NamedTuple):
    """The model as it ran, the names of norms that no pass reached, and the output."""

    subject: Subject
    never_called: tuple[str, ...]
    output: Any


def discovered(model: nn.Module, norms: Sequence[TorchNorm], examples: Examples) -> Discovery:
    """One pass in evaluation mode on batch statistics.

    Raises RequestError where no norm is called, and where an input is not as batch norm takes it.
    """
    shapes: dict[str, list[tuple[int, ...]]] = {}
    largest = [1]

    def visit(name: str, x: Tensor) -> TensorMoments:
        if x.ndim < 2:
            raise RequestError(f"norm {name!r} gets an input of shape {shown(list(x.shape))}")
        shapes.setdefault(name, []).append(tuple(x.shape))
        largest[0] = max(largest[0], x.numel() * x.element_size() // examples.number)
        return group_moments(x, len(x))

    output = forward(model, norms, examples.call, visit)
    if not shapes:
        raise RequestError(
            f"the model {type(model).__name__} does not call its batch norms ({len(norms)}) on "
            "these data in evaluation mode, so there is nothing to measure"
        )
    on_cpu = examples.device.type == "cpu"
    by_name = {norm.name: norm for norm in norms}
    subject = Subject(
        model,
        tuple(by_name[name] for name in shapes),
        {name: len(calls) for name, calls in shapes.items()},
        {name: _positions(calls, examples.number) for name, calls in shapes.items()},
        all(shape[0] == examples.number for calls in shapes.values() for shape in calls),
        largest[0],
        max(8, min(1024, (CACHE_BYTES if on_cpu else GPU_BYTES) // largest[0])),
    )
    return Discovery(subject, tuple(n.name for n in norms if n.name not in shapes), output)


def _positions(calls: list[tuple[int, ...]], count: int) -> int:
    """Values of a feature that one example has in one call."""
    return max(1, round(math.prod(calls[0]) / calls[0][1] / count))
