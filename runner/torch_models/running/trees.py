"""Batches as trees of tensors: nested tuples, lists and mappings, sliced and joined as one."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor

Tree = Any
"""A tensor, or tuples, lists and mappings of trees; anything else is a constant."""


def mapped(tree: Tree, change: Callable[[Tensor], Tensor]) -> Tree:
    """The tree with every tensor changed; arrays of NumPy become tensors first."""
    if isinstance(tree, np.ndarray) and tree.dtype.kind in "biuf":
        tree = torch.as_tensor(tree)
    if isinstance(tree, Tensor):
        return change(tree)
    if isinstance(tree, Mapping):
        return {key: mapped(value, change) for key, value in tree.items()}
    if isinstance(tree, tuple | list):
        return tuple(mapped(value, change) for value in tree)
    return tree


def tensors(tree: Tree) -> Iterator[Tensor]:
    """Every tensor of a tree, in order."""
    if isinstance(tree, Tensor):
        yield tree
    elif isinstance(tree, Mapping):
        for value in tree.values():
            yield from tensors(value)
    elif isinstance(tree, tuple | list):
        for value in tree:
            yield from tensors(value)


def taken(tree: Tree, rows: Tensor | slice) -> Tree:
    """Some rows of every tensor that has rows."""
    return mapped(tree, lambda tensor: tensor[rows] if tensor.ndim else tensor)


def joined(trees: list[Tree]) -> Tree:
    """Trees of one structure, row after row; constants are those of the first.

    Raises ValueError, TypeError, KeyError or RuntimeError where structure or shapes differ.
    """
    first = trees[0]
    if any(isinstance(tree, Tensor) is not isinstance(first, Tensor) for tree in trees):
        raise ValueError("a tensor in one, none in another")
    if isinstance(first, Tensor):
        return torch.cat(trees) if first.ndim else first
    if isinstance(first, Mapping):
        return {key: joined([tree[key] for tree in trees]) for key in first}
    if isinstance(first, tuple | list):
        return tuple(joined(list(parts)) for parts in zip(*trees, strict=True))
    return first
