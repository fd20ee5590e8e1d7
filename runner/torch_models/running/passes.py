"""One pass of a model in which the caller says what every batch norm normalises with."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from caviar.runner.errors import RequestError
from caviar.runner.torch_models.running.moments import TensorMoments, averaged
from caviar.runner.torch_models.running.norms import TorchNorm

Statistics = Callable[[str, Tensor], TensorMoments]
"""Maps a norm's name and its input to the moments to normalise with.

Of one group for the whole input, or of equal groups of consecutive rows.
"""


class Call(NamedTuple):
    """What a model is called with."""

    positional: tuple[Any, ...]
    named: Mapping[str, Any]


class LastNormPassed(Exception):
    """Ends a pass whose output nobody needs."""


class Subject(NamedTuple):
    """A model under audit: its norms in the order of use, and calls of each in one pass.

    `by_row` says that each norm's input has one row for each example, so that groups of examples
    can share a pass. `positions` is how many values each example has for one feature.
    `bytes_per_example` is the size of the largest input of a norm, and `at_once` how many
    examples pass together where nothing else decides it.
    """

    model: nn.Module
    norms: tuple[TorchNorm, ...]
    calls: Mapping[str, int]
    positions: Mapping[str, int]
    by_row: bool
    bytes_per_example: int
    at_once: int

    def averaged(self, calls: Mapping[str, list[TensorMoments]]) -> dict[str, TensorMoments]:
        """The moments of all calls of a pass, by norm, as each norm's rule averages them."""
        keep = {norm.name: norm.keep for norm in self.norms}
        return {name: averaged(several, keep[name]) for name, several in calls.items()}

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(norm.name for norm in self.norms)


def forward(
    model: nn.Module,
    norms: Sequence[TorchNorm],
    call: Call,
    statistics: Statistics,
    *,
    training: bool = False,
    until: Mapping[str, int] | None = None,
) -> Any:
    """The model's output; None where the pass ends at the last norm of `until`, calls by name.

    All norms use `statistics`; `training` is the mode of everything else. Call it inside
    `untouched`: mode and buffers stay as this pass needed them. Raises RequestError where the
    model fails.
    """
    for module in model.modules():
        module.training = training
    remaining = Counter(until or {})
    with ExitStack() as after:
        if training:
            _keep_other_buffers(model, norms, after)
        for norm in norms:
            norm.module.training = False
            hook = _hook(norm, statistics, remaining)
            handle = norm.module.register_forward_pre_hook(hook, with_kwargs=True)
            after.callback(handle.remove)
        try:
            return model(*call.positional, **call.named)
        except LastNormPassed:
            return None
        except RequestError:
            raise
        except Exception as error:
            raise _failed(error, call, training=training) from error


def _keep_other_buffers(model: nn.Module, norms: Sequence[TorchNorm], after: ExitStack) -> None:
    """What a pass in train mode does to the state of other layers must not reach the next one."""
    of_norms = {norm.module for norm in norms}
    for module in model.modules():
        if module not in of_norms:
            copies = {k: None if b is None else b.clone() for k, b in module._buffers.items()}
            after.callback(module._buffers.update, copies)


def _failed(error: Exception, call: Call, *, training: bool) -> RequestError:
    shapes = [list(v.shape) for v in (*call.positional, *call.named.values()) if _tensor(v)]
    return RequestError(
        f"the model fails on the data{' in train mode' * training}, called with tensors of shape "
        f"{shapes} "
        f"({type(error).__name__}: {error}); if it should be called with another part of a batch, "
        "give `inputs`, a function from a batch to what the model takes"
    )


def _tensor(value: object) -> bool:
    return isinstance(value, Tensor)


def _hook(
    norm: TorchNorm, statistics: Statistics, remaining: Counter[str]
) -> Callable[..., tuple[tuple[Any, ...], dict[str, Any]] | None]:
    def before(
        module: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> tuple[tuple[Any, ...], dict[str, Any]] | None:
        x = args[0] if args else kwargs["input"]
        mean, variance = statistics(norm.name, x)
        if remaining:
            remaining[norm.name] -= 1
            if max(remaining.values()) <= 0:
                raise LastNormPassed
        if len(mean) == 1:
            _hold(module, x, mean[0], variance[0])
            return None
        # In groups: normalised here, and the norm's own division by a deviation of 1 stays.
        epsilon = norm.epsilon
        ones = torch.ones_like(mean[0])
        _hold(module, x, torch.zeros_like(ones), ones - epsilon)
        grouped = _normalised(x, mean, variance, epsilon)
        return ((grouped, *args[1:]), kwargs) if args else (args, {**kwargs, "input": grouped})

    return before


def _hold(module: nn.Module, x: Tensor, mean: Tensor, variance: Tensor) -> None:
    for name, value in (("running_mean", mean), ("running_var", variance)):
        kept = module._buffers.get(name)
        dtype = x.dtype if kept is None else kept.dtype
        module._buffers[name] = value.to(device=x.device, dtype=dtype)


def _normalised(x: Tensor, mean: Tensor, variance: Tensor, epsilon: float) -> Tensor:
    groups, features = mean.shape
    shape = (groups, 1, features, *[1] * (x.ndim - 2))
    by_group = x.reshape(groups, -1, *x.shape[1:])
    scale = (variance + epsilon).rsqrt().reshape(shape).to(x.dtype)
    return ((by_group - mean.reshape(shape).to(x.dtype)) * scale).reshape(x.shape)
