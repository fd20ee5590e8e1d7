"""Whether a request can be done, and what comes of it: rows of `interventions` and a sentence."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple

from caviar.runner.data.splits import Data
from caviar.runner.errors import RequestError, nearest
from caviar.runner.fields.changes import SETTABLE, Change, Value, value_of
from caviar.runner.panda.requests import Request, Setting
from caviar.runner.panda.tree import NONE, Intervention, Lineage, Tree, child_of, holder_of
from caviar.runner.trial.changing.phases import in_force
from caviar.runner.trial.changing.with_change import with_change


class Asked(NamedTuple):
    """Who asked, when (UTC), and the number that the request gets."""

    by: str
    wall_time: str
    number: int


class Moment(NamedTuple):
    """Where a panda is when something is asked: the step that the current lineage stands after,
    that of each lineage, and the pace in steps per second."""

    tree: Tree
    step: int
    positions: tuple[int, ...]
    per_epoch: int
    pace: float | None
    data: Data

    @property
    def steps(self) -> int:
        return self.tree.now.config.steps


class Decision(NamedTuple):
    """The rows that are to be written, and the sentence that answers."""

    rows: tuple[Intervention, ...]
    says: str

    @property
    def accepted(self) -> bool:
        return all(row.accepted for row in self.rows)


def decide(request: Request, asked: Asked, moment: Moment) -> Decision:
    """What comes of a request now; what is refused changes nothing, and is a row, too."""
    blank = _blank(request, asked, moment)
    try:
        return VERBS.get(request.verb, _about_time)(request, blank, moment)
    except RequestError as error:
        return refused(blank, str(error), request)


def refused(blank: Intervention, why: str, request: Request) -> Decision:
    """A refusal, with what was asked for."""
    fields = ", ".join(setting.field for setting in request.settings)
    values = ", ".join(setting.value for setting in request.settings)
    row = replace(blank, accepted=False, note=why, field=fields, new=blank.new or values)
    return Decision((row,), why)


def unread(text: str, why: str, asked: Asked, tree: Tree, step: int) -> Intervention:
    """The row of what is no request."""
    what, _, rest = text.strip().partition(" ")
    now = tree.now
    ours = (asked.number, now.trial_id, now.number, NONE, "", step, step)
    return Intervention(
        *ours, what[:40], "", "", rest.strip()[:200], "", False, why, asked.by, asked.wall_time
    )


def _blank(request: Request, asked: Asked, moment: Moment) -> Intervention:
    """The row of a request that was accepted and changed nothing."""
    step = moment.step if request.at_step is None else request.at_step
    argument = "" if request.argument is None else str(request.argument)
    now = moment.tree.now
    ours = (asked.number, now.trial_id, now.number, NONE, "", step, moment.step)
    return Intervention(
        *ours, request.verb, "", "", argument, "", True, request.note, asked.by, asked.wall_time
    )


def _step_of(request: Request, moment: Moment) -> int:
    """At the end of which step an edit takes effect; raises RequestError."""
    if moment.step >= moment.steps:
        raise RequestError(
            f"this training has ended, after {moment.steps} steps; rewind to a snapshot, or undo"
        )
    step = request.at_step
    if step is None:
        step = max(1, moment.step)
        if any(setting.field == "norm_batch_size" for setting in request.settings):
            step = -(-step // moment.per_epoch) * moment.per_epoch
    elif step < max(1, moment.step):
        raise RequestError(
            f"step {step} is past: the current lineage stands after step {moment.step}; rewind to "
            "a snapshot before it, or leave --at out"
        )
    born = moment.tree.now.born
    if step < born:
        raise RequestError(
            f"a change waits for the end of step {born} ({moment.tree.now.change}); undo it first, "
            f"or ask for step {born} or later (--at {born})"
        )
    return step


def _set(request: Request, blank: Intervention, moment: Moment) -> Decision:
    for setting in request.settings:  # A wrong word is told before what has to wait.
        _read(setting)
    step, now = _step_of(request, moment), moment.tree.now
    made = [_change(setting, now, step) for setting in request.settings]
    rows = [
        replace(blank, field=change.field, old=str(old), new=str(change.value))
        for change, old in made
    ]
    started = _started(rows, [change for change, _ in made], moment)
    told = "; ".join(f"{row.field} {row.old} → {row.new}" for row in started)
    return Decision(started, f"{told}, {_from(started[0], moment)}")


def _read(setting: Setting) -> Value:
    """The value, or the factor, that a setting gives; raises RequestError."""
    field = setting.field
    if field not in SETTABLE:
        raise RequestError(f"{field!r} cannot be set while training; {nearest(field, SETTABLE)}")
    return float(setting.value) if setting.factor else value_of(field, setting.value, "set")


def _change(setting: Setting, lineage: Lineage, step: int) -> tuple[Change, object]:
    field, new = setting.field, _read(setting)
    old = getattr(in_force(lineage.config, step), field)
    if setting.factor and isinstance(old, float):
        new = float(f"{old * float(new):.12g}")  # 0.15, not 0.15000000000000002.
    elif setting.factor:
        raise RequestError(f"{field} is {old!r}, which no factor changes; give its value")
    if new == old:
        raise RequestError(f"{field} is {old} already; give another value")
    return Change(step, "set", field, new), old


def _started(
    rows: Sequence[Intervention], changes: Sequence[Change], moment: Moment
) -> tuple[Intervention, ...]:
    """The rows of changes that start a lineage; raises RequestError if they cannot be made."""
    tree = moment.tree
    config = tree.now.config
    for change in changes:
        config = with_change(config, change, moment.data)
    child = child_of(tree.now, len(tree.lineages), list(map(str, changes)))
    known = next((o for o in tree.lineages if o.trial_id == child.trial_id), None)
    if known is not None:
        raise RequestError(
            f"that was done before, in lineage {known.number}; select {known.number} goes on with "
            "it"
        )
    return tuple(
        replace(
            row,
            child=child.number,
            child_trial_id=child.trial_id,
            step=change.step,
            change=str(change),
        )
        for row, change in zip(rows, changes, strict=True)
    )


def _from(row: Intervention, moment: Moment) -> str:
    """From when on a change is in force, in which lineage."""
    waits = "" if row.step <= max(1, moment.step) else f" (now {moment.step})"
    return f"from the end of step {row.step} on{waits}: lineage {row.child}"


def _reset(request: Request, blank: Intervention, moment: Moment) -> Decision:
    layer = str(request.argument)
    change = Change(_step_of(request, moment), "reset", layer)
    rows = _started([replace(blank, field=layer, new="")], [change], moment)
    return Decision(rows, f"{layer} begins anew, {_from(rows[0], moment)}")


def _recompute(request: Request, blank: Intervention, moment: Moment) -> Decision:
    change = Change(_step_of(request, moment), "recompute")
    rows = _started([blank], [change], moment)
    return Decision(rows, f"running statistics recomputed, {_from(rows[0], moment)}")


def _snapshot(request: Request, blank: Intervention, moment: Moment) -> Decision:
    name, step = str(request.argument), blank.step
    if name in moment.tree.snapshots:
        snap = moment.tree.snapshots[name]
        raise RequestError(
            f"there is a snapshot {name!r}, of lineage {snap.lineage} after step {snap.step}; "
            "take another name"
        )
    if not max(1, moment.step) <= step < moment.steps:
        raise RequestError(
            f"no snapshot can be taken after step {step}: the current lineage stands after step "
            f"{moment.step}, and the training has {moment.steps}"
        )
    holder = holder_of(moment.tree, step)
    row = replace(blank, lineage=holder.number, trial_id=holder.trial_id)
    return Decision((row,), f"snapshot {name!r} of lineage {holder.number} after step {step}")


def _rewind(request: Request, blank: Intervention, moment: Moment) -> Decision:
    given, snapshots = str(request.argument), moment.tree.snapshots
    by_step = {str(snap.step): name for name, snap in snapshots.items()}
    if not snapshots:
        raise RequestError("there is no snapshot to rewind to; take one with: snapshot NAME")
    name = given if given in snapshots else by_step.get(given)
    if name is None:
        raise RequestError(f"no snapshot {given!r}; {nearest(given, [*snapshots, *by_step])}")
    snap = snapshots[name]
    if moment.tree.current == snap.lineage and moment.step < snap.step:
        raise RequestError(f"snapshot {name!r} is of step {snap.step}, which is not reached yet")
    row = _moved(blank, moment.tree, snap.lineage, snap.step)
    return Decision((row,), f"lineage {snap.lineage} after step {snap.step} is current")


def _moved(blank: Intervention, tree: Tree, number: int, step: int) -> Intervention:
    trial_id = tree.lineages[number].trial_id
    return replace(blank, child=number, child_trial_id=trial_id, step=step)


def _undo(request: Request, blank: Intervention, moment: Moment) -> Decision:
    now = moment.tree.now
    if now.parent == NONE:
        raise RequestError("there is nothing to undo: the twin is current, which has no change")
    row = _moved(blank, moment.tree, now.parent, min(now.born, moment.step))
    return Decision(
        (row,),
        f"back to lineage {now.parent} after step {row.step}, without {now.change.split(': ')[1]}",
    )


def _select(request: Request, blank: Intervention, moment: Moment) -> Decision:
    number, count = int(request.argument or 0), len(moment.tree.lineages)
    if number >= count:
        only = "the twin (0)" if count == 1 else f"lineages 0 to {count - 1}"
        raise RequestError(f"there is no lineage {number}, only {only}")
    row = _moved(blank, moment.tree, number, moment.positions[number])
    return Decision((row,), f"lineage {number} is current, after step {row.step}")


def _fork(request: Request, blank: Intervention, moment: Moment) -> Decision:
    number = moment.tree.current
    if number in moment.tree.beside or number == 0:
        why = "the twin always goes on" if number == 0 else "it goes on already"
        raise RequestError(f"lineage {number} need not be forked: {why}; make the next edit")
    return Decision((blank,), f"lineage {number} goes on beside what comes next")


def _pace(request: Request, blank: Intervention, moment: Moment) -> Decision:
    old = "off" if moment.pace is None else f"{moment.pace:g}"
    new = request.argument if isinstance(request.argument, str) else f"{request.argument:g}"
    unit = "" if new == "off" else " steps per second"
    return Decision((replace(blank, field="pace", old=old, new=new),), f"pace {new}{unit}")


def _about_time(request: Request, blank: Intervention, moment: Moment) -> Decision:
    """pause, step, go, finish, stop."""
    if request.at_step is not None and request.at_step <= moment.step:
        raise RequestError(
            f"step {request.at_step} is past: the current lineage stands after step {moment.step}"
        )
    when = f" after step {blank.step}"
    told = {
        "pause": f"{'paused' if blank.step == moment.step else 'a pause'}{when}",
        "step": f"training {request.argument} more, then a pause",
        "go": "going on",
        "finish": "training every lineage to its end",
        "stop": f"stopping{when}; it can be resumed",
    }
    return Decision((blank,), told[request.verb])


VERBS: Mapping[str, Callable[[Request, Intervention, Moment], Decision]] = {
    "set": _set,
    "reset": _reset,
    "recompute": _recompute,
    "snapshot": _snapshot,
    "rewind": _rewind,
    "undo": _undo,
    "select": _select,
    "fork": _fork,
    "pace": _pace,
}
"""How requests are decided; the others are about time alone."""
