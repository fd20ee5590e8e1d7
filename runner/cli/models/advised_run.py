"""`caviar advise --run`: the question to theory that a watched training answers for itself."""

from __future__ import annotations

from typing import Any

from caviar.analysis.run.of_model import is_of_model
from caviar.analysis.run.read import Run, last_rows, read_run
from caviar.runner.cli.advise import Setup, inputs
from caviar.runner.errors import RequestError


def asked_of(place: str, given: int | None = None) -> tuple[Any, ...]:
    """What is asked about a watched training: rule, decay, batch, updates, data and inputs.

    They are those of the first norm that the model calls, whose inputs do not depend on the batch.
    Positions of a convolution count as many independent values as its batch means showed. Raises
    RequestError for a run that does not say so, and for a batch size that is `given` beside it.
    """
    if given is not None:
        raise RequestError("--run takes the batch size from the run; leave out the other")
    try:
        run = read_run(place)
    except (ValueError, FileNotFoundError) as error:
        raise RequestError(str(error)) from None
    if not is_of_model(run.study) or run.study["model"]["kind"] != "watched training":
        raise RequestError(
            f"{place!r} is not a watched training, and --run asks about one; say --batch-size"
        )
    first = _first_norm(run, place)
    norms = {norm["name"]: norm for norm in run.study["model"]["norms"]}
    norm, size = norms[first["layer"]], int(first["norm_batch_size"])
    momentum = norm["momentum"]
    decay = None if momentum is None else round(1 - momentum, 12)
    setup = Setup(size, positions=norm["positions"], effective_positions=_worth(run, first, norm))
    law = inputs(first["excess_kurtosis"] if norm["positions"] == 1 else 0.0, 1.0, 2.0)
    rule = "pytorch-cumulative" if decay is None else "pytorch"
    return rule, decay, setup, int(first["step"]), None, law


def _first_norm(run: Run, place: str) -> Any:
    """The noise of the first norm at the size trained with."""
    rows = last_rows(run.noise)
    if len(rows):
        trained = rows["probe_batch_size"] == rows["norm_batch_size"]
        rows = rows[trained & (rows["layer"] != "network")]
    if rows.empty:
        raise RequestError(
            f"{place!r} has no batch noise: watch the training with data=, or say --batch-size"
        )
    return rows.iloc[0]


def _worth(run: Run, first: Any, norm: dict[str, Any]) -> float | None:
    """Independent values per example, from how far the means of random batches scatter.

    m examples drawn from n without replacement scatter by (n - m) / (n - 1) of what they would.
    """
    m, n = first["norm_batch_size"], run.study["model"]["train_examples"]
    scatter = first["mean_variance"]
    if norm["positions"] == 1 or not scatter > 0 or n <= m:
        return None
    return float(min(norm["positions"], max(1.0, (n - m) / (n - 1) / (m * scatter))))
