from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from caviar.runner.errors import RequestError
from tests.runner.torch_models.onnx_models.exported import export, trained


def test_norms_are_read_as_they_are_set_and_every_value_can_be_had(tmp_path: Path) -> None:
    from caviar.runner.torch_models.onnx_models.graph import read_graph

    model = trained()
    graph = read_graph(export(model, tmp_path / "a.onnx"))
    first, second = graph.norms
    assert not first.training and first.epsilon == pytest.approx(1e-5)
    np.testing.assert_array_equal(second.mean, model[6].running_mean.numpy())
    assert graph.inputs == {"x": None}
    values = graph.run({"x": np.zeros((3, 1, 8, 8))})
    assert values[first.output].shape == (3, 4, 6, 6)
    with pytest.raises(RequestError, match=r"does not run on \{'x': \[3, 2\]\}"):
        graph.run({"x": np.zeros((3, 2))})


def test_what_is_no_model_is_one_sentence(tmp_path: Path) -> None:
    from caviar.runner.torch_models.onnx_models.graph import read_graph

    (tmp_path / "x.onnx").write_text("no", encoding="utf-8")
    with pytest.raises(RequestError, match="is no ONNX model that runs here"):
        read_graph(tmp_path / "x.onnx")
    with pytest.raises(RequestError, match="there is no file"):
        read_graph(tmp_path / "y.onnx")
