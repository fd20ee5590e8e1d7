"""What lies in a run's folder: the study it holds, and what of it is done."""

from __future__ import annotations

import fcntl
import json
import os
import platform
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import metadata
from pathlib import Path
from typing import Any

from runner.errors import RequestError
from runner.events import SETTLED, Job
from runner.plan import Plan
from runner.sink import read_rows, write_whole
from runner.tables import ROW_TABLES

STUDY = "study.json"
PACKAGES = ("caviar", "numpy", "pyarrow", "ray", "scipy", "scikit-learn", "pandas")


@contextmanager
def held(root: Path) -> Iterator[None]:
    """Be the only writer of a run; the system releases the hold however the process ends."""
    try:
        root.mkdir(parents=True, exist_ok=True)
        folder = os.open(root, os.O_RDONLY | os.O_DIRECTORY)
    except OSError as error:
        raise RequestError(f"cannot write to {str(root)!r}: {error.strerror}") from None
    try:
        try:
            fcntl.flock(folder, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise RequestError(
                f"another caviar is writing to {str(root)!r}; wait for it, or use another --out"
            ) from None
        yield
    finally:
        os.close(folder)


def open_run(root: Path, plan: Plan, command: str) -> None:
    """Write or check `study.json`; raises RequestError where the folder holds something else."""
    path = root / STUDY
    if not path.exists():
        others = sorted(p.name for p in root.iterdir() if not p.name.startswith("."))
        if others:
            raise RequestError(
                f"{str(root)!r} holds files that are not a run ({', '.join(others[:3])}); "
                "use another --out"
            )
        content: dict[str, Any] = {"hash": plan.hash(), "study": plan.identity(), "sessions": []}
    else:
        content = read_study_json(root)
        if content["hash"] != plan.hash():
            changes = difference(content["study"], plan.identity())
            raise RequestError(
                f"{str(root)!r} holds another study: {'; '.join(changes[:5])}"
                + (f"; and {len(changes) - 5} more" if len(changes) > 5 else "")
                + "; undo the change, or use another --out"
            )
    for left_over in root.glob("*/.part-*.tmp"):
        left_over.unlink()  # of a driver that was killed while writing; no one else writes here
    content["sessions"].append(session(command))
    content["trials"] = max(len(plan.trials), content.get("trials", 0))
    write_whole(path, json.dumps(content, indent=1).encode())


def read_study_json(root: Path) -> dict[str, Any]:
    """The content of `study.json`; raises RequestError where there is none."""
    try:
        content = json.loads((root / STUDY).read_text(encoding="utf-8"))
    except (FileNotFoundError, NotADirectoryError):
        raise RequestError(f"{str(root)!r} is not a run: it has no {STUDY}") from None
    except ValueError as error:
        raise RequestError(f"{str(root / STUDY)!r} is damaged: {error}") from None
    if not isinstance(content, dict) or not {"hash", "study", "sessions"} <= content.keys():
        raise RequestError(f"{str(root / STUDY)!r} is damaged: it does not describe a study")
    return content


def session(command: str) -> dict[str, Any]:
    """Where and with what a command ran: what a report needs to be believed years later."""
    return {
        "command": command,
        "started": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "host": platform.node(),
        "machine": f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores",
        "python": sys.version.split()[0],
        "versions": {name: _version(name) for name in PACKAGES},
        "blas": blas(),
    }


def _version(package: str) -> str:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return "not installed"


def blas() -> str:
    """Name and version of numpy's BLAS and the core type it was told to use."""
    import numpy as np

    config: Any = np.show_config(mode="dicts")
    found = config["Build Dependencies"]["blas"]
    core = os.environ.get("OPENBLAS_CORETYPE", "detected")
    return f"{found['name']} {found['version']}, core type {core}"


def difference(there: Any, here: Any, path: str = "") -> list[str]:
    """What differs between two nested values, one sentence a place."""
    if isinstance(there, dict) and isinstance(here, dict):
        keys = sorted(there.keys() | here.keys())
        return [
            line
            for key in keys
            for line in difference(there.get(key), here.get(key), f"{path}.{key}".strip("."))
        ]
    return [] if there == here else [f"{path} is {_shown(there)} there and {_shown(here)} here"]


def _shown(value: Any) -> str:
    return "absent" if value is None else json.dumps(value)


def remaining(root: Path, plan: Plan) -> list[Job]:
    """The jobs that a run still needs: trials without a settled outcome, each with an attempt
    number above all that left a trace on disk."""
    outcomes = read_rows(root, "outcomes", ["trial_id", "status"])
    settled = {
        trial
        for trial, status in zip(outcomes["trial_id"], outcomes["status"], strict=True)
        if status in SETTLED
    }
    attempts: dict[str, int] = {}
    for table in (*ROW_TABLES, "outcomes"):
        seen = read_rows(root, table, ["trial_id", "attempt"])
        for trial, attempt in zip(seen["trial_id"], seen["attempt"], strict=True):
            attempts[trial] = max(attempt, attempts.get(trial, -1))
    jobs = []
    for config in plan.trials:
        trial_id = config.trial_id
        if trial_id not in settled:
            jobs.append(Job(config, trial_id, attempts.get(trial_id, -1) + 1))
    return jobs


def unplanned(root: Path, plan: Plan) -> list[Any]:
    """Trials of the plan that the run's `trials` table does not hold yet."""
    known = set(read_rows(root, "trials", ["trial_id"])["trial_id"])
    return [config for config in plan.trials if config.trial_id not in known]
