from __future__ import annotations

import json
from pathlib import Path
from unittest.mock import patch

import pytest

from caviar.runner.cli.models.converted import must_have_onnx
from caviar.runner.errors import RequestError
from tests.runner.helpers import caviar

FILES = """
import torch
from tests.runner.torch_models.onnx_models.exported import trained
from tests.runner.torch_models.watching.trained import batches as loader
"""


def test_the_command_tells_what_differs_and_ends_with_1(tmp_path: Path) -> None:
    pytest.importorskip("onnxruntime", reason="onnxruntime is not installed")
    from tests.runner.torch_models.onnx_models.exported import export, trained

    (tmp_path / "converted_model.py").write_text(FILES, encoding="utf-8")
    export(trained(), tmp_path / "eval.onnx")
    export(trained().train(), tmp_path / "train.onnx")
    where = ["converted_model.py:trained", "--data", "converted_model.py:loader", "--onnx"]
    done = caviar("audit", *where, "eval.onnx", cwd=tmp_path)
    assert (done.returncode, done.stdout.splitlines()[0]) == (
        0,
        "The converted model computes the same as the PyTorch model in eval mode.",
    )
    done = caviar("audit", *where, "train.onnx", "--json", cwd=tmp_path)
    told = json.loads(done.stdout)
    assert done.returncode == 1 and not told["same"]
    assert [norm["training"] for norm in told["norms"]] == [True, True]
    assert caviar("audit", *where, "no.onnx", cwd=tmp_path).returncode == 2


def test_what_is_not_installed_is_named() -> None:
    with patch("caviar.runner.cli.models.converted.find_spec", lambda name: None):
        with pytest.raises(RequestError, match=r"install onnx and onnxruntime: .*'caviar\[onnx\]'"):
            must_have_onnx()
