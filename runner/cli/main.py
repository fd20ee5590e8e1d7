"""The roof: `caviar`. Everything heavy is imported inside the command that needs it."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from contextlib import nullcontext
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

import typer

from caviar.runner.cli import options
from caviar.runner.cli.carry_out import CarryOut, carried_out
from caviar.runner.cli.checks import compact, conventions, doctor, replay, verify
from caviar.runner.cli.ending.answer import report, told
from caviar.runner.cli.ending.exit_codes import (
    FAILED,
    INTERRUPTED,
    REFUSED,
    for_people,
    for_retries,
)
from caviar.runner.cli.fields import fields, schema
from caviar.runner.cli.finished.best import best
from caviar.runner.cli.finished.compare import compare
from caviar.runner.cli.finished.export import export
from caviar.runner.cli.finished.merge import merge
from caviar.runner.cli.growing.carried import grown
from caviar.runner.cli.growing.looks import looks_for
from caviar.runner.cli.models.audit import audit
from caviar.runner.cli.panda.control import control
from caviar.runner.cli.panda.panda import panda
from caviar.runner.cli.status import for_programs, status
from caviar.runner.cli.terminal import (
    end,
    first_line,
    flush,
    must_be_somewhere,
    reader_left,
    ready,
    say,
    system_error,
)
from caviar.runner.cli.watch import watch
from caviar.runner.errors import (
    AllDivergedError,
    InternalError,
    RequestError,
    StorageError,
    WorkersError,
)
from caviar.runner.executors.blas_threads import ONE_BLAS_THREAD
from caviar.runner.executors.choice import Where
from caviar.runner.session.interrupt import StoppedError, stopping_at_once
from caviar.runner.trial.kernels import Kernels

if TYPE_CHECKING:
    from pathlib import Path

    from caviar.analysis.report.page.picture import Drawing
    from caviar.runner.executors.worker_process import StartProcess
    from caviar.runner.study.plan import Plan

app = typer.Typer(
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    help="Many small batch-norm networks at once: what does the mini-batch size do to batch norm?",
)


Asked = tuple["Path | None", Sequence[str], int | None]
"""A study, its changes, and how many trials of it."""

END_OF = {False: for_people, True: for_retries}
"""Whom the exit code of a run is for, by `--exit-zero-when-finished`."""


class Parts(NamedTuple):
    """What commands do with a plan, how a report draws its figures (None: as asked for),
    and how the worker of a panda starts (None: as a new process)."""

    carry_out: CarryOut
    drawing: Drawing | None
    start_process: StartProcess | None


def main(
    carry_out: CarryOut = carried_out,
    drawing: Drawing | None = None,
    start_process: StartProcess | None = None,
) -> None:
    """Run the program; a user's mistake is one sentence on stderr and exit code 2."""
    if os.name == "nt":
        end("caviar needs Linux or macOS; on Windows, run it in WSL (`wsl --install`)", REFUSED)
    # Set before any import of numpy: the driver runs trials too (inline), with the same bits.
    os.environ.update({name: value for name, value in ONE_BLAS_THREAD.items() if value})
    os.environ["MPLBACKEND"] = "agg"  # Matplotlib is not imported where it knows no such name.
    ready()
    try:
        must_be_somewhere()
        app(obj=Parts(carry_out, drawing, start_process))
    except RequestError as error:
        end(str(error), REFUSED)
    except (StorageError, InternalError, WorkersError, AllDivergedError) as error:
        end(str(error), FAILED)
    except StoppedError:
        end("interrupted; what was measured is on disk, and the same command goes on", INTERRUPTED)
    except SystemExit as ended:
        raise SystemExit(0 if reader_left(ended) else ended.code) from None
    except OSError as error:
        end(system_error(error), FAILED)
    finally:
        flush()


@app.callback()
def program(version: options.Version = False) -> None:
    pass


@app.command()
def run(
    context: typer.Context,
    study: options.StudyFile = None,
    on: options.On = Where.local,
    workers: options.Workers = None,
    address: options.Address = None,
    out: options.Out = None,
    trials: options.Trials = None,
    settings: options.Settings = None,
    dry_run: options.DryRun = False,
    pilot: options.Pilot = None,
    price: options.Price = None,
    page: options.Report = True,
    show: options.Open = False,
    register: options.Register = None,
    extend: options.Extend = False,
    take_from: options.TakeFrom = None,
    shard: options.Shard = None,
    until: options.Until = None,
    most: options.Most = None,
    accept_other_processor: options.OtherProcessor = False,
    verbose: options.Verbose = False,
    kernels: options.Training = Kernels.auto,
    exit_zero: options.ExitZero = False,
    as_json: options.StateAsJson = False,
) -> None:
    """Run a study; the same command again resumes it."""
    options.must_fit(address, on, pilot, dry_run, take_from, register, price)
    options.must_be_alone(shard, register, extend, take_from, until)
    asked = study, settings or [], trials
    plan, root = _planned(context, asked, shard, out, dry_run, as_json)
    looks = looks_for(until, most, plan, register)
    if dry_run:
        further = accept_other_processor, kernels, extend, take_from, looks, price
        return _describe(plan, pilot, root, on, workers, *further, as_json=as_json)
    plan = _registered(plan, register, *asked, root)
    with for_programs(root) if as_json else nullcontext():
        given = root, on, workers, address, accept_other_processor, verbose, kernels
        ended = grown(context.obj.carry_out, given, take_from, looks, plan, extend)
        END_OF[exit_zero](ended, partial(told, plan, root, page, context.obj.drawing, show))


def _registered(plan: Plan, register: Path | None, *study: Any) -> Plan:
    if register is None:
        return plan
    from caviar.runner.cli.register import as_registered

    return as_registered(plan, register, *study)


def _describe(plan: Plan, *place: Any, as_json: bool) -> None:
    from caviar.runner.cli.dry_run import described

    say(described(plan, *place, as_json=as_json))


def _planned(
    context: typer.Context,
    asked: Asked,
    shard: str | None,
    out: str | None,
    dry_run: bool,
    as_json: bool,
) -> tuple[Plan, str]:
    """The plan of a command, or a shard of it, and where its run lies."""
    from caviar.runner.pandas_later import pandas_later

    context.with_resource(stopping_at_once())
    study, settings, trials = asked
    if not dry_run:
        first_line(study, sys.stderr if as_json else sys.stdout)
    pandas_later()
    from caviar.runner.session.shards.part import part_of
    from caviar.runner.session.shards.place import place_of
    from caviar.runner.study.plan import make_plan
    from caviar.runner.study.study_file import read_study

    plan = make_plan(read_study(study, settings), trials)
    plan = plan if shard is None else part_of(plan, shard)
    return plan, place_of(plan, out or f"runs/{plan.study.name}")


for _command in (
    *(report, status, watch, verify, replay, compare, best, export, audit),
    *(panda, control),
    *(merge, compact, conventions, fields, schema),
):
    app.command()(_command)


@app.command()
def advise(
    context: typer.Context,
    batch_size: options.BatchSize = None,
    per_device: options.PerDevice = None,
    devices: options.Devices = 1,
    sync: options.Sync = False,
    accumulate: options.Accumulate = 1,
    positions: options.Positions = 1,
    effective_positions: options.EffectivePositions = None,
    decay: options.Decay = None,
    convention: options.Rule = "pytorch",
    steps: options.Steps = None,
    dataset_size: options.DatasetSize = None,
    excess_kurtosis: options.Kurtosis = 0.0,
    input_mean: options.InputMean = 1.0,
    input_variance: options.InputVariance = 2.0,
    of_run: options.OfRun = None,
    source: options.Source = None,
    target: options.Target = None,
    plot: options.Plot = None,
    everything: options.Everything = False,
    as_json: options.AdviceAsJson = False,
) -> None:
    """Say from theory alone what to change about a batch size and its running averages.

    `--from keras --to pytorch` translates one framework's batch norm into another's settings.
    """
    from caviar.runner.cli.advise import Setup, advised, inputs, translated

    options.must_be_read(context)
    arguments = (per_device, devices, sync, accumulate, positions, effective_positions)
    if source is not None or target is not None:
        return say(translated(source, target, decay, (batch_size, *arguments), as_json))
    law = inputs(excess_kurtosis, input_mean, input_variance)
    if of_run is None:
        asked = (convention, decay, Setup(batch_size, *arguments), steps, dataset_size, law)
    else:
        asked = _asked_of(of_run, batch_size or per_device)
    say(advised(asked, plot, everything, as_json))


def _asked_of(run: str, given: int | None) -> tuple[Any, ...]:
    from caviar.runner.cli.models.advised_run import asked_of

    return asked_of(run, given)


app.command()(doctor)
