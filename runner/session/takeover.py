"""Taking over trials that another run has: what was trained once need not be trained again."""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import pyarrow as pa
import pyarrow.compute as pc

from caviar.runner.config import TrialConfig
from caviar.runner.data.places import without_home
from caviar.runner.errors import RequestError
from caviar.runner.session.difference import difference
from caviar.runner.session.growth import blocks_of
from caviar.runner.session.run_folder import STUDY, read_study_json
from caviar.runner.store.part_files import (
    part_names,
    read_columns,
    read_part,
    write_part,
)
from caviar.runner.store.schemas import OUTCOMES, ROW_TABLES
from caviar.runner.store.storage import Storage
from caviar.runner.store.uri import masked
from caviar.runner.study.plan import Plan
from caviar.runner.trial.arithmetic import arithmetic
from caviar.runner.trial.changing.phases import training_after
from caviar.runner.trial.events import WHOLE, Job
from caviar.runner.trial.kernels import TrainingPath
from caviar.runner.trial.run_trial import path_of


class Offer(NamedTuple):
    """Equal trials that another run has, each with the outcome that counts; how many more it
    computed on another kernel or path, one of which is `other_kernel`."""

    source: Storage
    outcomes: dict[str, dict[str, Any]]
    elsewhere: int
    other_kernel: str

    @property
    def says(self) -> str:
        """What is told of trials that are not taken over."""
        if not self.elsewhere:
            return ""
        return (
            f"{self.elsewhere} equal trials of {masked(self.source.where)} were computed with "
            f"{self.other_kernel}: they run again here (--accept-other-processor takes them over)"
        )


def seed_blocks(storage: Storage, plan: Plan, source: Storage | None = None) -> tuple[int, ...]:
    """The number of seeds in each block that a run of the plan has in this place; a new one has the
    blocks of the run in `source`, from which it takes trials over."""
    begun = storage if STUDY in storage.names("") else source
    content = None if begun is None else read_study_json(begun)
    if content is not None and content["study"].get("seed") != plan.study.seed:
        content = None  # Other seeds, whatever their number.
    return blocks_of(content, plan.study.replicas)


def offer_of(source: Storage, plan: Plan, path: TrainingPath, *, any_kernel: bool = False) -> Offer:
    """The trials of the plan that a run in `source` has a result of, under the same identity: the
    same settings, seeds and content of the data, computed as a run on `path` would here.

    `any_kernel`: as computed anywhere. Raises RequestError where a run in `source` is being
    written, where none lies there, where it has no trial of the plan, or where rows of one are
    missing.
    """
    if plan.study.stop is not None:
        raise RequestError(
            f'stop = "{plan.study.stop}" decides by the trials drawn before, so that none are '
            "taken over from another run; leave --from or stop out"
        )
    content = read_study_json(source)
    if source.is_held(time.time()):
        raise RequestError(
            f"another caviar is writing to {source.where!r} now; wait for it before trials are "
            "taken over"
        )
    counting = {n: row for n, row in last_outcomes(source).items() if row["status"] in WHOLE}
    equal = {trial.trial_id: trial for trial in plan.trials if trial.trial_id in counting}
    if not equal:
        changes = difference(content["study"], plan.identity())
        why = f": {'; '.join(changes[:3])}" if changes else ""
        raise RequestError(
            f"{source.where!r} has no finished trial of this study{why}; leave --from out, or name "
            "a run with some of its settings, seeds and data"
        )
    here = {
        name: outcome
        for name, outcome in counting.items()
        if name in equal and (any_kernel or _as_here(outcome, equal[name], plan, path))
    }
    must_be_whole(source, here, "leave --from out")
    others = [counting[name]["kernel"] or "a kernel not recorded" for name in equal.keys() - here]
    return Offer(source, here, len(others), others[0] if others else "")


def offered(
    source: Storage | None, plan: Plan, storage: Storage, path: TrainingPath, any_kernel: bool
) -> Offer | None:
    """The same for a run in `storage`, with its blocks of seeds, if there is a source.

    Before the storage is held, which makes its folder: a refusal leaves none behind.
    """
    if source is None:
        return None
    blocked = plan.in_blocks(seed_blocks(storage, plan, source))
    return offer_of(source, blocked, path, any_kernel=any_kernel)


def last_outcomes(source: Storage) -> dict[str, dict[str, Any]]:
    """The outcome of the last attempt at each trial, with all its columns."""
    latest: dict[str, dict[str, Any]] = {}
    for row in read_columns(source, "outcomes", OUTCOMES.names).to_pylist():
        if row["attempt"] >= latest.get(row["trial_id"], {"attempt": -1})["attempt"]:
            latest[row["trial_id"]] = row
    return latest


def must_be_whole(source: Storage, outcomes: Mapping[str, Mapping[str, Any]], instead: str) -> None:
    """Raise RequestError where a table cannot be read, or has more or fewer rows of these trials
    than their outcomes say; `instead` is what to do then."""
    rows: Counter[tuple[str, int]] = Counter()
    for table in ROW_TABLES:
        keys = read_columns(source, table, ["trial_id", "attempt"])
        counts = keys.group_by(keys.column_names).aggregate([([], "count_all")]).to_pydict()
        trials = zip(counts["trial_id"], counts["attempt"], strict=True)
        rows.update(dict(zip(trials, counts["count_all"], strict=True)))
    wrong = [name for name, it in outcomes.items() if rows[name, it["attempt"]] != it["rows"]]
    if wrong:
        raise RequestError(
            f"{source.where!r} has more or fewer rows of {len(wrong)} trials than their outcomes "
            f"say, the first is {wrong[0]}; `caviar verify` lists what is damaged; {instead}"
        )


def _as_here(outcome: dict[str, Any], trial: TrialConfig, plan: Plan, path: TrainingPath) -> bool:
    taken, _ = path_of(path, training_after(trial, plan.data, 0))
    return (outcome["path"], outcome["kernel"]) == (taken, arithmetic(taken).kernel)


def take_over(storage: Storage, offer: Offer, jobs: Sequence[Job]) -> list[Job]:
    """Copy rows and outcomes of the offered trials among the jobs; returns the jobs that are left.

    Outcomes are written last: killed before that, the rows count for nothing, as those of any
    attempt without an outcome. Bits of the rows stay; their attempt becomes that of the job.
    """
    taken = {job.trial_id: job.attempt for job in jobs if job.trial_id in offer.outcomes}
    if not taken:
        return list(jobs)
    wanted = pa.table(
        {
            "trial_id": pa.array(taken, pa.string()),
            "attempt": pa.array([offer.outcomes[name]["attempt"] for name in taken], pa.int32()),
            "here": pa.array(taken.values(), pa.int32()),
        }
    )
    _note(storage, masked(offer.source.where), len(taken))
    for table in ROW_TABLES:
        for name in part_names(offer.source, table):  # One at a time, which bounds the memory.
            rows = _relabelled(read_part(offer.source, table, name, None), wanted)
            if rows.num_rows:
                write_part(storage, table, rows)
    outcomes = [{**offer.outcomes[name], "attempt": here} for name, here in taken.items()]
    write_part(storage, "outcomes", pa.Table.from_pylist(outcomes, schema=OUTCOMES))
    return [job for job in jobs if job.trial_id not in taken]


def _note(storage: Storage, source: str, trials: int) -> None:
    """Note in `study.json` how many trials the last session takes over, and of which run."""
    content = read_study_json(storage)
    session = len(content["sessions"]) - 1
    taken = {"session": session, "from": without_home(source), "trials": trials}
    content["taken_over"] = [*content.get("taken_over", ()), taken]
    storage.write(STUDY, json.dumps(content, indent=1).encode())


def _relabelled(rows: pa.Table, wanted: pa.Table) -> pa.Table:
    """The wanted rows, in their order, under the attempt that they have here."""
    place = pc.index_in(rows["trial_id"], value_set=wanted["trial_id"])
    attempts = wanted["attempt"].take(place)
    kept = pc.fill_null(pc.equal(rows["attempt"], attempts), False)
    here = wanted["here"].take(place)
    column = rows.schema.get_field_index("attempt")
    return rows.set_column(column, rows.schema.field(column), here).filter(kept)
