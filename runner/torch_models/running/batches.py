"""Examples from an iterable of batches: what a model is called with, and the right answers."""

from __future__ import annotations

import inspect
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from caviar.runner.errors import RequestError, shown
from caviar.runner.torch_models.running.passes import Call
from caviar.runner.torch_models.running.trees import Tree, joined, mapped, taken, tensors

Part = Callable[[Any], Any] | str | int | None
"""A part of a batch: a function of the batch, a key or an index; None where it is guessed."""

TARGETS = ("labels", "label", "target", "targets", "y")
INPUTS = ("pixel_values", "image", "images", "input", "inputs", "x", "features", "data")
MOST_BYTES = 2**30
EMPTY_BATCHES = 1000
"""After so many batches without an example in a row, no more is read."""


class Examples(NamedTuple):
    """Examples on the model's device, in the order in which the loader gave them."""

    positional: Tree
    named: Tree
    targets: Tree

    @property
    def number(self) -> int:
        return len(next(t for t in tensors((self.positional, self.named)) if t.ndim))

    @property
    def device(self) -> torch.device:
        return next(t for t in tensors((self.positional, self.named))).device

    @property
    def call(self) -> Call:
        return Call(self.positional, self.named)

    def take(self, rows: Tensor | slice) -> Examples:
        return Examples(*(taken(part, rows) for part in self))


class Place(NamedTuple):
    """Where a model computes, and the type of its first parameter."""

    device: torch.device
    dtype: torch.dtype

    def moved(self, tensor: Tensor) -> Tensor:
        dtype = self.dtype if tensor.is_floating_point() else tensor.dtype
        return tensor.to(device=self.device, dtype=dtype)


def place_of(model: nn.Module) -> Place:
    """That of the first floating parameter or buffer; the CPU in single precision without any."""
    for tensor in (*model.parameters(), *model.buffers()):
        if tensor.is_floating_point():
            return Place(tensor.device, tensor.dtype)
    return Place(torch.device("cpu"), torch.float32)


class Reader:
    """Reads batches one after another, keeps their examples, and never reads on by itself.

    Raises RequestError for what is no iterable of batches, and for batches from which the inputs
    cannot be told.
    """

    def __init__(self, batches: Iterable[Any], model: nn.Module, inputs: Part, target: Part):
        if isinstance(batches, Tensor | str | Mapping) or not isinstance(batches, Iterable):
            raise RequestError(
                f"the data are a {type(batches).__name__}: give an iterable of batches, such as a "
                "torch.utils.data.DataLoader or a list of (inputs, labels)"
            )
        self._iterator: Iterator[Any] = iter(batches)
        self._model, self._place = model, place_of(model)
        self._inputs, self._target = inputs, target
        self._kept: list[Examples] = []
        self._sizes: Counter[int] = Counter()
        self._bytes = 0
        self.count = 0
        self.ended = False

    @property
    def batch_size(self) -> int:
        """The most frequent size of a batch so far, the larger of two."""
        return max(self._sizes, key=lambda size: (self._sizes[size], size))

    def read(self, count: int) -> Examples:
        """All examples so far: at least `count`, unless the data or the memory for them end.

        Raises RequestError if there is none at all.
        """
        empty = 0
        while not self.ended and self.count < count and self._bytes < MOST_BYTES:
            batch = self._next()
            if batch is None:
                self.ended = True
                break
            part = examples_of(batch, self._model, self._inputs, self._target, self._place)
            empty = 0 if part.number else empty + 1
            if part.number:
                self._keep(part)
            self.ended = empty == EMPTY_BATCHES
        if not self._kept:
            raise RequestError("the data end before the first example: the iterable is empty")
        self._kept = [_joined(self._kept)]
        return self._kept[0]

    def _next(self) -> Any:
        try:
            return next(self._iterator, None)
        except Exception as error:
            raise RequestError(
                f"the data fail after {self.count} examples ({type(error).__name__}: {error})"
            ) from error

    def _keep(self, part: Examples) -> None:
        self._kept.append(part)
        self._sizes[part.number] += 1
        self.count += part.number
        self._bytes += sum(
            t.numel() * t.element_size()
            for t in tensors((part.positional, part.named, part.targets))
        )


def _joined(parts: list[Examples]) -> Examples:
    try:
        return Examples(*joined([tuple(part) for part in parts]))
    except (RuntimeError, KeyError, TypeError, ValueError) as error:
        raise RequestError(
            f"batches differ in more than how many examples they hold ({error}): the audit needs "
            "examples of one shape; let the loader pad or crop them"
        ) from error


def examples_of(batch: Any, model: nn.Module, inputs: Part, target: Part, place: Place) -> Examples:
    """A batch as examples; `inputs` and `target` say what is what where it cannot be guessed."""
    given = _guessed_inputs(batch, model) if inputs is None else _part(batch, inputs, "inputs")
    answers = _guessed_target(batch) if target is None else _part(batch, target, "target")
    positional, named = _call(given)
    call = mapped((positional, named), place.moved)
    rows = {len(t) for t in tensors(call) if t.ndim}
    if len(rows) != 1:
        raise RequestError(
            f"the inputs of a batch ({shown(type(batch).__name__)}) are "
            + ("no tensors" if not rows else f"tensors of different lengths {sorted(rows)}")
            + ": give `inputs`, a function from a batch to the tensors that the model takes"
        )
    if isinstance(answers, list | tuple) and all(isinstance(a, int | float) for a in answers):
        answers = torch.as_tensor(answers)
    moved = mapped(answers, lambda t: t.to(place.device))
    return Examples(call[0], call[1], _matching(moved, rows.pop()))


def _matching(targets: Tree, rows: int) -> Tree:
    """The targets, if each has one row per example."""
    lengths = {len(t) if t.ndim else -1 for t in tensors(targets)}
    return targets if lengths == {rows} else None


def _part(batch: Any, part: Callable[[Any], Any] | str | int, what: str) -> Any:
    try:
        return part(batch) if callable(part) else batch[part]
    except Exception as error:
        raise RequestError(
            f"`{what}` = {shown(part)} fails on a batch, a {type(batch).__name__} "
            f"({type(error).__name__}: {error})"
        ) from error


def _call(given: Any) -> tuple[Any, Any]:
    if isinstance(given, Mapping):
        return (), dict(given)
    if isinstance(given, tuple | list):
        return tuple(given), {}
    return (given,), {}


def _guessed_inputs(batch: Any, model: nn.Module) -> Any:
    if isinstance(batch, Mapping):
        return _of_mapping(batch, model)
    if isinstance(batch, tuple | list) and batch:
        return batch[0]
    return batch


def _guessed_target(batch: Any) -> Any:
    if isinstance(batch, Mapping):
        return next((batch[key] for key in TARGETS if key in batch), None)
    return batch[1] if isinstance(batch, tuple | list) and len(batch) > 1 else None


def _of_mapping(batch: Mapping[str, Any], model: nn.Module) -> Any:
    """The entries that the model's `forward` names, or the one that is called like an input."""
    taken_names = inspect.signature(model.forward).parameters
    matching = {k: v for k, v in batch.items() if k in taken_names and k not in TARGETS}
    if matching:
        return matching
    likely = [key for key in INPUTS if key in batch]
    others = [key for key in batch if key not in TARGETS]
    if len(likely) == 1 or len(others) == 1:
        return (batch[(likely if len(likely) == 1 else others)[0]],)
    raise RequestError(
        f"a batch has the entries {', '.join(map(str, batch))}, and the model takes "
        f"{', '.join(taken_names)}: give `inputs`, a key or a function from a batch to the inputs"
    )
