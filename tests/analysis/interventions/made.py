"""Trainings that were edited while they ran, made by hand: in memory, or in a folder."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from caviar.analysis.run.read import Run, run_from

Array = NDArray[Any]

STEPS, EPOCH = 100, 10
TWIN = "000000000000"


class Made(NamedTuple):
    """An edit: the lineage that it was made in, when, and what; lineages are numbered from 1."""

    parent: int
    step: int
    change: str
    note: str = ""


class Point(NamedTuple):
    """What is read: of which lineage, after how many updates, on which examples, how normalised."""

    lineage: int
    step: int
    split: str
    statistics: str


Loss = Callable[[Point, int], Array]
"""The losses of so many seeds."""


def trial_of(lineage: int) -> str:
    return f"{lineage:012x}"


def steady(point: Point, seeds: int) -> Array:
    """Every edit lowers the loss by 0.1, and seeds differ."""
    return 1.0 - 0.1 * point.lineage + 0.01 * np.sin(np.arange(seeds) * (1 + point.lineage))


def tables_of(
    edits: Sequence[Made],
    loss: Loss = steady,
    *,
    seeds: int = 8,
    left: Sequence[int] = (),
    refused: int = 0,
    moved_to: int | None = None,
    splits: Sequence[str] = ("train", "validation", "test"),
    statistics: Sequence[str] = ("population", "running"),
    steps: Sequence[int] = tuple(range(EPOCH, STEPS + 1, EPOCH)),
) -> dict[str, pd.DataFrame]:
    """The tables of a panda by name; those of lineages above 0 begin with `lineages/`.

    Lineages `left` were trained for half of the updates only. `refused` requests were refused, and
    the last one accepted was `moved_to` a lineage.
    """
    until = {n: STEPS // 2 if n in left else STEPS for n in range(len(edits) + 1)}
    points = [
        Point(*place, split, kind)
        for place in _places(edits, steps, until)
        for split in splits
        for kind in statistics
    ]
    trials = [_trial(lineage, edits, seeds) for lineage in until]
    outcomes = pd.DataFrame([_outcome(lineage) for lineage in until if lineage not in left])
    is_twin = outcomes["trial_id"] == TWIN
    return {
        "trials": pd.DataFrame(trials[:1]),
        "lineages/trials": pd.DataFrame(trials[1:]),
        "outcomes": outcomes[is_twin],
        "lineages/outcomes": outcomes[~is_twin],
        "curves": pd.DataFrame([_curve(step, seed) for step in steps for seed in range(seeds)]),
        "lineages/readings": _readings(points, loss, seeds),
        "interventions": pd.DataFrame(_requests(edits, refused, moved_to)),
    }


def panda(edits: Sequence[Made], loss: Loss = steady, **how: Any) -> Run:
    """The run, as if it had been read with its edited trainings."""
    tables = tables_of(edits, loss, **how)

    def stored(table: str) -> list[pa.Table]:
        frames = [tables[name] for name in (table, f"lineages/{table}") if name in tables]
        return [pa.Table.from_pandas(f, preserve_index=False) for f in frames if len(f)]

    run = run_from(Path("runs/panda"), study(), stored)
    return replace(run, interventions=tables["interventions"], readings=tables["lineages/readings"])


def written(root: Path, tables: Mapping[str, pd.DataFrame]) -> Path:
    """The folder of a panda."""
    root.mkdir(parents=True, exist_ok=True)
    (root / "study.json").write_text(json.dumps(study()), encoding="utf-8")
    for name, frame in tables.items():
        if len(frame):
            (root / name).mkdir(parents=True)
            table = pa.Table.from_pandas(frame, preserve_index=False)
            pq.write_table(table, root / name / "part-000000.parquet")
    return root


def study() -> dict[str, Any]:
    """The content of `study.json`."""
    session = {"command": "caviar panda", "started": "2026-11-28", "host": "h", "machine": "m"}
    return {
        "study": {"name": "bear", "dataset": {}, "scientific": {}, "nuisance": {}},
        "hash": "0" * 12,
        "data": {},
        "panda": {"trial_id": TWIN},
        "sessions": [session | {"python": "3", "versions": {}, "blas": "openblas"}],
    }


def _places(
    edits: Sequence[Made], steps: Sequence[int], until: Mapping[int, int]
) -> Iterator[tuple[int, int]]:
    """Lineages and the updates after which they are read."""
    after = [step for edit in edits for step in (edit.step, edit.step + EPOCH) if step <= STEPS]
    for lineage, birth in enumerate([0, *(edit.step for edit in edits)]):
        for step in sorted({*steps, *after}):
            if birth < step <= until[lineage]:
                yield lineage, step


def _trial(lineage: int, edits: Sequence[Made], seeds: int) -> dict[str, Any]:
    changes: list[str] = []
    number = lineage
    while number:
        edit = edits[number - 1]
        changes.insert(0, f"{edit.step}: {edit.change}")
        number = edit.parent
    return {
        "trial_id": trial_of(lineage),
        "dataset": "digits",
        "norm": "batch",
        "batch_size": 16,
        "norm_batch_size": 16,
        "learning_rate": 0.1,
        "changes": changes,
        "seeds": list(range(seeds)),
        "steps": STEPS,
        "draw": 0,
        "arm": "",
    }


def _who(lineage: int) -> dict[str, Any]:
    return {"trial_id": trial_of(lineage), "attempt": np.int32(0)}


def _outcome(lineage: int) -> dict[str, Any]:
    how = {"status": "completed", "seconds": 1.0, "steps": STEPS, "invariants": "passed"}
    return {**_who(lineage), **how, "error": ""}


def _curve(step: int, seed: int) -> dict[str, Any]:
    return {**_who(0), "seed": seed, "step": step, "epoch": step / EPOCH, "loss": 1 / step}


def _readings(points: Sequence[Point], loss: Loss, seeds: int) -> pd.DataFrame:
    rows = pd.DataFrame(points).loc[lambda frame: frame.index.repeat(seeds)]
    losses = np.concatenate([loss(point, seeds) for point in points])
    return pd.DataFrame(
        {
            "trial_id": rows["lineage"].map(trial_of),
            "lineage": rows["lineage"],
            "seed": np.tile(np.arange(seeds), len(points)),
            "step": rows["step"],
            "split": rows["split"],
            "statistics": rows["statistics"],
            "tracker": np.where(rows["statistics"] == "running", "unbiased/0.9", ""),
            "loss": losses,
            "accuracy": 1 - losses / 2,
            "train_mode_loss": np.where(rows["split"] == "train", losses + 0.1, np.nan),
        }
    ).reset_index(drop=True)


def _requests(edits: Sequence[Made], refused: int, moved_to: int | None) -> list[dict[str, Any]]:
    rows = [_edit(lineage, edit) for lineage, edit in enumerate(edits, start=1)]
    wrong = {"what": "set", "field": "learning_rate", "new": "-1", "accepted": False}
    wrong |= {"note": "learning_rate is above 0"}
    rows += [{**_request(0, 50), **wrong} for _ in range(refused)]
    if moved_to is not None:
        move = {"what": "undo", "child": moved_to, "child_trial_id": trial_of(moved_to)}
        rows.append({**_request(len(edits), 60), **move})
    return [{"number": number, **row} for number, row in enumerate(rows)]


def _request(lineage: int, step: int) -> dict[str, Any]:
    return {
        "trial_id": trial_of(lineage),
        "lineage": lineage,
        "child": -1,
        "child_trial_id": "",
        "step": step,
        "asked_step": step,
        "what": "",
        "field": "",
        "old": "",
        "new": "",
        "change": "",
        "accepted": True,
        "note": "",
        "asked_by": "screen",
        "wall_time": "2026-11-28T20:00:00Z",
    }


def _edit(lineage: int, edit: Made) -> dict[str, Any]:
    field, _, new = edit.change.partition(" = ")
    return {
        **_request(edit.parent, edit.step),
        "child": lineage,
        "child_trial_id": trial_of(lineage),
        "what": "set" if new else edit.change.split()[0],
        "field": field,
        "old": "0.1",
        "new": new,
        "change": f"{edit.step}: {edit.change}",
        "note": edit.note,
    }
