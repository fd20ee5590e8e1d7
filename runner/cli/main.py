"""The roof: `caviar`. Everything heavy is imported inside the command that needs it."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from caviar.runner.cli.carry_out import INTERRUPTED, CarryOut, carried_out, in_a_job
from caviar.runner.cli.checks import (
    FAILED,
    conventions,
    doctor,
    replay,
    status,
    storage_of,
    verify,
)
from caviar.runner.cli.options import (
    Address,
    BatchSize,
    Beside,
    DatasetSize,
    Decay,
    DryRun,
    Everything,
    Kurtosis,
    On,
    OtherProcessor,
    Out,
    Pilot,
    Register,
    Report,
    Rule,
    RunPlace,
    Settings,
    Steps,
    StudyFile,
    Trials,
    Workers,
)
from caviar.runner.cli.terminal import (
    end,
    flush,
    must_be_somewhere,
    replace_unknown_signs,
    say,
    system_error,
)
from caviar.runner.errors import (
    AllDivergedError,
    InternalError,
    RequestError,
    StorageError,
    WorkersError,
)
from caviar.runner.executors.blas_threads import ONE_BLAS_THREAD
from caviar.runner.executors.choice import Where

if TYPE_CHECKING:
    from caviar.runner.study.plan import Plan

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    help="Many small batch-norm networks at once: what does the mini-batch size do to batch norm?",
)

REFUSED = 2


def main(carry_out: CarryOut = carried_out) -> None:
    """Run the program; a user's mistake is one sentence on stderr and exit code 2.

    `carry_out` is what `caviar run` does with a plan.
    """
    if os.name == "nt":
        end("caviar needs Linux or macOS; on Windows, run it in WSL (`wsl --install`)", REFUSED)
    # Set before any import of numpy: the driver runs trials too (inline), with the same bits.
    os.environ.update({name: value for name, value in ONE_BLAS_THREAD.items() if value})
    os.environ["MPLBACKEND"] = "agg"  # Matplotlib is not imported where it knows no such name.
    replace_unknown_signs()
    try:
        must_be_somewhere()
        app(obj=carry_out)
    except RequestError as error:
        end(str(error), REFUSED)
    except (StorageError, InternalError, WorkersError) as error:
        end(str(error), FAILED)
    except BrokenPipeError:
        raise SystemExit(INTERRUPTED) from None  # `caviar status | head -1`: no word is missed.
    except OSError as error:
        end(system_error(error), FAILED)
    finally:
        flush()


@app.command()
def run(
    context: typer.Context,
    study: StudyFile = None,
    on: On = Where.local,
    workers: Workers = None,
    address: Address = None,
    out: Out = None,
    trials: Trials = None,
    settings: Settings = None,
    dry_run: DryRun = False,
    pilot: Pilot = None,
    report: Report = True,
    register: Register = None,
    accept_other_processor: OtherProcessor = False,
) -> None:
    """Run a study; the same command again resumes it."""
    from caviar.runner.study.plan import make_plan
    from caviar.runner.study.study_file import read_study

    if address is not None and on is not Where.ray:
        raise RequestError("--address names a Ray cluster; add --on ray")
    if pilot is not None and not dry_run:
        raise RequestError("--pilot only helps to plan the number of seeds; add --dry-run")
    plan = make_plan(read_study(study, settings or []), trials)
    if dry_run:
        _described(plan, pilot)
        return
    root = out or f"runs/{plan.study.name}"
    if register is not None:
        from caviar.runner.cli.register import as_registered

        plan = as_registered(plan, register, study, settings or [], trials, root)
    in_a_job(root, on)
    progress = context.obj(plan, root, on, workers, address, accept_other_processor)
    if report and not progress.interrupted:
        _report(root)
    if progress.interrupted or progress.failed:
        raise SystemExit(INTERRUPTED if progress.interrupted else FAILED)


def _described(plan: Plan, pilot: str | None) -> None:
    from caviar.runner.cli.dry_run import describe
    from caviar.runner.cli.power import power

    say(f"{describe(plan)}\n{power(plan.study.replicas, pilot)}")


def _report(root: str, beside: Sequence[str] = ()) -> None:
    from caviar.runner.cli.report import written

    try:
        for line in written(root, beside):
            say(line)
    except AllDivergedError as error:
        say(str(error))
        raise SystemExit(FAILED) from None


@app.command()
def report(
    run: RunPlace,
    beside: Beside = None,
) -> None:
    """Print the answer of a run and write its report."""
    from caviar.runner.session.run_folder import read_study_json

    for folder in (run, *(beside or ())):
        read_study_json(storage_of(folder))
    _report(run, beside or [])


@app.command()
def compare(
    run: RunPlace,
    other: Annotated[str, typer.Argument(metavar="RUN", help="The run to compare.")],
    as_json: Annotated[
        bool,
        typer.Option("--json", help="Print JSON; values that are not finite become null."),
    ] = False,
) -> None:
    """Say whether two runs differ, in what and by how much.

    It compares the rows of trials that both have, bit for bit; then, at every level that both
    have, it subtracts the first run from the second, paired by seed if data and draws are the
    same. Exit code 1 if they differ significantly (an adjusted p below 0.05), 0 if they are the
    same, differ in the last digits, or do not differ significantly.
    """
    import json

    from caviar.analysis.compare.runs import compare as compare_runs
    from caviar.analysis.compare.text import data, text
    from caviar.analysis.run.read import read_run
    from caviar.runner.cli.advise import finite
    from caviar.runner.verify.run import must_be_tried

    for folder in (run, other):
        must_be_tried(storage_of(folder))
    try:
        runs = read_run(run), read_run(other)
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


for _command in (status, verify, replay, conventions):
    app.command()(_command)


@app.command()
def advise(
    batch_size: BatchSize,
    decay: Decay = None,
    convention: Rule = "pytorch",
    steps: Steps = None,
    dataset_size: DatasetSize = None,
    excess_kurtosis: Kurtosis = 0.0,
    everything: Everything = False,
    as_json: Annotated[
        bool,
        typer.Option("--json", help="Print JSON with the laws; infinite values become null."),
    ] = False,
) -> None:
    """Say from theory alone what a batch size and a decay do, and what to change."""
    import json
    from dataclasses import asdict

    from caviar.analysis.theory import advise as theory
    from caviar.analysis.theory.advice.framework_words import words_of
    from caviar.analysis.theory.advice.text import text
    from caviar.analysis.theory.question import Question
    from caviar.runner.cli.advise import fields_of, finite, head, rule_of

    row, chosen = rule_of(convention, decay)
    fields = fields_of(row, chosen, batch_size, steps, dataset_size, excess_kurtosis)
    try:
        question = Question(**fields)
    except ValueError as error:
        raise RequestError(str(error)) from None
    asked, advice = asdict(question), theory.advise(question, words_of(row.name))
    if as_json:
        answer = {"convention": row.name, "question": asked, **asdict(advice)}
        say(json.dumps(finite(answer), indent=1))
    else:
        say(text(head(row, asked), advice, everything))


app.command()(doctor)
