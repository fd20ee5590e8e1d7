"""The content of a run's folder: its study, and what is finished."""

from __future__ import annotations

import functools
import json
import os
import platform
import sys
import time
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path
from typing import Any

from caviar.runner.config import TrialConfig
from caviar.runner.data.places import from_folder, without_home
from caviar.runner.data.splits import Data
from caviar.runner.errors import RequestError, StorageError
from caviar.runner.fields.dataset import PLACES
from caviar.runner.session.difference import difference
from caviar.runner.session.growth import BLOCKS, blocks_of, grown, same_data
from caviar.runner.session.planned import attempts_so_far, planned, settled_trials
from caviar.runner.session.registration import must_match
from caviar.runner.session.shards.part import must_be_the_part, no_run, recorded
from caviar.runner.store.part_files import read_rows
from caviar.runner.store.storage import CARRY_ON, Storage, read, reason
from caviar.runner.store.uri import joined
from caviar.runner.study.measured_less import measured_less
from caviar.runner.study.mechanisms import mechanisms_of
from caviar.runner.study.not_compared import not_trained_with
from caviar.runner.study.of_model import must_be_a_study
from caviar.runner.study.plan import Plan
from caviar.runner.study.what_was_read import what_was_read
from caviar.runner.trial.arithmetic import arithmetic
from caviar.runner.trial.events import Job
from caviar.runner.trial.kernels import TrainingPath

STUDY = "study.json"
FOLDERS = "study_folders"
"""Key of `study.json`: folders that a relative path of the data may start from."""
PACKAGES = ("caviar", "numpy", "numba", "pyarrow", "ray", "scipy", "scikit-learn", "pandas")

SAME_KERNEL_OR_ACCEPT = (
    "set OPENBLAS_CORETYPE (and NPY_DISABLE_CPU_FEATURES) to the previous kernel, or add "
    "--accept-other-processor: every trial then records the kernel that computed it"
)

ATTEMPTS = 100
"""More attempts than one session makes at a trial."""


def open_run(
    storage: Storage,
    plan: Plan,
    command: str,
    *,
    accept_other_processor: bool = False,
    path: TrainingPath = TrainingPath.numpy,
    extend: bool = False,
) -> None:
    """Write or check `study.json`; raises RequestError if the place holds something else, a smaller
    study unless the plan is to `extend` it, or if another kernel (or path) began a run with
    unfinished trials, unless that is accepted."""
    content = held(storage, plan, extend=extend)
    if content is None:
        content = {"hash": plan.hash(), "study": plan.identity(), "sessions": []}
        content["data"] = facts(plan.data, plan.sample[0])
        if plan.registered is not None:
            content["registered"] = plan.registered
        if plan.blocks:
            content[BLOCKS] = list(plan.blocks)
    else:
        must_match(content.get("registered"), plan.registered)
        changed = other_kernel_before(content, path)
        if changed and not accept_other_processor and remaining(storage, plan):
            raise RequestError(f"{changed}; {SAME_KERNEL_OR_ACCEPT}")
        if content["hash"] != plan.hash():
            _extended(content, plan)
    _keep_places(content, plan, storage)
    content["sessions"].append(session(command, path))
    content["mechanisms"] = mechanisms_of(plan.study)
    content["not_trained_with"] = not_trained_with()
    content["measured_less"] = measured_less(plan.whole)
    content.update(recorded(plan))
    content["trials"] = max(len(plan.trials), content.get("trials", 0))
    storage.write(STUDY, json.dumps(content, indent=1).encode())


def _extended(content: dict[str, Any], plan: Plan) -> None:
    """Put the plan's study in place of a smaller one, and note what it adds."""
    requested = plan.identity()
    added = {"session": len(content["sessions"]), "added": grown(content["study"], requested)[1]}
    content[BLOCKS] = list(blocks_of(content, plan.study.replicas))
    content["grown"] = [*content.get("grown", ()), added]
    content["hash"], content["study"] = plan.hash(), requested


def _keep_places(content: dict[str, Any], plan: Plan, storage: Storage) -> None:
    """Note where the data lie now, and the folders that relative paths to them may start from:
    that of the study as from_run from the run, and in full."""
    recorded, now = content["study"]["dataset"], plan.identity()["dataset"]
    for key in PLACES:
        recorded[key] = now[key]
    recorded["test"] = now["test"]
    folder = str(plan.study.folder)
    from_run = (
        [] if "://" in storage.where else [from_folder(folder, _without_links(storage.where))]
    )
    content[FOLDERS] = list(dict.fromkeys((*from_run, without_home(folder))))


def _without_links(where: str) -> Path:
    """Where the folder of a run really lies: `..` from there leads elsewhere than from a link."""
    try:
        return Path(os.path.realpath(where, strict=True))
    except FileNotFoundError:  # It is made with its first file.
        return Path(os.path.realpath(where))
    except OSError as error:
        raise StorageError(
            f"cannot find {where!r}: {reason(error)}; {CARRY_ON} once it can be read"
        ) from error


def held(storage: Storage, plan: Plan, *, extend: bool = False) -> dict[str, Any] | None:
    """The content of `study.json` where a run of this plan lies, None where nothing does.

    Raises RequestError where something else lies, with the difference if that is another study,
    and with what would be added if it is a smaller one that the plan is not to `extend`.
    """
    names = storage.names("")
    if not names:
        return None
    if STUDY not in names:
        raise RequestError(
            f"{storage.where!r} holds files that are not a run ({', '.join(names[:3])}); "
            "use another --out"
        )
    content = read_study_json(storage)
    must_be_a_study(content, storage.where, "use another --out")
    must_be_the_part(content, plan, storage.where)
    if content["hash"] == plan.hash():
        return content
    larger, added = grown(content["study"], plan.identity())
    same_data(larger, plan.identity())
    changes = difference(larger, plan.identity())
    if added and not changes:
        if not extend or "registered" in content:
            raise RequestError(_smaller(storage.where, content, added))
        return content
    changes = difference(content["study"], plan.identity())
    if content["study"]["dataset"].get("fingerprint") != plan.data.fingerprint:
        here = facts(plan.data, plan.sample[0])
        changes += difference(content.get("data"), here, "data")
    raise RequestError(
        f"{storage.where!r} holds another study: {'; '.join(changes[:5])}"
        + (f"; and {len(changes) - 5} more" if len(changes) > 5 else "")
        + "; undo the change, or use another --out"
    )


def _smaller(where: str, content: dict[str, Any], added: list[str]) -> str:
    """Why a run of a smaller study is not gone on with."""
    if "registered" in content:
        return f"{where!r} is registered, so that nothing joins it; use another --out"
    return (
        f"{where!r} holds this study without {' and '.join(added)}; add --extend to keep its "
        "trials and run those that are missing, or use another --out"
    )


def facts(data: Data, trial: TrialConfig) -> dict[str, str]:
    """What was read of the data of a trial, by topic."""
    topics: dict[str, list[str]] = {}
    for topic, text in what_was_read(data, trial):
        topics.setdefault(topic, []).append(text)
    return {topic: "; ".join(texts) for topic, texts in topics.items()}


def read_study_json(storage: Storage) -> dict[str, Any]:
    """The content of `study.json`; raises RequestError if there is none."""
    shown = repr(joined(storage.where, STUDY))
    try:
        content = json.loads(read(storage, STUDY).decode("utf-8"))
    except (FileNotFoundError, NotADirectoryError):
        raise RequestError(f"{storage.where!r} is not a run: {no_run(storage)}") from None
    except (ValueError, RecursionError) as error:
        raise RequestError(f"{shown} is damaged: {error}") from None
    if not _describes_a_study(content):
        raise RequestError(f"{shown} is damaged: it does not describe a study")
    study_json: dict[str, Any] = content
    return study_json


def _describes_a_study(content: Any) -> bool:
    if not isinstance(content, dict):
        return False
    study, sessions = content.get("study"), content.get("sessions")
    named = isinstance(study, dict) and {"name", "dataset"} <= study.keys()
    return named and isinstance(sessions, list) and isinstance(content.get("hash"), str)


def session(command: str, path: TrainingPath = TrainingPath.numpy) -> dict[str, Any]:
    """Where and with what a command ran, so that a report can still be checked years later."""
    here = arithmetic(path)
    return {
        "command": command,
        "started": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "host": platform.node(),
        "machine": f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores",
        "python": sys.version.split()[0],
        "versions": {name: _version(name) for name in PACKAGES},
        "blas": blas(),
        "kernel": here.kernel,
        "blas_threads": here.threads,
        "processor": here.processor,
        "training": path,
    }


def other_kernel_before(study: dict[str, Any], path: TrainingPath = TrainingPath.numpy) -> str:
    """A warning if a run's last session computed with another kernel than this process does on the
    path, else empty.

    Older runs, whose sessions name no kernel, name the library and the core type it was told to
    use.
    """
    before = study["sessions"][-1] if study["sessions"] else {}
    kernel = arithmetic(path).kernel
    key, here = ("kernel", kernel) if "kernel" in before else ("blas", blas())
    if key == "blas" and path is TrainingPath.compiled:
        here = kernel
    if before.get(key, here) == here:
        return ""
    return (
        f"the last session of this run computed with {before[key]}, but this one with {here}: "
        "its trials would differ in their last digits"
    )


@functools.cache
def _version(package: str) -> str:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return "not installed"


def blas() -> str:
    """Name and version of numpy's BLAS and the core type it was told to use."""
    import numpy as np

    config: Any = np.show_config(mode="dicts")
    library = config.get("Build Dependencies", {}).get("blas", {})
    core = os.environ.get("OPENBLAS_CORETYPE", "detected")
    name, version = (library.get(key, "unknown") for key in ("name", "version"))
    return f"{name} {version}, core type {core}"


def remaining(storage: Storage, plan: Plan, path: TrainingPath = TrainingPath.numpy) -> list[Job]:
    """The jobs that a run still needs: trials without a settled outcome. Each has an attempt
    number above all those in the run's tables, and above those of a rival writer, whose last part
    file may still arrive."""
    first = ATTEMPTS * len(read_study_json(storage)["sessions"]) if storage.rival else 0
    settled = settled_trials(storage)
    attempts = attempts_so_far(storage)
    jobs = []
    for trial in planned(storage, plan, settled):
        trial_id = trial.trial_id
        if trial_id not in settled:
            attempt = max(first, attempts.get(trial_id, -1) + 1)
            jobs.append(Job(trial, trial_id, attempt, path=path))
    return jobs


def unplanned(storage: Storage, plan: Plan) -> Iterator[TrialConfig]:
    """Trials of the plan that the run's `trials` table does not hold yet."""
    known = set(read_rows(storage, "trials", ["trial_id"])["trial_id"])
    if known.issuperset(trial.trial_id for trial in plan.trials.compact):
        return iter(())
    new = (trial for trial in planned(storage, plan, known) if trial.trial_id not in known)
    return (trial.config for trial in new)
