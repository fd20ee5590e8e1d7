"""Leaving a model, and every generator of random numbers, exactly as they were."""

from __future__ import annotations

import random
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import nn


class _Kept(NamedTuple):
    """A module's attributes, and the items of those that are dictionaries."""

    module: nn.Module
    attributes: dict[str, Any]
    items: dict[str, dict[Any, Any]]


@contextmanager
def untouched(model: nn.Module, *loaders: object, seed: int = 0) -> Iterator[None]:
    """Inside, the model may be switched, hooked and run; afterwards it is what it was.

    Mode, buffers (the same tensors with the same bits), hooks, gradients and attributes are put
    back, and so are the states of PyTorch's, NumPy's and Python's generators and of those that
    the `loaders` hold; also after an exception. Inside, PyTorch's generators start from `seed`,
    no gradients are recorded, and nothing runs compiled.
    """
    kept = [_kept(module) for module in model.modules()]
    states = [(g, g.get_state()) for loader in loaders for g in _generators_of(loader)]
    numpy_state, python_state = np.random.get_state(), random.getstate()  # noqa: NPY002
    devices = list(range(torch.cuda.device_count())) if torch.cuda.is_initialized() else []  # type: ignore[no-untyped-call]
    try:
        with ExitStack() as stack:
            stack.enter_context(torch.random.fork_rng(devices))
            stack.enter_context(torch.no_grad())
            if "torch._dynamo" in sys.modules:
                stack.enter_context(torch.compiler.set_stance("force_eager"))
            torch.default_generator.manual_seed(seed)
            for device in devices:
                torch.cuda.default_generators[device].manual_seed(seed)
            _give_copies_of_buffers(model)
            yield
    finally:
        for one in kept:
            _put_back(one)
        for generator, state in states:
            generator.set_state(state)
        np.random.set_state(numpy_state)  # noqa: NPY002
        random.setstate(python_state)


def _kept(module: nn.Module) -> _Kept:
    attributes = dict(module.__dict__)
    items = {name: dict(value) for name, value in attributes.items() if isinstance(value, dict)}
    return _Kept(module, attributes, items)


def _put_back(kept: _Kept) -> None:
    kept.module.__dict__.clear()
    kept.module.__dict__.update(kept.attributes)
    for name, items in kept.items.items():
        attribute = kept.attributes[name]
        attribute.clear()
        attribute.update(items)


def _give_copies_of_buffers(model: nn.Module) -> None:
    """Put a copy in the place of every buffer; what two modules share, they go on sharing."""
    copies: dict[int, torch.Tensor] = {}
    for module in model.modules():
        for name, buffer in module._buffers.items():
            if buffer is not None:
                module._buffers[name] = copies.setdefault(id(buffer), buffer.clone())


def _generators_of(loader: object) -> list[torch.Generator]:
    batch_sampler = getattr(loader, "batch_sampler", None)
    holders = (
        loader,
        getattr(loader, "sampler", None),
        batch_sampler,
        getattr(batch_sampler, "sampler", None),
    )
    generators = [getattr(holder, "generator", None) for holder in holders]
    return [g for g in generators if isinstance(g, torch.Generator)]
