"""`caviar export`: a run for other tools."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from caviar.runner.cli.options import RunPlace
from caviar.runner.cli.terminal import say
from caviar.runner.errors import RequestError

Folder = Path | None
Tensorboard = Annotated[Folder, typer.Option(metavar="DIR", help="Write event files.")]
Mlflow = Annotated[Folder, typer.Option(metavar="DIR", help="Write a file store of MLflow.")]
Csv = Annotated[Folder, typer.Option(metavar="DIR", help="Write every table as a CSV file.")]
AsStudy = Annotated[bool, typer.Option("--study", help="Print the study that the run was made by.")]

AsSchedule = Annotated[
    bool,
    typer.Option("--schedule", help="Print a study of a panda's edits: with them and without."),
]


def export(
    run: RunPlace,
    tensorboard: Tensorboard = None,
    mlflow: Mlflow = None,
    csv: Csv = None,
    study: AsStudy = False,
    schedule: AsSchedule = False,
) -> None:
    """Write a run for another tool, its study as TOML, or the edits of a training as a study."""
    folders = {"tensorboard": tensorboard, "mlflow": mlflow, "csv": csv}
    given = {kind: folder for kind, folder in folders.items() if folder is not None}
    if len(given) + study + schedule != 1:
        raise RequestError(
            "give one of --tensorboard DIR, --mlflow DIR, --csv DIR, --study or --schedule"
        )
    if study or schedule:
        return say(_study(run) if study else _schedule(run))
    ((kind, folder),) = given.items()
    say(_written(run, kind, folder))


def _study(run: str) -> str:
    from caviar.runner.cli.finished.study_text import study_text
    from caviar.runner.session.run_folder import read_study_json
    from caviar.runner.store.open import storage_at

    storage = storage_at(run)
    return study_text(run, read_study_json(storage), storage)


def _schedule(run: str) -> str:
    from caviar.runner.cli.finished.schedule_text import schedule_text
    from caviar.runner.cli.finished.study_text import data_of, trials_of
    from caviar.runner.panda.record.journal import interventions
    from caviar.runner.panda.tree import Tree
    from caviar.runner.session.run_folder import read_study_json
    from caviar.runner.store.open import storage_at

    storage = storage_at(run)
    study, asked = read_study_json(storage), interventions(storage)
    if not asked:
        raise RequestError(
            f"{storage.where!r} has no edits to export: it is no run of `caviar panda`, or nothing "
            "was asked of it; --study prints the study that it was made by"
        )
    twin = trials_of(study, storage)[asked[0].trial_id]
    name, dataset = study["study"]["name"], data_of(run, study)
    return schedule_text(storage.where, name, dataset, Tree.of(twin, asked), asked)


def _written(run: str, kind: str, folder: Path) -> str:
    from caviar.analysis.exports.csv_files import write_csv
    from caviar.analysis.exports.mlflow_store import write_mlflow
    from caviar.analysis.exports.tensorboard import write_tensorboard
    from caviar.analysis.run.read import read_run
    from caviar.runner.session.run_folder import read_study_json
    from caviar.runner.store.open import storage_at

    read_study_json(storage_at(run))
    write = {"csv": write_csv, "mlflow": write_mlflow, "tensorboard": write_tensorboard}[kind]
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise RequestError(f"--{kind} {str(folder)!r} exists already; name a new folder")
    try:
        count = write(read_run(run), folder)
    except ImportError as error:
        raise RequestError(
            f"--{kind} needs a package that is not installed ({error.name}): "
            "pip install 'caviar[export]', in a clone pip install -e '.[export]'"
        ) from None
    except ValueError as error:
        raise RequestError(str(error)) from None
    except OSError as error:
        raise RequestError(f"--{kind} {str(folder)!r}: {error.strerror}") from None
    return SAYS[kind].format(count=count, folder=folder)


MLFLOW = "MLFLOW_ALLOW_FILE_STORE=true mlflow ui --backend-store-uri"
SAYS = {
    "csv": "{count} tables: {folder}",
    "tensorboard": "{count} networks: tensorboard --logdir {folder}",
    "mlflow": f"{{count}} networks: {MLFLOW} {{folder}}",
}
"""What was written, and the command that shows it."""
