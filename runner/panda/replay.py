"""Every training of a panda computed again from its start, and compared bit by bit."""

from __future__ import annotations

from collections.abc import Iterator

from caviar.runner.errors import RequestError, nearest
from caviar.runner.panda.record.run import Opened, read_panda
from caviar.runner.panda.tree import Lineage
from caviar.runner.session.run_folder import read_study_json
from caviar.runner.store.open import storage_at
from caviar.runner.store.part_files import read_rows
from caviar.runner.store.storage import Storage
from caviar.runner.store.uri import joined
from caviar.runner.verify.lineages import LINEAGES, PANDA
from caviar.runner.verify.replay import Replayed, compared, replay_trial
from caviar.runner.verify.run import latest_outcomes


def replayed(storage: Storage, trial: str | None, place: str | None) -> Iterator[Replayed]:
    """What comes of computing a trial again, or of the run of a panda all that it trained.

    `place`: where the data lie now, if they have moved. Raises RequestError if that is not
    possible.
    """
    if PANDA not in read_study_json(storage):
        yield replay_trial(storage, _named(storage, trial), place)
        return
    opened = read_panda(storage, place)
    chosen = [one for one in opened.tree.lineages if trial in (None, one.trial_id)]
    if not chosen:
        known = [one.trial_id for one in opened.tree.lineages]
        raise RequestError(f"no trial {trial!r} in this run; {nearest(str(trial), known)}")
    for lineage in chosen:
        if lineage.number == 0:
            yield replay_trial(storage, lineage.trial_id, place)
        else:
            yield _again(storage, opened, lineage)


def _named(storage: Storage, trial: str | None) -> str:
    if trial is not None:
        return trial
    known = read_rows(storage, "trials", ["trial_id"])["trial_id"]
    raise RequestError(
        f"name the trial: caviar replay {storage.where} TRIAL; {nearest('', known[:50])}"
    )


def _again(storage: Storage, opened: Opened, lineage: Lineage) -> Replayed:
    """A lineage, trained from the start with all its changes, after the step of its own."""
    beside = storage_at(joined(storage.where, LINEAGES))
    outcome = latest_outcomes(beside).get(lineage.trial_id)
    if outcome is None:
        raise RequestError(
            f"lineage {lineage.number} has no outcome yet; go on with: caviar panda --resume "
            f"{storage.where}"
        )
    made, born = read_study_json(storage), lineage.born
    same = compared(beside, made, lineage.config, outcome, opened.data, after=born)
    return same._replace(says=f"lineage {lineage.number} ({lineage.change}), {same.says}")
