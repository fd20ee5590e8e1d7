"""The roof: `caviar`. Everything heavy is imported inside the command that needs it."""

from __future__ import annotations

import os
import sys
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

from runner.errors import RequestError
from runner.threads import ONE_BLAS_THREAD

if TYPE_CHECKING:
    from analysis.prediction import Question
    from model.conventions import Convention
    from runner.events import Job
    from runner.executor import Executor
    from runner.plan import Plan
    from runner.run import Progress

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    help="Many small batch-norm networks at once: what does the mini-batch size do to batch norm?",
)

FAILED, REFUSED, INTERRUPTED = 1, 2, 130

MOST = 10**12
"""No count of `advise` is larger: beyond, a float no longer tells a decay from 1."""

RunFolder = Annotated[Path, typer.Argument(metavar="RUN", help="The folder of a run.")]


class Where(StrEnum):
    """Where trials run."""

    local = "local"
    ray = "ray"
    inline = "inline"


def main() -> None:
    """Run the program; a user's mistake is one sentence on stderr and exit code 2."""
    # Here, before any import of numpy: the driver runs trials too (inline), with the same bits.
    os.environ.update({name: value for name, value in ONE_BLAS_THREAD.items() if value})
    try:
        app()
    except RequestError as error:
        _refuse(str(error))


def _refuse(sentence: str) -> NoReturn:
    print(f"caviar: {sentence}", file=sys.stderr)
    raise SystemExit(REFUSED)


@app.command()
def run(
    study: Annotated[
        Path | None, typer.Argument(metavar="[STUDY.toml]", help="Default: the quickstart.")
    ] = None,
    on: Annotated[Where, typer.Option(help="Where trials run.")] = Where.local,
    workers: Annotated[int | None, typer.Option(min=1, help="Default: one a core.")] = None,
    address: Annotated[str | None, typer.Option(help="A Ray cluster that exists.")] = None,
    out: Annotated[Path | None, typer.Option(help="Default: runs/NAME.")] = None,
    trials: Annotated[int | None, typer.Option(min=1, help="Only the first so many.")] = None,
    settings: Annotated[
        list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="Change the study.")
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show the plan, run nothing.")] = False,
    report: Annotated[bool, typer.Option("--report/--no-report", help="Write it.")] = True,
) -> None:
    """Run a study; the same command again resumes it."""
    from runner.plan import make_plan
    from runner.study import read_study

    if address is not None and on is not Where.ray:
        raise RequestError("--address names a Ray cluster; add --on ray")
    plan = make_plan(read_study(study, settings or []), trials)
    if dry_run:
        from runner.dry_run import describe

        print(describe(plan))
        return
    root = out or Path("runs") / plan.study.name
    progress = _execute(plan, root, on, workers, address)
    print(f"rows: {root}")
    if progress.interrupted:
        print("interrupted: what was measured is on disk; the same command resumes")
        raise SystemExit(INTERRUPTED)
    if report:
        _report(root)
    if progress.failed:
        raise SystemExit(FAILED)


def _execute(
    plan: Plan, root: Path, on: Where, workers: int | None, address: str | None
) -> Progress:
    from rich.console import Console

    from runner.interrupt import Interrupt
    from runner.place import held, open_run, remaining, unplanned
    from runner.progress import Display, line
    from runner.run import run_study
    from runner.sink import ParquetSink

    with held(root):
        open_run(root, plan, " ".join(["caviar", *sys.argv[1:]]))
        sink = ParquetSink(root)
        sink.plan(unplanned(root, plan))
        jobs = remaining(root, plan)
        already = len(plan.trials) - len(jobs)
        if already:
            print(f"resuming {root}: {already} of {len(plan.trials)} trials are done")
        executor = _executor(plan, jobs, on, workers, address)
        interrupt = Interrupt()
        interrupt.install()
        display = Display(Console())
        try:
            progress = run_study(
                jobs, executor, sink, display, already=already, stop=lambda: interrupt.asked
            )
        finally:
            display.close()
            executor.close()
        sink.close()
    interrupt.release()
    print(line(progress))
    return progress


def _executor(
    plan: Plan, jobs: list[Job], on: Where, workers: int | None, address: str | None
) -> Executor:
    from runner.executor import InlineExecutor, LocalExecutor

    if on is Where.inline or not jobs:
        return InlineExecutor(plan.data)
    if on is Where.ray:
        from runner.cluster import RayExecutor

        return RayExecutor(plan.data, workers, address)
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return LocalExecutor(plan.data, min(workers or cores or 1, len(jobs)))


def _report(root: Path) -> None:
    from analysis.answer import answer
    from analysis.findings import find
    from analysis.load import read_run
    from analysis.report import write_report

    try:
        found = find(read_run(root))
    except ValueError as error:
        print(f"no report: {error}")
        return
    print(answer(found))
    print(f"report: {write_report(found, root / 'report')}")


@app.command()
def report(run: RunFolder) -> None:
    """Print the answer of a run and write its report."""
    from runner.place import read_study_json

    read_study_json(run)
    _report(run)


@app.command()
def status(run: RunFolder) -> None:
    """Say what of a run is done."""
    from runner.verify import status_line

    print(status_line(run))


@app.command()
def verify(run: RunFolder) -> None:
    """Check that a run is complete and whole; exit code 1 on a fault."""
    from runner.verify import verify_run

    findings = verify_run(run)
    print("\n".join(findings.lines))
    if findings.faults:
        raise SystemExit(FAILED)


@app.command()
def replay(run: RunFolder, trial: Annotated[str, typer.Argument(metavar="TRIAL")]) -> None:
    """Compute a trial again and say whether every bit is the same; exit code 1 if not."""
    from runner.replay import replay_trial

    same, said = replay_trial(run, trial)
    print(said)
    if not same:
        raise SystemExit(FAILED)


@app.command()
def conventions(
    as_json: Annotated[bool, typer.Option("--json", help="As data.")] = False,
) -> None:
    """Print the rules for running statistics."""
    import json

    from runner.conventions_page import data, text

    print(json.dumps(data(), indent=1) if as_json else text())


@app.command()
def advise(
    batch_size: Annotated[
        int, typer.Option(max=MOST, help="Examples behind one mean and variance.")
    ],
    decay: Annotated[
        float | None,
        typer.Option(help="Weight of the old value (PyTorch: 1 - momentum). Default: the rule's."),
    ] = None,
    convention: Annotated[str, typer.Option(help="A row of `caviar conventions`.")] = "pytorch",
    steps: Annotated[int | None, typer.Option(max=MOST, help="Default: the long run.")] = None,
    dataset_size: Annotated[
        int | None, typer.Option(max=MOST, help="Examples shuffled each epoch.")
    ] = None,
    excess_kurtosis: Annotated[float, typer.Option(help="Of the inputs; 0 is normal.")] = 0.0,
    as_json: Annotated[
        bool, typer.Option("--json", help="As data, with laws; endless is null.")
    ] = False,
) -> None:
    """Say from theory alone what a batch size and a decay do, and what to change."""
    import json
    from dataclasses import asdict

    from analysis import advise as theory
    from runner.advice import finite, rule_of, text

    row, chosen = rule_of(convention, decay)
    question = _question(row, chosen, batch_size, steps, dataset_size, excess_kurtosis)
    asked, found = asdict(question), asdict(theory.advise(question))
    if as_json:
        print(json.dumps(finite({"convention": row.name, "question": asked, **found}), indent=1))
    else:
        print(text(row, asked, found))


def _question(
    row: Convention,
    decay: float,
    batch_size: int,
    steps: int | None,
    dataset_size: int | None,
    excess_kurtosis: float,
) -> Question:
    from analysis.prediction import Question

    try:
        return Question(
            norm_batch_size=batch_size,
            decay=decay,
            keep=row.keep,
            second=row.second,
            epsilon=row.epsilon,
            steps=float("inf") if steps is None else steps,
            dataset_size=float("inf") if dataset_size is None else dataset_size,
            excess_kurtosis=excess_kurtosis,
        )
    except ValueError as error:
        raise RequestError(str(error)) from None


@app.command()
def doctor() -> None:
    """Print what a bug report needs: versions, BLAS, threads, cores."""
    from runner.place import session

    for key, value in session("caviar doctor").items():
        print(f"{key}: {value}")
