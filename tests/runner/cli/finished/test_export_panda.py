"""The report of a training that was edited while it ran, and the study of its edits."""

from __future__ import annotations

import shutil
from pathlib import Path

import pandas as pd
import pytest

from caviar.analysis.run.read import read_run
from tests.runner.helpers import caviar, ended_well, parts
from tests.runner.panda.live import live, until
from tests.runner.panda.pandas import plan_of_one

PLAN = plan_of_one("replicas=5")
ASKED = (
    "set learning_rate=0.05 --at 20 --note 'too fast'",
    "set learning_rate=-1 --at 30",
    "recompute --at 60",
    "finish",
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the whole run `bear`, edited twice."""
    folder = tmp_path_factory.mktemp("panda")
    with live(PLAN, folder / "bear") as panda:
        answers = [panda.ask(text, "test").accepted for text in ASKED]
        until(lambda: panda.ended)
    assert answers == [True, False, True, True]
    return folder


def test_each_edit_is_told_with_its_effect_on_test_first(folder: Path) -> None:
    output = " ".join(ended_well("report", "bear", cwd=folder).split())
    assert "a training of 120 updates and 5 seeds, edited twice while it ran" in output
    assert "; 4 requests, 1 refused." in output
    assert "edit 1 (learning_rate = 0.05 after update 20): " in output
    assert "edit 2 (recompute running statistics after update 60): the same weights, and" in output
    assert "FAULT" not in output and output.endswith("report: bear/report/index.html")


def test_the_table_is_the_difference_of_what_was_read(folder: Path) -> None:
    ended_well("report", "bear", cwd=folder)
    table = pd.read_csv(folder / "bear/report/tables/effects_of_edits.csv")
    row = table.query(
        "kind == 'edit' and lineage == 1 and `when` == 'at the end' and split == 'test'"
        " and statistics == 'running' and quantity == 'loss'"
    ).iloc[0]
    run = read_run(folder / "bear", intervened=True)
    end = run.readings.query("step == 120 and split == 'test' and statistics == 'running'")
    by_lineage = end.set_index(["lineage", "seed"])["loss"].unstack("lineage")
    assert row["mean"] == pytest.approx((by_lineage[1] - by_lineage[0]).mean(), abs=1e-12)
    assert row["mean"] != 0 and row["units"] == 5
    epoch = table.query("lineage == 1 and `when` == 'one epoch after'")["read_step"].unique()
    assert epoch.tolist() == [26]


def test_readings_of_the_end_are_those_of_the_ordinary_tables(folder: Path) -> None:
    run = read_run(folder / "bear", intervened=True)
    rows = run.final().xs("population", level="statistics").reset_index()
    read = run.readings.query("step == 120 and statistics == 'population'")
    both = rows.merge(read, on=["trial_id", "seed", "split"], suffixes=("", "_read"))
    assert len(both) == len(read) == 3 * 3 * 5
    assert both["loss"].to_numpy() == pytest.approx(both["loss_read"].to_numpy(), rel=1e-6)


def test_edited_trainings_are_trials_where_asked_for(folder: Path) -> None:
    output = ended_well("report", "bear", "--intervened", cwd=folder)
    assert "3 networks x 5 seeds, all finished" in output and "nothing to compare" in output
    refused = caviar("report", "bear", "--beside", "bear", cwd=folder)
    assert refused.returncode == 2 and "read its trainings as trials with --intervened" in (
        refused.stderr
    )


def test_a_training_that_has_not_ended_is_said_with_what_to_do(
    folder: Path, tmp_path: Path
) -> None:
    shutil.copytree(folder / "bear", tmp_path / "bear")
    for part in parts(tmp_path / "bear/lineages", "outcomes"):
        part.unlink()
    readings = tmp_path / "bear/lineages/readings"
    rows = pd.read_parquet(readings)
    shutil.rmtree(readings)
    readings.mkdir()
    rows[rows["step"] < 100].to_parquet(readings / "part-000000.parquet", index=False)
    output = " ".join(ended_well("report", "bear", cwd=tmp_path).split())
    assert "not known yet, since that with edit 1 has not ended" in output
    assert "Next: caviar panda --resume bear" in output
    for part in parts(tmp_path / "bear", "outcomes"):
        part.unlink()
    output = ended_well("report", "bear", cwd=tmp_path)
    assert output.startswith("no report: ") and "`caviar panda --resume bear` trains on" in output


def test_the_edits_become_a_study_whose_report_says_whether_they_help(folder: Path) -> None:
    (folder / "edited.toml").write_text(ended_well("export", "bear", "--schedule", cwd=folder))
    words = ("run", "edited.toml", "--on", "inline", "--out", "edited")
    output = " ".join(ended_well(*words, cwd=folder).split())
    assert (
        "1 Do the edits help on these seeds? " in output and "edited less unedited on 8" in output
    )
    run = read_run(folder / "edited")
    edited = run.trials.set_index("arm").loc["edited"]
    assert list(edited["changes"]) == [
        "20: learning_rate = 0.05",
        "60: recompute running statistics",
    ]
    assert list(edited["seeds"]) == list(range(5, 13))


def test_a_run_without_edits_has_no_schedule(folder: Path) -> None:
    shutil.copytree(folder / "bear", folder / "plain")
    shutil.rmtree(folder / "plain/interventions")
    done = caviar("export", "plain", "--schedule", cwd=folder)
    assert done.returncode == 2 and "'plain' has no edits to export" in done.stderr
