"""read_run on runs that the real sink wrote."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from caviar.analysis.run.read import MEASUREMENTS, TABLES, Run, joined_fields, read_run
from caviar.analysis.run.stored.location import DamagedError
from caviar.runner.config import TrialConfig
from caviar.runner.store.open import storage_at
from caviar.runner.store.sink import ParquetSink
from caviar.runner.trial.events import Status
from tests.analysis.synthetic import (
    STEPS,
    World,
    crossed,
    run_of,
    size,
    stored_run,
    trial,
    wiggle,
    write_attempt,
    write_run,
    write_study,
)

SIZES = {"norm_batch_size": [8, 64]}

NO_OTHER = {"planned": 2, "completed": 0, "diverged": 0, "stopped": 0, "failed": 0, "lost": 0}


def by_size(**endings: Status | None) -> Callable[[TrialConfig], Status | None]:
    """`by_size(m8="failed")`: how the trials of a size ended; the others completed."""
    return lambda config: endings.get(f"m{size(config)}", "completed")


def ids(run: Run, table: str) -> set[str]:
    return set(getattr(run, table)["trial_id"])


def tables(run: Run) -> dict[str, pd.DataFrame]:
    return {name: getattr(run, name) for name in MEASUREMENTS}


def test_a_whole_run(tmp_path: Path) -> None:
    trials = crossed(SIZES)
    run = stored_run(tmp_path, trials, scientific=SIZES)
    assert run.where == tmp_path
    assert run.study["study"]["scientific"] == SIZES
    assert run.trials["trial_id"].tolist() == [config.trial_id for config in trials]
    for table in MEASUREMENTS:
        assert ids(run, table) == {config.trial_id for config in trials}
    assert run.counts == {**NO_OTHER, "completed": 2, "failed": 0}


def test_an_invented_run_in_memory_is_the_one_that_would_be_read(tmp_path: Path) -> None:
    """On this rest all tests that write nothing."""
    levels = {"norm_batch_size": [8, 64], "norm": ["batch", "layer"]}
    how: dict[str, Any] = {"scientific": levels, "status": by_size(m64="failed"), "error": "why"}
    trials = crossed(levels, rates=(0.1, 0.2), shadow=True, arm="one")
    stored, invented = (make(tmp_path, trials, **how) for make in (stored_run, run_of))
    assert stored.study == invented.study
    for name in TABLES:
        pd.testing.assert_frame_equal(
            getattr(stored, name), getattr(invented, name), check_exact=True
        )


def test_every_row_is_read_once_with_its_values(tmp_path: Path) -> None:
    config = trial(seeds=[3, 5])
    run = stored_run(tmp_path, [config])
    rows = run.evaluations
    assert len(rows) == run.outcomes["rows"].sum() - sum(
        len(table) for name, table in tables(run).items() if name != "evaluations"
    )
    one = rows.query(f"seed == 5 and step == {STEPS} and split == 'test'").set_index("statistics")
    assert one.loc["population", "loss"] == 0.2 + wiggle(config, 5)
    assert one.loc["batch", "loss"] == pytest.approx(0.2 + wiggle(config, 5) + 1 / 256)


def test_part_files_are_put_together(tmp_path: Path) -> None:
    write_study(tmp_path, SIZES)
    trials = crossed(SIZES)
    sink = ParquetSink(storage_at(tmp_path), max_rows=50)
    for config in trials:
        sink.plan([config])
        write_attempt(sink, config, World())
    sink.close()
    assert len(list((tmp_path / "evaluations").glob("part-*"))) > 1
    whole = stored_run(tmp_path / "whole", trials, scientific=SIZES)
    run = read_run(tmp_path)
    for name, table in tables(run).items():
        pd.testing.assert_frame_equal(table, getattr(whole, name))


def attempted(attempt: int, config: TrialConfig, seed: int) -> float:
    return attempt + 1000.0 * seed


def test_rows_of_given_up_attempts_are_left_out(tmp_path: Path) -> None:
    config = trial()
    write_study(tmp_path, {})
    sink = ParquetSink(storage_at(tmp_path))
    sink.plan([config])
    worlds = [World(test=partial(attempted, attempt)) for attempt in range(3)]
    write_attempt(sink, config, worlds[0], attempt=0, status="failed", error="first")
    write_attempt(sink, config, worlds[2], attempt=2)
    write_attempt(sink, config, worlds[1], attempt=1, status="lost")
    sink.close()
    run = read_run(tmp_path)
    for table in tables(run).values():
        assert set(table["attempt"]) == {2}
    losses = run.evaluations.query("split == 'test' and statistics == 'population' and step == 10")
    assert sorted(losses["loss"] % 1000) == [2] * 6
    assert run.outcomes[["attempt", "status", "error"]].to_numpy().tolist() == [
        [2, "completed", ""]
    ]
    assert run.counts["completed"] == 1 and run.counts["failed"] == 0


def test_an_attempt_under_way_does_not_count(tmp_path: Path) -> None:
    done, retried = crossed(SIZES)
    write_study(tmp_path, SIZES)
    sink = ParquetSink(storage_at(tmp_path))
    sink.plan([done, retried])
    write_attempt(sink, done, World())
    write_attempt(sink, retried, World(), status="failed")
    write_attempt(sink, retried, World(), attempt=1, status=None)
    sink.close()
    run = read_run(tmp_path)
    assert ids(run, "evaluations") == {done.trial_id}
    assert run.counts == {**NO_OTHER, "completed": 1, "failed": 1}


@pytest.mark.parametrize("status", ["failed", "lost"])
def test_failed_and_lost_trials_are_counted_and_not_measured(
    tmp_path: Path, status: Status
) -> None:
    run = stored_run(tmp_path, crossed(SIZES), scientific=SIZES, status=by_size(m8=status))
    for table in tables(run).values():
        assert set(table["norm_batch_size"]) == {64}
    assert run.counts[status] == 1 and run.counts["completed"] == 1
    assert len(run.outcomes) == 2


def test_diverged_trials_are_results(tmp_path: Path) -> None:
    world = World(test=lambda config, seed: np.nan if seed == 2 and size(config) == 8 else 0.3)
    run = stored_run(tmp_path, crossed(SIZES), world, scientific=SIZES)
    assert run.counts["diverged"] == 1 and run.counts["completed"] == 1
    assert set(run.evaluations["norm_batch_size"]) == {8, 64}
    bad = run.evaluations[run.evaluations["loss"].isna()]
    assert set(bad["seed"]) == {2} and set(bad["split"]) == {"test"}
    diverged = run.outcomes.set_index("status").loc["diverged", "diverged_seeds"]
    assert list(diverged) == [2]


def test_an_unfinished_run_is_read(tmp_path: Path) -> None:
    run = stored_run(tmp_path, crossed(SIZES), scientific=SIZES, status=by_size(m64=None))
    assert run.counts == {**NO_OTHER, "completed": 1, "failed": 0}
    assert set(run.evaluations["norm_batch_size"]) == {8}


def test_the_size_of_a_measurement_is_not_the_size_trained_with(tmp_path: Path) -> None:
    run = stored_run(tmp_path, crossed(SIZES, probe_batch_sizes=(4, 32)), scientific=SIZES)
    assert set(run.noise["probe_batch_size"]) == {4, 32}
    assert set(run.noise["norm_batch_size"]) == {8, 64}
    same = run.evaluations["probe_batch_size"] == run.evaluations["norm_batch_size"]
    assert same.all()
    assert "probe_batch_size" not in run.statistics


def test_trackers_are_split_into_rule_and_decay(tmp_path: Path) -> None:
    config = trial(conventions=("unbiased", "cumulative"), decay=0.5, decays=(0.995,))
    run = stored_run(tmp_path, [config])
    for table in (run.statistics, run.evaluations):
        pairs = table[["tracker", "rule", "tracker_decay"]].drop_duplicates().set_index("tracker")
        assert tuple(pairs.loc["unbiased/0.5"]) == ("unbiased", 0.5)
        assert tuple(pairs.loc["unbiased/0.995"]) == ("unbiased", 0.995)
        assert pairs.loc["cumulative", "rule"] == "cumulative"
        assert np.isnan(pairs.loc["cumulative", "tracker_decay"])
    population = run.evaluations.query("statistics == 'population'")
    assert set(population["rule"]) == {""} and population["tracker_decay"].isna().all()


def test_what_varies_is_joined_and_the_rest_is_not(tmp_path: Path) -> None:
    levels = {"hidden": [(8,), (8, 8)], "dropout": [0.0, 0.1]}
    run = stored_run(tmp_path, crossed(levels), scientific=levels)
    assert {"hidden", "dropout", "norm", "batch_size", "draw"} <= set(run.statistics.columns)
    assert {"momentum", "seeds", "dataset", "steps"}.isdisjoint(run.statistics.columns)
    row = run.trials.set_index("trial_id").loc[run.statistics["trial_id"]]
    assert (row["dropout"].to_numpy() == run.statistics["dropout"].to_numpy()).all()
    assert row["hidden"].map(str).tolist() == run.statistics["hidden"].map(str).tolist()


def test_a_measured_column_is_not_overwritten_by_the_config(tmp_path: Path) -> None:
    run = stored_run(tmp_path, [trial(learning_rate=0.1)])
    assert set(run.curves["scheduled_learning_rate"]) == {0.5}
    assert set(run.curves["learning_rate"]) == set(run.evaluations["learning_rate"]) == {0.1}


def test_the_last_steps_are_told_apart_by_tracker(tmp_path: Path) -> None:
    run = run_of(tmp_path, [trial(norm_batch_size=8, seeds=range(2))])
    rows = run.final()
    assert rows.index.is_unique and set(rows["step"]) == {STEPS}
    test = rows.query("split == 'test'")
    wide = test.pivot_table(
        index="norm_batch_size", columns=["statistics", "tracker"], values="loss"
    )
    expected = run.evaluations.query(f"split == 'test' and step == {STEPS}")
    for name in ("unbiased/0.9", "cumulative"):
        losses = expected[expected["tracker"] == name]["loss"]
        assert wide[("running", name)].item() == pytest.approx(losses.mean(), abs=1e-15)
    assert run.final("noise").index.names == ["trial_id", "seed", "layer", "probe_batch_size"]
    assert all(run.final(table).index.is_unique for table in MEASUREMENTS)
    with pytest.raises(
        KeyError, match="'trials' is not a table of measurements; those are curves,"
    ):
        run.final("trials")


def test_a_network_without_statistics_has_last_steps_too(tmp_path: Path) -> None:
    run = run_of(tmp_path, [trial(norm="layer")])
    assert len(run.final()) == 6 * 3 and run.final("statistics").empty


def test_fields_that_hold_nothing_can_vary() -> None:
    trials = pd.DataFrame({"trial_id": ["a", "b"], "norm": "batch", "extra": [None, 1.0]})
    assert joined_fields(trials) == ["norm", "extra"]
    assert joined_fields(trials.assign(extra=None)) == ["norm"]


def test_networks_without_batch_norm_have_empty_tables(tmp_path: Path) -> None:
    run = stored_run(tmp_path, [trial(norm="layer")])
    assert run.statistics.empty and run.noise.empty
    assert len(run.evaluations) and len(run.curves)


def test_other_files_in_the_folder_are_ignored(tmp_path: Path) -> None:
    write_run(tmp_path, crossed(SIZES), scientific=SIZES)
    (tmp_path / "report").mkdir()
    (tmp_path / "notes.txt").write_text("mine")
    (tmp_path / ".lock").touch()
    half = tmp_path / "evaluations" / ".part-000001.parquet.tmp"
    half.write_bytes(b"PAR1 half")
    (tmp_path / "evaluations" / "copy of part-000000.parquet.bak").write_bytes(b"old")
    run = read_run(str(tmp_path))
    assert len(run.evaluations) == len(read_run(tmp_path).evaluations) > 0


def test_a_folder_without_a_study_is_no_run(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"study\.json"):
        read_run(tmp_path / "nowhere")


@pytest.mark.parametrize("status", ["failed", "lost", None])
def test_nothing_measured_yet(tmp_path: Path, status: Status | None) -> None:
    write_run(tmp_path, crossed(SIZES), scientific=SIZES, status=lambda config: status)
    with pytest.raises(ValueError, match=r"no trial of .* has finished yet"):
        read_run(tmp_path)


def test_a_study_without_tables_has_nothing_to_read(tmp_path: Path) -> None:
    write_study(tmp_path, SIZES)
    with pytest.raises(ValueError, match="nothing to read"):
        read_run(tmp_path)


def test_a_damaged_part_is_an_error(tmp_path: Path) -> None:
    """Nothing is dropped quietly."""
    write_run(tmp_path, crossed(SIZES), scientific=SIZES)
    shutil.copy(tmp_path / "study.json", tmp_path / "noise" / "part-000001.parquet")
    with pytest.raises(DamagedError, match=r"noise/part-000001.parquet in .* cannot be read"):
        read_run(tmp_path)


def test_only_networks_without_batch_norm_have_finished(tmp_path: Path) -> None:
    levels = {"norm": ["batch", "none"]}
    run = stored_run(
        tmp_path,
        crossed(levels),
        scientific=levels,
        status=lambda config: "failed" if config.norm == "batch" else "completed",
    )
    assert run.statistics.empty and run.noise.empty
    assert set(run.evaluations["norm"]) == {"none"}
