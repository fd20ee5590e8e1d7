"""Settings without effect: refused if no trial reads them; trials that repeat another run once."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from typing import NamedTuple

from caviar.runner.effects import reason
from caviar.runner.errors import RequestError
from caviar.runner.fields.changes import is_ever_read
from caviar.runner.study.bench import Placed
from caviar.runner.study.study import Study
from caviar.runner.study.study_file import TABLES


class Setting(NamedTuple):
    """A field where a study sets it: in one of its tables, or in an arm."""

    table: str
    field: str


Idle = dict[Setting, dict[str, None]]
"""Settings that no trial has read so far, each with the values that make it ineffective."""


class Repeats(NamedTuple):
    """The number of trials that would repeat another's training, and the fields without effect."""

    trials: int
    reasons: tuple[str, ...]


def settings_of(study: Study) -> Idle:
    """Every setting of a study, none of them read yet; refuses those that every arm overrides."""
    settings = [Setting(f"[{table}]", f) for table in TABLES for f in getattr(study, table)]
    for table, field in settings:
        if study.arms and all(field in fields for fields in study.arms.values()):
            raise RequestError(
                f"{field} in {table} has no effect: every arm sets its own; leave it out"
            )
    for arm, fields in study.arms.items():
        settings += [Setting(f"arms.{arm}", field) for field in fields]
    return {setting: {} for setting in settings}


def take_out_read(idle: Idle, study: Study, placed: Iterable[Placed]) -> None:
    """Remove from `idle` every setting that one of these trials reads; note why others do not."""
    tables = [Setting(f"[{table}]", f) for table in TABLES for f in getattr(study, table)]
    for position, trial, _ in placed:
        arm, fields = study.arms.get(position.arm, {}), vars(trial)
        settings = [setting for setting in tables if setting.field not in arm]
        settings += [Setting(f"arms.{position.arm}", field) for field in arm]
        for setting in settings:
            if setting not in idle:
                continue
            if is_ever_read(setting.field, fields):
                del idle[setting]
            else:
                idle[setting][reason(setting.field, fields)] = None


def refuse(idle: Idle) -> None:
    """Raise RequestError for the first setting that was examined and that no trial reads."""
    for (table, field), reasons in idle.items():
        if reasons:
            beside = " or with ".join(list(reasons)[:3])
            raise RequestError(f"{field} has no effect with {beside}; leave it out of {table}")


def repeats(study: Study, placed: Iterable[Placed]) -> Repeats:
    """The trials that differ from another only in fields without effect, and so are not run."""
    varied = {
        *study.scientific,
        *study.nuisance,
        *(f for fields in study.arms.values() for f in fields),
    }
    same: dict[str, dict[str, Placed]] = defaultdict(dict)
    for one in placed:
        same[one.trial.trial_id].setdefault(repr(sorted(one.idle.items())), one)
    reasons: dict[str, None] = {}
    for group in (list(group.values()) for group in same.values()):
        for field in sorted(varied & {field for one in group for field in one.idle}):
            if len({repr(one.idle.get(field)) for one in group}) > 1:
                why = reason(field, vars(group[0].trial))
                reasons[f"{field} has no effect with {why}"] = None
    return Repeats(sum(len(group) - 1 for group in same.values()), tuple(reasons))
