"""Threads are PyTorch's own again after an audit."""

from __future__ import annotations

import os

import pytest
import torch

from caviar.runner.torch_models.threads import all_cores


def test_all_cores_and_then_as_before() -> None:
    before = torch.get_num_threads()
    with pytest.raises(KeyError), all_cores():
        assert torch.get_num_threads() == os.cpu_count()
        raise KeyError
    assert torch.get_num_threads() == before
