"""How far a run is, who works on it, and what failed, from what lies on disk alone."""

from __future__ import annotations

import calendar
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from caviar.runner.session.growth import BLOCKS
from caviar.runner.session.progress_display import duration
from caviar.runner.session.run_folder import read_study_json
from caviar.runner.session.run_log import Session, last_session, stamp
from caviar.runner.store.checkpoints import kept_trials
from caviar.runner.store.part_files import read_rows
from caviar.runner.store.storage import Storage
from caviar.runner.study.of_model import MODEL, model_in_words
from caviar.runner.trial.events import SETTLED
from caviar.runner.verify.lineages import lineages_of
from caviar.runner.verify.run import latest_outcomes

State = Literal["running", "finished", "stopped", "died"]


@dataclass(frozen=True)
class Failure:
    """A trial whose last attempt failed or was lost."""

    trial: str
    attempt: int
    status: str
    host: str
    error: str


@dataclass(frozen=True)
class RunState:
    """The state of a run; times are in seconds, `started` and `last_write` in UTC.

    `running`: its writer is alive. `finished`: every trial has a result. `stopped`: its writer
    ended in order, with trials left, perhaps by an `error`. `died`: its writer was killed. The
    number `stopped` is of trials that the median rule ended early. `blocks` are the numbers of
    seeds of which each configuration has a trial; one where seeds never joined. `model` names
    somebody's own model whose run it is, empty for a study, and `steps` its last update. `edited`
    counts the edited trainings of a panda, of which `edited_left` have not ended; no other run has
    any. `host`
    and `process` are those of the last writer; `rows` are the rows of trials that have an outcome;
    what is not known is None.
    """

    run: str
    study: str
    model: str
    steps: int | None
    edited: int | None
    edited_left: int
    state: State
    error: str | None
    trials: int
    completed: int
    diverged: int
    stopped: int
    failed: int
    lost: int
    not_tried: int
    checkpoints: int
    blocks: list[int]
    running_trials: list[str]
    failures: list[Failure]
    rows: int
    rows_per_second: float | None
    seconds_left: float | None
    host: str | None
    process: int | None
    started: str | None
    last_write: str | None
    seconds_since_write: float | None

    @property
    def done(self) -> int:
        return self.completed + self.diverged + self.stopped


def state_of(storage: Storage, now: float) -> RunState:
    """The state of a run at a time in seconds since 1970; raises RequestError if it is not one."""
    study, alive = read_study_json(storage), storage.is_held(now)
    session = last_session(storage)  # After `alive`: a writer that ends meanwhile is complete.
    trials = len(read_rows(storage, "trials", ["trial_id"])["trial_id"])
    outcomes, written = latest_outcomes(storage), storage.written_last()
    counts = Counter(outcome["status"] for outcome in outcomes.values())
    done = sum(counts[status] for status in SETTLED)
    began = session.begin if session else (study["sessions"] or [{}])[-1]
    edited, left = _edited(study, storage)
    state = _state(alive, done == trials and not left, session)
    return RunState(
        run=storage.where,
        study=study["study"]["name"],
        model=model_in_words(study),
        steps=_steps(storage) if MODEL in study else None,
        edited=edited,
        edited_left=left,
        state=state,
        error=session.end.get("error") if session else None,
        trials=trials,
        completed=counts["completed"],
        diverged=counts["diverged"],
        stopped=counts["stopped"],
        failed=counts["failed"],
        lost=counts["lost"],
        not_tried=trials - sum(counts.values()),
        checkpoints=len(kept_trials(storage)) if done < trials else 0,
        blocks=study.get(BLOCKS, []),
        running_trials=session.running if session and state == "running" else [],
        failures=[_failure(o) for o in outcomes.values() if o["status"] not in SETTLED],
        rows=_rows(outcomes, session if MODEL in study else None),
        rows_per_second=_rate(session),
        seconds_left=_left(session, now) if state == "running" else None,
        host=began.get("host"),
        process=began.get("process"),
        started=began.get("time") or began.get("started"),
        last_write=None if written is None else stamp(written),
        seconds_since_write=None if written is None else round(max(0.0, now - written), 1),
    )


def _edited(study: Mapping[str, Any], storage: Storage) -> tuple[int | None, int]:
    """The edited trainings of a panda, and how many of them have not ended."""
    beside = lineages_of(storage, study)
    if beside is None:
        return None, 0
    trials, outcomes = (
        read_rows(beside, "trials", ["trial_id"])["trial_id"],
        latest_outcomes(beside),
    )
    return len(trials), sum(trial not in outcomes for trial in trials)


def _rows(outcomes: dict[str, dict[str, Any]], session: Session | None) -> int:
    """The rows of trials that ended, or else those that the log of a `session` has counted."""
    ended = sum(outcome["rows"] or 0 for outcome in outcomes.values())
    return ended or int(session.progress.get("rows", 0) if session else 0)


def _steps(storage: Storage) -> int | None:
    return max(read_rows(storage, "curves", ["step"])["step"], default=None)


def _state(alive: bool, complete: bool, session: Session | None) -> State:
    if alive:
        return "running"
    if complete:
        return "finished"
    return "died" if session and not session.end else "stopped"


def _failure(outcome: dict[str, Any]) -> Failure:
    trial, attempt, status = outcome["trial_id"], outcome["attempt"], outcome["status"]
    return Failure(trial, attempt, status, outcome["host"] or "", outcome["error"] or "")


def _rate(session: Session | None) -> float | None:
    if session is None or not session.progress.get("seconds"):
        return None
    return round(float(session.progress["rows"] / session.progress["seconds"]), 1)


def _left(session: Session | None, now: float) -> float | None:
    if session is None or session.progress.get("seconds_left") is None:
        return None
    logged = calendar.timegm(time.strptime(session.progress["time"], "%Y-%m-%dT%H:%M:%SZ"))
    return round(max(0.0, float(session.progress["seconds_left"]) - (now - logged)), 1)


def summary(state: RunState) -> str:
    """`14 of 21 trials done: 13 completed, 1 diverged; 0 failed, 0 lost, 7 not yet tried`, the
    number of unfinished trials with a checkpoint, and how many networks those of several blocks of
    seeds are in a report."""
    if state.model:
        updates = "" if state.steps is None else f", {state.steps:,} updates"
        return f"{state.study}: {state.model}{updates}"
    if state.edited is not None:
        ended = state.done + state.edited - state.edited_left
        return (
            f"{state.study}: a training and {state.edited} with edits beside it, {ended} of "
            f"{state.trials + state.edited} ended"
        )
    kept, early = state.checkpoints, f", {state.stopped} stopped early" * (state.stopped > 0)
    return (
        f"{state.study}: {state.done} of {state.trials} trials done: {state.completed} completed, "
        f"{state.diverged} diverged{early}; {state.failed} failed, {state.lost} lost, "
        f"{state.not_tried} not yet tried"
        + (f"; {kept} with a checkpoint to resume from" if kept else "")
        + _in_blocks(state)
    )


def _in_blocks(state: RunState) -> str:
    if len(state.blocks) < 2:
        return ""
    seeds = ", then ".join(map(str, state.blocks))
    return (
        f". Seeds joined this run ({seeds}), each time as further trials of the same networks: a "
        f"report reads the {len(state.blocks)} trials of a network as one"
    )


FEW = 8
"""At most this many running trials are named."""


def text(state: RunState) -> str:
    """The state of a run in a few lines; every failed trial is listed."""
    lines = [summary(state), f"  {_who(state)}", f"  {_pace(state)}"]
    if state.error:
        lines.append(f"  stopped by: {state.error}")
    if state.running_trials:
        more = len(state.running_trials) - FEW
        names = ", ".join(state.running_trials[:FEW]) + (f" and {more} more" if more > 0 else "")
        lines.append(f"  running trials: {names}")
    for failure in state.failures:
        where = f" on {failure.host}" if failure.host else ""
        lines.append(f"  trial {failure.trial} {failure.status}{where}: {failure.error}")
    if state.failures and not state.model:
        lines.append(
            f"  `caviar replay {state.run} {state.failures[0].trial}` computes the first one again"
        )
    return "\n".join(lines)


SAYS: dict[State, str] = {
    "running": "running",
    "finished": "finished",
    "stopped": "stopped; the same `caviar run` command resumes it",
    "died": "its process was killed; the same `caviar run` command resumes it",
}


def _who(state: RunState) -> str:
    process = "" if state.process is None else f"process {state.process} "
    by = f"by {process}" if process else ""
    who = "" if state.host is None else f"; last run {by}on {state.host}"
    if state.state == "running" and who:
        who = f": {process}on {state.host}"
    says = SAYS[state.state]
    if state.model and state.state in ("stopped", "died"):
        says = f"{says.partition(';')[0]}; what was measured until then is whole"
    if state.edited is not None and state.state in ("stopped", "died"):
        says = f"{says.partition(';')[0]}; `caviar panda --resume {state.run}` goes on"
    return f"{says}{who}" + (f" since {state.started}" if state.started else "")


def _pace(state: RunState) -> str:
    parts = [f"{state.rows:,} rows"]
    if state.rows_per_second is not None:
        parts.append(f"{state.rows_per_second:,.0f} rows per second")
    if state.seconds_since_write is not None:
        parts.append(f"last write {duration(state.seconds_since_write)} ago")
    if state.seconds_left is not None:
        parts.append(f"about {duration(state.seconds_left)} left")
    return " · ".join(parts)
