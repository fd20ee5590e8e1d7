"""An ONNX graph: its batch norms as they are set, and the value of everything that it computes."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import onnx
import onnxruntime
from numpy.typing import NDArray
from onnx import numpy_helper

from caviar.runner.errors import RequestError

Array = NDArray[Any]

EPSILON = 1e-5
"""That of a node which names none, by the standard."""


class NormNode(NamedTuple):
    """A BatchNormalization node; `training` where it normalises with the batch.

    `scale`, `bias`, `mean` and `variance` are None where the graph computes them.
    """

    output: str
    epsilon: float
    training: bool
    scale: Array | None
    bias: Array | None
    mean: Array | None
    variance: Array | None


class Graph(NamedTuple):
    """A graph that can be run: its norms in order, inputs with their first size (None: any)."""

    norms: tuple[NormNode, ...]
    inputs: dict[str, int | None]
    outputs: tuple[str, ...]
    session: onnxruntime.InferenceSession

    def run(self, values: Mapping[str, Array]) -> dict[str, Array]:
        """Every value that the nodes compute, by name; RequestError where it does not run."""
        names = [output.name for output in self.session.get_outputs()]
        types = {one.name: NUMBERS.get(one.type) for one in self.session.get_inputs()}
        fed = {name: np.asarray(values[name], types.get(name)) for name in self.inputs}
        try:
            return dict(zip(names, self.session.run(names, fed), strict=True))
        except Exception as error:
            shapes = {name: list(value.shape) for name, value in fed.items()}
            raise RequestError(f"the ONNX model does not run on {shapes}: {error}") from None


NUMBERS = {
    "tensor(float)": np.float32,
    "tensor(double)": np.float64,
    "tensor(float16)": np.float16,
    "tensor(int64)": np.int64,
    "tensor(int32)": np.int32,
}


def read_graph(path: str | Path) -> Graph:
    """Read a file, unoptimised, so that every node stays; RequestError for what is no such file."""
    try:
        model = onnx.load(str(path))
        held = {one.name: numpy_helper.to_array(one) for one in model.graph.initializer}
        norms = tuple(
            _norm(node, held) for node in model.graph.node if node.op_type == "BatchNormalization"
        )
        outputs = tuple(output.name for output in model.graph.output)
        inputs = {one.name: _rows(one) for one in model.graph.input if one.name not in held}
        for name in (name for node in model.graph.node for name in node.output):
            if name and name not in outputs:
                model.graph.output.append(onnx.helper.make_empty_tensor_value_info(name))
        session = onnxruntime.InferenceSession(
            model.SerializeToString(), _options(), providers=["CPUExecutionProvider"]
        )
    except RequestError:
        raise
    except FileNotFoundError:
        raise RequestError(f"there is no file {str(path)!r}") from None
    except Exception as error:
        reason = (str(error).strip().splitlines() or [type(error).__name__])[0]
        raise RequestError(f"{str(path)!r} is no ONNX model that runs here: {reason}") from None
    return Graph(norms, inputs, outputs, session)


def _options() -> onnxruntime.SessionOptions:
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.log_severity_level = 3
    return options


def _norm(node: Any, held: Mapping[str, Array]) -> NormNode:
    settings = {one.name: onnx.helper.get_attribute_value(one) for one in node.attribute}
    scale, bias, mean, variance = (held.get(name) for name in node.input[1:5])
    training = bool(settings.get("training_mode", 0))
    epsilon = float(settings.get("epsilon", EPSILON))
    return NormNode(node.output[0], epsilon, training, scale, bias, mean, variance)


def _rows(one: Any) -> int | None:
    """How many examples an input holds, where the file says so."""
    sizes = one.type.tensor_type.shape.dim
    return int(sizes[0].dim_value) or None if sizes else None
