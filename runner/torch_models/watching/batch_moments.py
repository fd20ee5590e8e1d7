"""Mean and variance of every batch that the norms of a model normalise in training."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

from caviar.model.averages.bank import Steps
from caviar.model.contract import Array, Moments

KERNELS = ("cpu", "cuda")
"""Devices whose kernel of batch norm gives the moments alone, in half the time of `var_mean`."""

HALVES = (torch.float16, torch.bfloat16)


class Batch(NamedTuple):
    """One batch of one norm: mean and biased variance `(features,)` on the model's device.

    Each is over `values` values: `examples`, times the positions of a convolution.
    """

    mean: Tensor
    variance: Tensor
    values: int
    examples: int


@torch.no_grad()
def batch_moments(x: Tensor) -> Batch:
    """Moments over all axes of `x` but the second, `(examples, features, ...)`.

    They are those that PyTorch's own batch norm computes; half precision is read as single.
    """
    x = x.detach().float() if x.dtype in HALVES else x.detach()
    if x.device.type in KERNELS:
        mean, variance = torch.batch_norm_update_stats(x, None, None, 0.0)
    else:
        variance, mean = torch.var_mean(x, [0, *range(2, x.ndim)], correction=0)
    return Batch(mean, variance, x.numel() // x.shape[1], x.shape[0])


class BatchMoments:
    """What hooks on the norms gather; nothing of the model, and no random number, is touched.

    A norm that is in eval mode has no batch statistics and gathers nothing.
    """

    def __init__(self, norms: Mapping[str, nn.Module]) -> None:
        self._gathered: dict[str, list[Batch]] = {name: [] for name in norms}
        self._handles = [
            norm.register_forward_hook(self._hook(name), with_kwargs=True)
            for name, norm in norms.items()
        ]

    def _hook(self, name: str) -> Any:
        # After the pass, so that a batch that the norm refuses is not counted.
        def gather(norm: nn.Module, inputs: Any, named: dict[str, Any], output: Any) -> None:
            if norm.training:
                x = inputs[0] if inputs else next(iter(named.values()))
                self._gathered[name].append(batch_moments(x))

        return gather

    @property
    def size(self) -> int | None:
        """Examples of the first batch that waits to be taken; None where none does."""
        return next((b[0].examples for b in self._gathered.values() if b), None)

    def take(self) -> dict[str, list[Steps]]:
        """The batches since the last call as arrays, by norm, one replica; equal sizes in a row."""
        taken = {name: _in_steps(batches) for name, batches in self._gathered.items() if batches}
        for batches in self._gathered.values():
            batches.clear()
        return taken

    def close(self) -> None:
        """Take the hooks off the model."""
        for handle in self._handles:
            handle.remove()


def _in_steps(batches: list[Batch]) -> list[Steps]:
    sizes = itertools.groupby(batches, key=lambda batch: (batch.values, batch.examples))
    return [Steps(_moments(list(of_size)), *size) for size, of_size in sizes]


def _moments(batches: list[Batch]) -> Moments:
    """`(1, batches, features)`; all come from the device in one copy."""
    both = torch.stack([torch.stack([batch.mean, batch.variance]) for batch in batches])
    mean, variance = np.moveaxis(as_array(both), 1, 0)
    return Moments(mean[None], variance[None])


def as_array(values: Tensor) -> Array:
    """A tensor as a float64 array."""
    array: Array = values.detach().to("cpu", torch.float64).numpy()
    return array
