"""The arguments and options of `caviar run` and `advise`, and RUN, which other commands share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from caviar.runner.errors import RequestError
from caviar.runner.executors.choice import Where
from caviar.runner.trial.kernels import Kernels


def utf8(places: str | list[str] | None) -> str | list[str] | None:
    """The places unchanged; raises RequestError for a name that is not UTF-8."""
    for place in [places] if isinstance(places, str) else places or ():
        if not place.isascii() and place != place.encode(errors="replace").decode():
            raise RequestError(f"{place!r} is not UTF-8; use another name")
    return places


def _workers(text: str) -> int | None:
    """The number of workers, None for `auto`."""
    if text == "auto":
        return None
    if not text.isdecimal() or int(text) < 1:
        raise typer.BadParameter(f"{text!r} is not a number of workers: give 1 or more, or auto")
    return int(text)


RunPlace = Annotated[
    str, typer.Argument(metavar="RUN", callback=utf8, help="The folder or URI of a run.")
]
RunPlaces = Annotated[
    list[str] | None,
    typer.Argument(metavar="[RUN]...", callback=utf8, help="Default: all runs under runs/."),
]
Watch = Annotated[
    bool, typer.Option("--watch", help="Repeat until no run is running, or until Ctrl-C.")
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
DataPlace = Annotated[
    str | None,
    typer.Option(
        "--data", callback=utf8, help="Where the data lie now: their file, or its folder."
    ),
]
StateAsJson = Annotated[
    bool,
    typer.Option("--json", help="Print only JSON: the run as `status` gives it, or the plan."),
]
StudyFile = Annotated[
    Path | None, typer.Argument(metavar="[STUDY.toml]", help="Default: the quickstart.")
]
On = Annotated[Where, typer.Option(help="Where trials run.")]
Workers = Annotated[
    int | None,
    typer.Option(
        metavar="N|auto",
        parser=_workers,
        help="Trials at once; auto, the default: one per core, or CPU that a cluster has by then.",
    ),
]
Address = Annotated[str | None, typer.Option(help="Address of a running Ray cluster.")]
Out = Annotated[str | None, typer.Option(callback=utf8, help="Folder or URI; default: runs/NAME.")]
Trials = Annotated[int | None, typer.Option(min=1, help="Run only the first N trials.")]
Settings = Annotated[
    list[str] | None,
    typer.Option(
        "--set", metavar="KEY=VALUE", help="Change a field of the study; may be repeated."
    ),
]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Show the plan, run nothing.")]
Pilot = Annotated[
    str | None, typer.Option(help="With --dry-run: a run to take the spread over seeds from.")
]
Price = Annotated[
    float | None,
    typer.Option(
        help="With --dry-run: what a worker costs per hour, to say what the run would cost."
    ),
]
Register = Annotated[
    Path | None,
    typer.Option(
        help="Run the claims, study and seeds fixed in this file, which is written if new."
    ),
]
Report = Annotated[bool, typer.Option("--report/--no-report", help="Write the HTML report.")]
Verbose = Annotated[
    bool, typer.Option("--verbose", help="Print each start, end, retry and worker on stderr.")
]
ExitZero = Annotated[
    bool,
    typer.Option(
        "--exit-zero-when-finished",
        help="Exit code 0 once every trial is recorded, also those that failed.",
    ),
]
Full = Annotated[
    bool, typer.Option("--full", help="Print the whole answer in words, with every number.")
]
Open = Annotated[bool, typer.Option("--open", help="Open the page in a browser.")]
Files = Annotated[bool, typer.Option("--files", help="Write each figure as PDF, PNG and SVG, too.")]
Intervened = Annotated[
    bool,
    typer.Option("--intervened", help="Read trainings that were edited as trials like others."),
]
OtherProcessor = Annotated[
    bool,
    typer.Option(
        "--accept-other-processor", help="Resume a run that another processor's kernel began."
    ),
]
Extend = Annotated[
    bool,
    typer.Option("--extend", help="Where a smaller study ran: run what is missing."),
]
TakeFrom = Annotated[
    str | None,
    typer.Option(
        "--from", metavar="RUN", callback=utf8, help="Take over equal trials of this run."
    ),
]
Shard = Annotated[
    str | None,
    typer.Option(
        metavar="K/N",
        help="Run the K-th of N parts of the study, below --out; `caviar merge` joins them.",
    ),
]
Until = Annotated[
    str | None,
    typer.Option(
        metavar="WORDS",
        help='Add seeds until this holds, as "test_loss 16 - 256 within 0.005".',
    ),
]
Most = Annotated[
    int | None,
    typer.Option(min=1, help="With --until: the most seeds that a trial gets; default: 64."),
]

Training = Annotated[
    Kernels,
    typer.Option(
        "--kernels", help="Train on compiled kernels: where they pay, always (on) or never (off)."
    ),
]

ReportPlace = Annotated[
    str | None,
    typer.Option("--out", callback=utf8, help="Write it under this folder or URI instead."),
]


def _version(asked: bool) -> None:
    if asked:
        from importlib.metadata import version

        typer.echo(f"caviar {version('caviar')}")
        raise typer.Exit


Version = Annotated[
    bool,
    typer.Option("--version", callback=_version, is_eager=True, help="Print the version."),
]

Beside = Annotated[
    list[str] | None, typer.Option(metavar="RUN", help="Show another run on the same axis.")
]

MOST = 10**12
"""The largest count that `advise` takes: beyond it, a float cannot distinguish a decay from 1."""
BatchSize = Annotated[
    int | None, typer.Option(max=MOST, help="Examples that share one mean and variance.")
]
PerDevice = Annotated[
    int | None, typer.Option(max=MOST, help="The same for several devices: examples on each.")
]
Devices = Annotated[int, typer.Option(min=1, max=MOST, help="Devices that train together.")]
Sync = Annotated[bool, typer.Option("--sync", help="Devices share their statistics.")]
Accumulate = Annotated[
    int, typer.Option(min=1, max=MOST, help="Batches per weight update; they share no statistics.")
]
Positions = Annotated[
    int, typer.Option(min=1, max=MOST, help="Positions of a convolution, such as 14 x 14 = 196.")
]
EffectivePositions = Annotated[
    float | None,
    typer.Option(help="Independent ones: a channel's variance over that of its images' means."),
]
Decay = Annotated[
    float | None,
    typer.Option(help="Weight of the old value (PyTorch: 1 - momentum). Default: the rule's."),
]
Rule = Annotated[
    str, typer.Option("--convention", "--framework", help="Framework or `caviar conventions` row.")
]
Steps = Annotated[
    int | None, typer.Option(max=MOST, help="Number of weight updates. Default: infinite.")
]
DatasetSize = Annotated[
    int | None, typer.Option(max=MOST, help="Examples shuffled each epoch. Default: infinite.")
]
Kurtosis = Annotated[float, typer.Option(help="Excess kurtosis of the inputs; 0 for normal ones.")]
InputMean = Annotated[
    float, typer.Option(help="Mean of the inputs in sigma: what a start at 0 is off by.")
]
InputVariance = Annotated[
    float, typer.Option(help="Variance of the inputs: what a start at 1 is off by.")
]
AdviceAsJson = Annotated[
    bool, typer.Option("--json", help="Print JSON with the laws; infinite values become null.")
]
OfRun = Annotated[
    str | None,
    typer.Option(
        "--run", metavar="RUN", callback=utf8, help="Ask about a training watched in Python."
    ),
]
Source = Annotated[
    str | None, typer.Option("--from", help="Translate this framework's batch norm to --to.")
]
Target = Annotated[str | None, typer.Option("--to", help="The framework to translate it to.")]
Plot = Annotated[
    Path | None, typer.Option(help="Draw errors and noise against the size: .png, .svg or .pdf.")
]
Everything = Annotated[
    bool, typer.Option("--all", help="Print every action and number, and how it was checked.")
]


def must_fit(
    address: str | None,
    on: Where,
    pilot: str | None,
    dry_run: bool,
    take_from: str | None,
    register: Path | None,
    price: float | None,
) -> None:
    """Raise RequestError for options that need another one."""
    if address is not None and on is not Where.ray:
        raise RequestError("--address names a Ray cluster; add --on ray")
    if pilot is not None and not dry_run:
        raise RequestError("--pilot only helps to plan the number of seeds; add --dry-run")
    if price is not None and not dry_run:
        raise RequestError("--price only helps to plan what a run would cost; add --dry-run")
    if take_from is not None and register is not None:
        raise RequestError(
            "--from takes over seeds that were run before, and --register fixes a study before "
            "its seeds are run; leave one out"
        )


def must_be_alone(
    shard: str | None,
    register: Path | None,
    extend: bool,
    take_from: str | None,
    until: str | None,
) -> None:
    """Raise RequestError for a shard of a study that is to grow, to take over or to be registered:
    its trials must be known before any of them is run."""
    others = {"--register": register, "--extend": extend, "--from": take_from, "--until": until}
    given = [option for option, value in others.items() if value]
    if shard is not None and given:
        raise RequestError(
            f"--shard runs a part of a study that is fixed, so {given[0]} does not go with it; "
            "leave it out, and use it on the run that `caviar merge` makes"
        )


SET_UP = {"batch_size", "per_device", "devices", "sync", "positions"}
TRANSLATED = {*SET_UP, "source", "target", "decay", "as_json"}
READ_BESIDE = {
    "--from": TRANSLATED,
    "--to": TRANSLATED,
    "--run": {"of_run", "batch_size", "per_device", "plot", "everything", "as_json"},
}
"""What else is read by a translation, and by advice about a run, which knows the rest."""


def must_be_read(context: typer.Context) -> None:
    """Raise RequestError for an option of `caviar advise` that another one makes ineffective."""
    given = [
        parameter
        for parameter in context.command.params
        if (source := context.get_parameter_source(parameter.name or "")) is not None
        and source.name == "COMMANDLINE"
    ]
    names = {name: one for one in given for name in one.opts}
    for beside, read in READ_BESIDE.items():
        for name, one in names.items() if beside in names else ():
            if one.name not in read:
                raise RequestError(f"{name} has no effect with {beside}; leave it out")
