"""`caviar compare`: whether two runs differ."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from caviar.runner.cli.checks import storage_of
from caviar.runner.cli.ending.exit_codes import FAILED
from caviar.runner.cli.options import RunPlace
from caviar.runner.cli.terminal import say
from caviar.runner.errors import RequestError

if TYPE_CHECKING:
    from caviar.analysis.run.read import Run

Other = Annotated[str, typer.Argument(metavar="RUN", help="The run to compare.")]
FiniteAsJson = Annotated[
    bool, typer.Option("--json", help="Print JSON; values that are not finite become null.")
]


def compare(
    run: RunPlace,
    other: Other,
    as_json: FiniteAsJson = False,
) -> None:
    """Say whether two runs differ, in what and by how much.

    It compares the rows of trials that both have, bit for bit; then, at every level that both
    have, it subtracts the first run from the second, paired by seed if data and draws are the
    same. Exit code 1 if they differ significantly (an adjusted p below 0.05), 0 if they are the
    same, differ in the last digits, or do not differ significantly. For two audits of models it
    says what changed between them; exit code 1 if the cause did.
    """
    import json

    from caviar.analysis.compare.runs import compare as compare_runs
    from caviar.analysis.compare.text import data, text
    from caviar.analysis.run.of_model import is_of_model
    from caviar.analysis.run.read import read_run
    from caviar.runner.cli.advise import finite
    from caviar.runner.verify.run import must_be_tried

    for folder in (run, other):
        must_be_tried(storage_of(folder))
    try:
        runs = read_run(run), read_run(other)
        if any(is_of_model(one.study) for one in runs):
            return _audits(*runs, as_json=as_json)
        comparison = compare_runs(*runs)
    except ValueError as error:
        raise RequestError(str(error)) from None
    say(
        json.dumps(finite(data(comparison, *runs)), indent=1)
        if as_json
        else text(comparison, *runs)
    )
    if comparison.verdict == "differ":
        raise SystemExit(FAILED)


def _audits(first: Run, second: Run, *, as_json: bool) -> None:
    """Say what changed between two audits; raises ValueError where one is none."""
    import json

    from caviar.analysis.models.compared import compare_audits, data, text

    two = compare_audits(first, second)
    say(json.dumps(data(two), indent=1) if as_json else text(two, first, second))
    if two.differ:
        raise SystemExit(FAILED)
