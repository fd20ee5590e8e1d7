"""Does a converted model compute the same as the PyTorch model, norm by norm?"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from torch import Tensor, nn

from caviar.runner.errors import RequestError
from caviar.runner.torch_models.onnx_models.graph import Array, Graph, NormNode, read_graph
from caviar.runner.torch_models.running.batches import Examples, Part, Reader
from caviar.runner.torch_models.running.losses import logits_of
from caviar.runner.torch_models.running.norms import TorchNorm, norms_of, unwrapped
from caviar.runner.torch_models.running.trees import tensors
from caviar.runner.torch_models.running.untouched import untouched

EXAMPLES = 64
"""Examples of the comparison, where the file takes any number."""

SAME = 1e-3
"""A difference below this share of a tensor's largest value is rounding."""


@dataclass(frozen=True)
class ConvertedNorm:
    """One norm of the PyTorch model in the converted one.

    `error` is the largest difference of its output, as a share of the largest value, None where
    the converted model has no such tensor. `training` says that its node normalises with the batch;
    `epsilon` and `statistics` say what differs between node and norm, None where nothing does or
    the norm has no node: converters fold norms into convolutions.
    """

    name: str
    error: float | None
    training: bool = False
    epsilon: tuple[float, float] | None = None
    statistics: float | None = None


@dataclass(frozen=True)
class Conversion:
    """A converted model beside the PyTorch model in eval mode, on the same examples.

    `error` is the largest difference of the outputs as a share of the largest value, `changed`
    the share of examples whose class is another, None without classes.
    """

    norms: tuple[ConvertedNorm, ...]
    error: float
    changed: float | None
    examples: int

    @property
    def same(self) -> bool:
        """Whether outputs agree, and no norm depends on the batch."""
        return self.error <= SAME and not any(norm.training for norm in self.norms)

    @property
    def sentence(self) -> str:
        """What is wrong and what to do, or that nothing is."""
        if training := [norm.name for norm in self.norms if norm.training]:
            return (
                f"{len(training)} norms were exported in train mode (first {training[0]}): they "
                "normalise with each batch, so that an example's result depends on its company. "
                "Call model.eval() before the export."
            )
        if self.same:
            return "The converted model computes the same as the PyTorch model in eval mode."
        if told := [norm for norm in self.norms if norm.statistics or norm.epsilon]:
            return _told(told)
        first = next((n.name for n in self.norms if n.error is not None and n.error > SAME), None)
        where = "behind the last norm" if first is None else f"in the norm {first} or before it"
        return (
            f"The outputs differ by {self.error:.1e} of the largest value. The first difference is "
            f"{where}; no norm is set otherwise, so look at the other layers there."
        )

    def __str__(self) -> str:
        changed = "" if self.changed is None else f"; {100 * self.changed:.1f} % change their class"
        lines = [
            self.sentence,
            f"Outputs of {self.examples} examples differ by at most {self.error:.1e} of the "
            f"largest value{changed}.",
        ]
        return "\n".join([*lines, *(f"  {_line(norm)}" for norm in self.norms)])


def _told(norms: list[ConvertedNorm]) -> str:
    first = norms[0]
    if first.statistics:
        return (
            f"The statistics of {len(norms)} norms are not those of the model (first {first.name}, "
            f"by up to {first.statistics:.2g} deviations or in log variance): the file was "
            "exported from other weights. Export again."
        )
    assert first.epsilon is not None
    return (
        f"{len(norms)} norms have another epsilon (first {first.name}: {first.epsilon[0]:g} in "
        f"PyTorch, {first.epsilon[1]:g} in the file). Set it in the file, or convert again."
    )


def _line(norm: ConvertedNorm) -> str:
    if norm.error is None:
        return f"{norm.name}: no tensor of its output's shape; folded into its neighbours"
    notes = ["exported in train mode"] if norm.training else []
    notes += ["other statistics"] if norm.statistics else []
    notes += ["another epsilon"] if norm.epsilon else []
    return ", ".join([f"{norm.name}: {norm.error:.1e}", *notes])


def compare_onnx(
    path: str | Path, model: nn.Module, batches: Iterable[Any], *, inputs: Part = None
) -> Conversion:
    """Run a converted model beside a PyTorch model in eval mode on the first examples of `batches`.

    Tensors are matched by shape, value and order, so names may have changed. The model stays as it
    is. Raises RequestError for a file that does not run, or takes other inputs.
    """
    core, graph = unwrapped(model), read_graph(path)
    norms = norms_of(core)
    wanted = next((rows for rows in graph.inputs.values() if rows), EXAMPLES)
    with untouched(core, batches):
        reader = Reader(batches, core, inputs, None)
        read = reader.read(wanted)
        examples = read.take(slice(0, min(wanted, read.number)))
        ran = _in_eval(core, norms, examples)
    values = graph.run(_fed(graph, examples))
    names = _nodes(graph, norms)
    output = values[graph.outputs[0]]
    return Conversion(
        tuple(_converted(norm, ran, graph, names, values) for norm in norms if norm.name in ran.of),
        _apart(ran.output, output),
        _changed(ran.output, output),
        examples.number,
    )


class Ran(NamedTuple):
    """What the PyTorch model computed: the output of each norm that it called, and its own."""

    of: dict[str, Array]
    output: Array


def _in_eval(core: nn.Module, norms: tuple[TorchNorm, ...], examples: Examples) -> Ran:
    outputs: dict[str, Array] = {}

    def keep(name: str) -> Any:
        def hook(module: nn.Module, inputs: Any, output: Tensor) -> None:
            outputs.setdefault(name, output.float().cpu().numpy())

        return hook

    handles = [norm.module.register_forward_hook(keep(norm.name)) for norm in norms]
    try:
        core.train(False)
        logits = logits_of(core(*examples.positional, **examples.named))
    except Exception as error:
        raise RequestError(
            f"the model fails on the data ({type(error).__name__}: {error}): give `inputs`, what "
            "of a batch the model takes"
        ) from error
    finally:
        for handle in handles:
            handle.remove()
    if logits is None:
        raise RequestError("the model's output holds no tensor to compare")
    return Ran(outputs, logits.float().cpu().numpy())


def _fed(graph: Graph, examples: Examples) -> dict[str, Array]:
    """The file's inputs: by name where the model has named ones, else in order."""
    given = list(tensors((examples.positional, examples.named)))
    named = {k: v for k, v in dict(examples.named).items() if isinstance(v, Tensor)}
    if graph.inputs.keys() <= named.keys():
        return {name: named[name].cpu().numpy() for name in graph.inputs}
    if len(given) != len(graph.inputs):
        raise RequestError(
            f"the ONNX model takes {len(graph.inputs)} inputs ({', '.join(graph.inputs)}), and a "
            f"batch gives {len(given)}: say with `inputs` what the model takes"
        )
    return {name: x.cpu().numpy() for name, x in zip(graph.inputs, given, strict=True)}


def _nodes(graph: Graph, norms: tuple[TorchNorm, ...]) -> dict[str, NormNode]:
    """The node of each norm: in order where all have one, as is usual without folding."""
    if len(graph.norms) != len(norms):
        return {}
    return {norm.name: node for norm, node in zip(norms, graph.norms, strict=True)}


def _converted(
    norm: TorchNorm,
    ran: Ran,
    graph: Graph,
    nodes: Mapping[str, NormNode],
    values: Mapping[str, Array],
) -> ConvertedNorm:
    expected, node = ran.of[norm.name], nodes.get(norm.name)
    if node is None:
        alike = [value for value in values.values() if value.shape == expected.shape]
        error = min((_apart(expected, value) for value in alike), default=None)
        return ConvertedNorm(norm.name, error)
    error = _apart(expected, values[node.output])
    other = abs(node.epsilon - norm.epsilon) > 1e-3 * norm.epsilon
    epsilon = (norm.epsilon, node.epsilon) if other else None
    return ConvertedNorm(norm.name, error, node.training, epsilon, _statistics(norm, node))


def _statistics(norm: TorchNorm, node: NormNode) -> float | None:
    """How far the node's statistics are from the norm's, if they are not the same."""
    stored = norm.stored()
    if stored is None or node.mean is None or node.variance is None:
        return None
    variance = stored.variance + norm.epsilon
    shift = np.abs(node.mean - stored.mean) / np.sqrt(variance)
    ratio = np.abs(np.log((node.variance + norm.epsilon) / variance))
    largest = float(max(shift.max(), ratio.max()))
    return largest if largest > SAME else None


def _apart(expected: Array, value: Array) -> float:
    if expected.shape != value.shape:
        return float("inf")
    largest = float(np.abs(expected).max()) or 1.0
    return float(np.abs(expected - value).max()) / largest


def _changed(expected: Array, value: Array) -> float | None:
    if expected.ndim != 2 or expected.shape != value.shape or expected.shape[1] < 2:
        return None
    return float(np.mean(expected.argmax(axis=1) != value.argmax(axis=1)))
