"""The run of a panda in its folder: begun from a study, or gone on with."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any, NamedTuple

from caviar.runner.config import TrialConfig
from caviar.runner.data.splits import Data, split_sizes
from caviar.runner.errors import RequestError, nearest, shown
from caviar.runner.panda.record.journal import interventions
from caviar.runner.panda.tree import Tree
from caviar.runner.session.planned import settled_trials
from caviar.runner.session.run_folder import (
    SAME_KERNEL_OR_ACCEPT,
    STUDY,
    open_run,
    other_kernel_before,
    read_study_json,
    session,
)
from caviar.runner.session.training_path import path_before
from caviar.runner.store.local_folder import LocalFolder
from caviar.runner.store.part_files import read_rows
from caviar.runner.store.sink import ParquetSink
from caviar.runner.store.storage import Storage
from caviar.runner.study.plan import Plan
from caviar.runner.trial.kernels import TrainingPath
from caviar.runner.verify.lineages import PANDA
from caviar.runner.verify.replay import config_of_trial, data_of


class Opened(NamedTuple):
    """A panda's run as it lies on disk: its name, the lineages so far, the data and the path."""

    name: str
    tree: Tree
    data: Data
    path: TrainingPath

    @property
    def per_epoch(self) -> int:
        """Steps of an epoch."""
        twin = self.tree.lineages[0].config
        train, _, _ = split_sizes(twin.dataset, len(self.data.labels), self.data.given_test)
        return train // twin.batch_size


def chosen(plan: Plan, trial: str | None) -> Plan:
    """The plan of one trial alone: the first, or that of a number from 1 or of a trial_id.

    Raises RequestError for one that the study does not have.
    """
    if trial is None:
        return _only(plan, plan.sample[0])
    trials = plan.trials
    ids = {one.trial_id: one for one in trials}
    if trial in ids:
        return _only(plan, ids[trial])
    if trial.isdecimal() and 1 <= int(trial) <= len(trials):
        return _only(plan, trials[int(trial) - 1])
    raise RequestError(
        f"the study has no trial {shown(trial)}; give a number from 1 to {len(trials)}, or a "
        f"trial_id: {nearest(trial, list(ids)[:50])}"
    )


def _only(plan: Plan, trial: TrialConfig) -> Plan:
    return replace(plan, sample=(trial,), small=True, limit=1)


def must_be_free(storage: LocalFolder) -> None:
    """Raise RequestError where something lies already."""
    names = storage.names("")
    if not names:
        return
    if STUDY in names and PANDA in read_study_json(storage):
        raise RequestError(
            f"{storage.where!r} holds a panda's run; go on with: caviar panda --resume "
            f"{storage.where}"
        )
    raise RequestError(f"{storage.where!r} holds something already; use another --out")


def begin(storage: LocalFolder, plan: Plan, command: str, path: TrainingPath) -> Opened:
    """Write the study of a plan of one trial, and that a panda trains it."""
    (twin,) = plan.trials
    open_run(storage, plan, command, path=path)
    content = read_study_json(storage)
    content[PANDA] = {"trial_id": twin.trial_id}
    storage.write(STUDY, json.dumps(content, indent=1).encode())
    ParquetSink(storage).plan([twin])
    return Opened(plan.study.name, Tree.of(twin), plan.data, path)


def read_panda(storage: Storage, place: str | None = None) -> Opened:
    """A panda's run as it lies on disk; raises RequestError where none does.

    `place`: where the data lie now, if they have moved.
    """
    content = read_study_json(storage)
    if PANDA not in content:
        raise RequestError(
            f"{storage.where!r} is no panda's run; begin one with: caviar panda STUDY.toml"
        )
    twin = config_of_trial(storage, _twin_of(storage, content))
    tree = Tree.of(twin, interventions(storage))
    name = str(content["study"]["name"])
    return Opened(name, tree, data_of(storage, twin, place), path_before(content))


def _twin_of(storage: Storage, content: dict[str, Any]) -> str:
    """The twin's trial; a run that was killed before it was planned is begun anew."""
    trial_id = str(content[PANDA]["trial_id"])
    if trial_id not in read_rows(storage, "trials", ["trial_id"])["trial_id"]:
        raise RequestError(
            f"{storage.where!r} was killed before anything was planned; remove it, and begin anew"
        )
    return trial_id


def go_on(storage: LocalFolder, opened: Opened, command: str, accepted: bool) -> bool:
    """Note in `study.json` that another session goes on; whether all states are to be forgotten,
    since another kernel made them. Raises RequestError if that is not `accepted`."""
    content = read_study_json(storage)
    changed = other_kernel_before(content, opened.path)
    left = {one.trial_id for one in opened.tree.lineages} - settled_trials(storage)
    if changed and left and not accepted:
        raise RequestError(f"{changed}; {SAME_KERNEL_OR_ACCEPT}")
    content["sessions"].append(session(command, opened.path))
    storage.write(STUDY, json.dumps(content, indent=1).encode())
    return bool(changed)
