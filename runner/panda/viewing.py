"""The view of a panda, put together from where everything stands."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import groupby

from caviar.model.norms.registry import NORMS
from caviar.runner.config import TrialConfig
from caviar.runner.effects import is_read
from caviar.runner.fields.changes import SETTABLE
from caviar.runner.panda.curves import Curves
from caviar.runner.panda.training.messages import Standing, Status
from caviar.runner.panda.tree import Intervention, Tree
from caviar.runner.panda.view import LineageView, LogLine, View
from caviar.runner.trial.changing.phases import in_force


def view_of(
    name: str,
    where: str,
    per_epoch: int,
    tree: Tree,
    status: Status,
    curves: Curves,
    log: Sequence[LogLine],
) -> View:
    """The view at this moment."""
    config = tree.now.config
    return View(
        name=name,
        where=where,
        about=about(config),
        steps=config.steps,
        steps_per_epoch=per_epoch,
        seeds=tuple(config.seeds),
        lineages=tuple(_lineages(tree, status)),
        current=tree.current,
        settings=settings(config, status.step),
        learning_rate=status.learning_rate,
        steps_per_second=status.rate,
        pace=status.pace,
        paused=status.paused,
        ended=status.ended,
        series=curves.series(tree),
        layers={number: curves.layers(tree, number) for number in {0, tree.current}},
        log=tuple(log),
        snapshots=tuple(tree.snapshots),
    )


def _lineages(tree: Tree, status: Status) -> Iterable[LineageView]:
    """A lineage that started a moment ago has no standing yet."""
    for lineage in tree.lineages:
        number = lineage.number
        known = number < len(status.standing)
        standing = status.standing[number] if known else Standing(lineage.born, "waiting")
        step = status.step if number == tree.current else standing.step
        change, parent = lineage.change, lineage.parent
        yield LineageView(number, parent, lineage.born, change, step, standing.state)


def about(config: TrialConfig) -> str:
    """`digits, 64-64, batch norm, m = 16, decay 0.9`."""
    parts = [config.dataset.title, "-".join(map(str, config.hidden)) or "no hidden layer"]
    parts.append("no norm" if config.norm == "none" else f"{config.norm} norm")
    if NORMS[config.norm].uses_batch_statistics:
        parts += [f"m = {config.norm_batch_size}", f"decay {config.decay:g}"]
    return ", ".join(parts)


def settings(config: TrialConfig, step: int) -> dict[str, str]:
    """What can be set while training and has an effect, with what is in force after a step."""
    now = in_force(config, step)
    values = vars(now)
    return {
        name: f"{values[name]:g}" if isinstance(values[name], float) else str(values[name])
        for name in SETTABLE
        if is_read(name, values) or name == "dropout"
    }


def log_lines(interventions: Iterable[Intervention]) -> list[LogLine]:
    """Requests as lines of the log."""
    return [log_line(list(rows)) for _, rows in groupby(interventions, key=lambda row: row.number)]


def log_line(rows: Sequence[Intervention]) -> LogLine:
    """A request as a line of the log."""
    row = rows[0]
    if not row.accepted:
        asked = " ".join(word for word in (row.what, row.field, row.new) if word)
        return LogLine(row.asked_step, row.lineage, f"{asked}: {row.note}", False, row.asked_by)
    told = _told(rows) + (f" ({row.note})" if row.note else "")
    lineage = row.child if row.child >= 0 else row.lineage
    return LogLine(row.step, lineage, told, True, row.asked_by)


def _told(rows: Sequence[Intervention]) -> str:
    row = rows[0]
    if row.what == "set":
        return ", ".join(f"{each.field} {each.old} → {each.new}" for each in rows)
    if row.what == "recompute":
        return "running statistics recomputed"
    if row.what == "pace":
        return f"pace {row.old} → {row.new}"
    if row.what in ("undo", "rewind"):
        return f"{row.what} {row.new}".strip() + f": lineage {row.child} after step {row.step}"
    return " ".join(word for word in (row.what, row.field or row.new) if word)
