"""`caviar merge` on shards of two drivers, in folders and in an object store."""

from __future__ import annotations

import filecmp
from pathlib import Path

import pandas as pd

from caviar.runner.store.open import storage_at
from tests.faults.program import caviar_here, one_sentence
from tests.runner.helpers import DIGITS, NOT_MEASURED, ended_well, same_tables, settings_of, tables
from tests.runner.stores import new_run, uri_at

RUN = ("run", *settings_of(DIGITS), "--on", "inline")


def test_two_drivers_have_one_report(tmp_path: Path) -> None:
    """Every table of its report has the bytes of that of one run, but for times."""
    for number in (1, 2):
        output = ended_well(*RUN, "--out", "run", "--shard", f"{number}/2", cwd=tmp_path)
        assert "report: " not in output and output.endswith("`caviar merge` joins them\n")
    output = ended_well("merge", "run", cwd=tmp_path)
    assert output.splitlines()[0] == "joined 2 shards"
    assert "4 of 4 trials done" in output and "next: caviar report run" in output
    ended_well("report", "run", cwd=tmp_path)
    ended_well(*RUN, "--out", "one", cwd=tmp_path)
    names = sorted(path.name for path in (tmp_path / "one/report/tables").glob("*.csv"))
    assert len(names) > 10
    one, run = folders = [tmp_path / run / "report/tables" for run in ("one", "run")]
    assert set(names) - set(filecmp.cmpfiles(one, run, names, shallow=False)[0]) == {"trials.csv"}
    trials = [pd.read_csv(folder / "trials.csv") for folder in folders]
    times = [column for column in trials[0] if column in NOT_MEASURED]
    assert times
    pd.testing.assert_frame_equal(*(frame.drop(columns=times) for frame in trials))


def test_shards_of_two_clusters_in_an_object_store(s3: int, tmp_path: Path) -> None:
    """Each has a place of its own; the run is joined in a third."""
    places, whole = [uri_at(s3, new_run()) for _ in range(2)], uri_at(s3, new_run())
    for number, place in enumerate(places, 1):
        ended_well(*RUN, "--out", place, "--shard", f"{number}/2", cwd=tmp_path)
    shards = [place.replace("?", f"/shards/{n:02d}-of-02?") for n, place in enumerate(places, 1)]
    done = caviar_here("merge", whole, shards[0])
    assert done.code == 2 and "1 of 2 shards are missing: 2" in one_sentence(done)
    assert "joined 2 shards" in ended_well("merge", whole, *shards, cwd=tmp_path)
    assert "already joined" in ended_well("merge", whole, *shards, cwd=tmp_path)
    ended_well(*RUN, "--out", "one", "--no-report", cwd=tmp_path)
    same_tables(tables(whole), tables(tmp_path / "one"))


def test_a_run_that_is_being_written_is_not_joined(tmp_path: Path) -> None:
    with storage_at(tmp_path / "run").hold():
        done = caviar_here("merge", tmp_path / "run")
    assert done.code == 2 and "another caviar is writing to" in one_sentence(done)
