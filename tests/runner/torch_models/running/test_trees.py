from __future__ import annotations

import numpy as np
import torch

from caviar.runner.torch_models.running.trees import joined, mapped, taken, tensors


def test_trees_are_sliced_and_joined_as_one() -> None:
    one = ({"a": torch.arange(3), "b": [torch.ones(3, 2), torch.tensor(7)]}, "constant")
    two = joined([taken(one, slice(0, 1)), taken(one, torch.tensor([2, 2]))])
    assert two[1] == "constant"
    assert two[0]["a"].tolist() == [0, 2, 2]
    assert [t.shape for t in tensors(two)] == [(3,), (3, 2), ()]


def test_arrays_become_tensors_and_texts_stay() -> None:
    tree = mapped([np.arange(2.0), np.array(["a"])], lambda t: t + 1)
    assert tree[0].tolist() == [1.0, 2.0]
    assert tree[1].tolist() == ["a"]
