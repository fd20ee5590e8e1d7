"""A small network with running averages, and its export as a file."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from tests.runner.torch_models.watching.trained import batches, small_network

pytest.importorskip("onnx", reason="onnx is not installed (pip install 'caviar[onnx]')")
pytest.importorskip("onnxruntime", reason="onnxruntime is not installed")


def trained() -> nn.Sequential:
    """Its averages have seen some batches."""
    torch.manual_seed(1)
    model = small_network().train()
    with torch.no_grad():
        for x, _ in 5 * batches():
            model(x)
    return model.eval()


def export(model: nn.Module, path: Path, **options: Any) -> Path:
    """The file of a model, as it is: nothing folded, any number of examples."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(
            model,
            (batches()[0][0],),
            path,
            **{
                "dynamo": False,
                "input_names": ["x"],
                "dynamic_axes": {"x": {0: "examples"}},
                "training": torch.onnx.TrainingMode.PRESERVE,
                "do_constant_folding": False,
                **options,
            },
        )
    return path
