"""`caviar audit`: what is wrong with the batch norms of a PyTorch model."""

from __future__ import annotations

import sys
from contextlib import redirect_stdout
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from caviar.runner.cli.ending.exit_codes import FAILED
from caviar.runner.cli.models.converted import compare_converted
from caviar.runner.cli.models.repair import Request, must_be_new, repaired
from caviar.runner.cli.terminal import say
from caviar.runner.errors import RequestError

if TYPE_CHECKING:
    from caviar.analysis.audit.audit import Audit

Model = Annotated[
    str,
    typer.Argument(
        metavar="MODEL", help="FILE.py:NAME, a model or a function that returns it; it is run."
    ),
]
Weights = Annotated[
    Path | None,
    typer.Option(help="A state dict for the model; loaded as tensors only."),
]
Data = Annotated[
    str,
    typer.Option(
        metavar="FILE.py:NAME",
        help="Batches as in training: an iterable, or a function without arguments.",
    ),
]
Test = Annotated[str | None, typer.Option(metavar="FILE.py:NAME", help="Batches of other data.")]
BatchSize = Annotated[
    int | None,
    typer.Option(
        min=1, help="Examples that shared one mean in training; default: those of a batch."
    ),
]
Steps = Annotated[
    int | None, typer.Option(min=0, help="Training steps, where the model does not count them.")
]
Inputs = Annotated[
    str | None, typer.Option(help="The inputs in a batch: an index, a key, or FILE.py:NAME.")
]
Target = Annotated[str | None, typer.Option(help="The targets in a batch, likewise.")]
Loss = Annotated[
    str | None,
    typer.Option(
        help="FILE.py:NAME or a name of torch.nn.functional; default for classes: cross_entropy."
    ),
]
Out = Annotated[
    str | None,
    typer.Option(metavar="RUN", help="Keep it as a run, for `caviar report` and `compare`."),
]
Repair = Annotated[
    Path | None,
    typer.Option(
        metavar="OUT", help="Recompute the statistics; write the repaired state dict to this file."
    ),
]
Onnx = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE.onnx", help="Say instead whether this converted model computes the same."
    ),
]
AuditAsJson = Annotated[
    bool, typer.Option("--json", help="Print JSON; values that are not finite become null.")
]


def audit(
    model: Model,
    data: Data,
    weights: Weights = None,
    test: Test = None,
    batch_size: BatchSize = None,
    steps: Steps = None,
    inputs: Inputs = None,
    target: Target = None,
    loss: Loss = None,
    out: Out = None,
    repair: Repair = None,
    onnx: Onnx = None,
    as_json: AuditAsJson = False,
) -> None:
    """Say whether a PyTorch model's batch-norm statistics are right, why not, and what to do.

    `caviar audit model.py:build --weights w.pt --data data.py:loader` runs both files. Exit code 0
    if nothing calls for a change, 1 if something does, 2 if the request is wrong.
    """
    must_have_torch()
    from caviar.runner.torch_models.threads import all_cores

    if onnx is not None:
        return compare_converted(onnx, (model, weights), data, inputs, as_json)
    if repair is not None:
        must_be_new(repair)
    with redirect_stdout(sys.stderr), all_cores():
        audited = _audited((model, weights), data, test, (inputs, target, loss), batch_size, steps)
    if out is not None:
        _kept(audited, model, out)
    say(audited.to_json() if as_json else f"{audited}\n{_ran(model, data, test, audited)}")
    if repair is not None:
        request = Request(model, weights, data, inputs, target, loss)
        with redirect_stdout(sys.stderr), all_cores():
            done = repaired(request, repair)
        with redirect_stdout(sys.stderr if as_json else sys.stdout):
            say(done)
    if audited.cause != "healthy":
        raise SystemExit(FAILED)


def _kept(audited: Audit, model: str, out: str) -> None:
    """Keep an audit as a run; raises RequestError where something lies there already."""
    import json

    from caviar.runner.torch_models.audit_rows import keep_audit

    told = json.loads(audited.to_json())
    keep_audit(out, model, audited.evidence, told, f"caviar audit {model} --out {out}")


def must_have_torch() -> None:
    """Raise RequestError where PyTorch is not installed."""
    from importlib.util import find_spec

    if find_spec("torch") is None:
        raise RequestError(
            "auditing models needs PyTorch, which is not installed: pip install 'caviar[torch]'"
        )


def _audited(
    model: tuple[str, Path | None],
    data: str,
    test: str | None,
    words: tuple[str | None, str | None, str | None],
    batch_size: int | None,
    steps: int | None,
) -> Audit:
    from caviar.analysis.audit.audit import Audit
    from caviar.runner.torch_models.loading import data_at, loss_at, model_at, part_at
    from caviar.runner.torch_models.measuring.measure import measure

    inputs, target, loss = words
    return Audit(
        measure(
            model_at(*model),
            data_at(data),
            loss=loss_at(loss),
            inputs=part_at(inputs),
            target=part_at(target),
            test=None if test is None else data_at(test),
            batch_size=batch_size,
            steps=steps,
        )
    )


def _ran(model: str, data: str, test: str | None, audited: Audit) -> str:
    evidence = audited.evidence
    places = ", ".join(place for place in (model, data, test) if place is not None)
    return (
        f"Ran {places}; read {evidence.examples:,} examples in {evidence.passes:,} passes; the "
        "model is as it was."
    )
