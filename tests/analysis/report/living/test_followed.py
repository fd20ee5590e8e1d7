"""A run is followed part by part: each is read once, and the latest attempt counts."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from caviar.analysis.report.living.followed import Followed, followed, further
from caviar.analysis.run.stored.location import place_at
from caviar.runner.store.compact import compact
from caviar.runner.store.open import storage_at
from caviar.runner.store.sink import ParquetSink
from tests.analysis.synthetic import World, crossed, trial, write_attempt, write_run

LEVELS = {"norm_batch_size": [8, 64]}
WORLD = World(validation=lambda config, seed: 0.1 + seed / 100)


def test_only_new_parts_are_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    trials = crossed(LEVELS)
    write_run(tmp_path, trials, WORLD, status=lambda c: None if c is trials[1] else "completed")
    place = place_at(tmp_path)
    parts = further(place, {})
    assert followed(parts).status == {trials[0].trial_id: "completed"}
    read: list[Any] = []
    table = pq.read_table

    def reading(file: Any, **how: Any) -> pa.Table:
        read.append(file)
        return table(file, **how)

    monkeypatch.setattr(pq, "read_table", reading)
    assert further(place, parts) == parts and read == []
    sink = ParquetSink(storage_at(tmp_path))
    write_attempt(sink, trials[1], WORLD)
    sink.close()
    run = followed(further(place, parts))
    assert len(read) == len(("outcomes", "curves", "evaluations"))
    assert set(run.status) == {config.trial_id for config in trials}


def losses_of(run: Followed, name: str) -> list[float]:
    return [float(value) for value in getattr(run, name)[name_of_first(run)]]


def name_of_first(run: Followed) -> str:
    return str(run.trials["trial_id"].iloc[0])


def test_of_two_attempts_the_later_counts(tmp_path: Path) -> None:
    config = trial()
    write_run(tmp_path, [config], WORLD, status=lambda config: None)
    sink = ParquetSink(storage_at(tmp_path))
    later = World(validation=lambda config, seed: 0.5)
    write_attempt(sink, config, WORLD, attempt=0, status="failed")
    write_attempt(sink, config, later, attempt=1)
    sink.close()
    run = followed(further(place_at(tmp_path), {}))
    assert run.status == {config.trial_id: "completed"}
    assert losses_of(run, "validation")[-1] == 0.5


def test_merged_parts_give_the_same(tmp_path: Path) -> None:
    trials = crossed(LEVELS)
    write_run(tmp_path, trials[:1], WORLD)
    sink = ParquetSink(storage_at(tmp_path))
    sink.plan(trials[1:])
    write_attempt(sink, trials[1], WORLD)
    sink.close()
    place = place_at(tmp_path)
    before = further(place, {})
    assert len(before["curves"]) == 2
    compact(storage_at(tmp_path), most=1, stop=lambda: False)
    after = further(place, before)
    assert len(after["curves"]) == 1
    assert followed(after).train.equals(followed(before).train)


def test_a_run_that_has_only_begun(tmp_path: Path) -> None:
    run = followed(further(place_at(tmp_path), {}))
    assert run.trials.empty and run.train.empty and run.status == {}
