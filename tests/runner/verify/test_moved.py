"""A run whose data have moved is verified where they lie now."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pandas as pd
import pytest

from caviar.runner.errors import RequestError
from caviar.runner.fields.dataset import DatasetConfig
from caviar.runner.verify.moved import moved, rooted
from tests.runner.helpers import Done, caviar, ended_well
from tests.runner.verify.damage import INLINE

STUDY = """
name = "moved"
dataset = { path = "~/data/main.csv", label = "y", test = { path = "data/late.csv" } }
budget = { steps = 2 }
replicas = 1
fixed = { hidden = [4], batch_size = 8, probe_batch_sizes = [4], evaluations = 1 }
"""


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home folder with a run; its data have moved from `data` to `elsewhere`."""
    home = tmp_path_factory.mktemp("home")
    (home / "data").mkdir()
    rows = pd.DataFrame({"a": [0.5, 1.5, 2.5, 4.0] * 15, "y": ["ant", "bee"] * 30})
    rows[:40].to_csv(home / "data" / "main.csv", index=False)
    rows[40:].to_csv(home / "data" / "late.csv", index=False)
    (home / "study.toml").write_text(STUDY)
    words = ("run", home / "study.toml", *INLINE, home / "run")
    ended_well(*words, cwd=home, HOME=str(home))
    shutil.copytree(home / "data", home / "other")
    rows[40:50].to_csv(home / "other" / "late.csv", index=False)
    (home / "data").rename(home / "elsewhere")
    return home


def test_a_run_names_no_home_folder(home: Path) -> None:
    """Data below the folder of the study are named from there, the rest with `~`."""
    text = (home / "run" / "study.json").read_text()
    dataset = json.loads(text)["study"]["dataset"]
    assert (dataset["path"], dataset["test"]["path"]) == ("data/main.csv", "data/late.csv")
    assert json.loads(text)["study_folders"] == ["~"]
    assert "caviar run ~/study.toml" in text
    assert str(home) not in text + (home / "run" / "log.jsonl").read_text()


def test_a_study_that_moves_with_its_data_and_its_run_goes_on(tmp_path: Path) -> None:
    """Another folder is no other study: it is verified and resumed, and its new place kept."""
    project = tmp_path / "project"
    (project / "data").mkdir(parents=True)
    rows = pd.DataFrame({"a": [0.5, 1.5, 2.5, 4.0] * 15, "y": ["ant", "bee"] * 30})
    for name in ("main", "late"):
        rows.to_csv(project / "data" / f"{name}.csv", index=False)
    text = STUDY.replace("~/data", "data") + "[scientific]\nnorm_batch_size = [4, 8]\n"
    (project / "study.toml").write_text(text)
    run = ("run", "study.toml", *INLINE)
    ended_well(*run, "runs/one", "--trials", "1", cwd=project)
    content = json.loads((project / "runs" / "one" / "study.json").read_text())
    assert content["study_folders"] == ["../..", str(project)]
    moved_to = tmp_path / "far" / "away"
    moved_to.parent.mkdir()
    project.rename(moved_to)
    assert "the same bits in all" in ended_well("verify", "runs/one", cwd=moved_to)
    ended_well(*run, "runs/one", cwd=moved_to)
    after = json.loads((moved_to / "runs" / "one" / "study.json").read_text())
    assert after["study_folders"] == ["../..", str(moved_to)]
    assert (after["hash"], after["study"], after["trials"]) == (
        content["hash"],
        content["study"],
        2,
    )


def test_a_run_that_moves_alone_finds_the_data_where_they_were(tmp_path: Path) -> None:
    (tmp_path / "study").mkdir()
    (tmp_path / "study" / "a.csv").touch()
    dataset = DatasetConfig(path="a.csv", label="y")
    for folders in (["../study", str(tmp_path / "study")], ["nowhere", str(tmp_path / "study")]):
        found_at = rooted(dataset, folders, str(tmp_path / "run")).path
        assert found_at == str(tmp_path / "study" / "a.csv")
    recorded_in_full = DatasetConfig(path="/gone/a.csv", label="y")
    assert rooted(recorded_in_full, [], "run").path == "/gone/a.csv"
    assert rooted(DatasetConfig(path="s3://b/a.csv", label="y"), ["x"], "r").path == "s3://b/a.csv"


def verified(home: Path, *words: str) -> Done:
    return caviar("verify", "run", *words, cwd=home, HOME=str(home))


def test_verify_and_replay_where_the_data_lie_now(home: Path) -> None:
    done = verified(home)
    assert done.returncode == 0 and "no trial was computed again" in done.stdout
    assert done.stdout.endswith("if the data have moved, name the place: --data PLACE\n")
    done = verified(home, "--data", "elsewhere")
    assert done.returncode == 0 and "the same bits in all" in done.stdout, done
    trial = done.stdout.split("trial ")[-1][:12]
    ended_well("replay", "run", trial, "--data", "elsewhere", cwd=home, HOME=str(home))


def test_other_data_are_refused_with_the_difference(home: Path) -> None:
    done = verified(home, "--data", "other")
    assert done.returncode == 2 and "are not those of the run (fingerprint " in done.stderr
    assert 'data.rows is "60, the last 20 of them the given test set' in done.stderr
    done = verified(home, "--data", "run")
    assert done.returncode == 2 and "there is no 'late.csv' in" in done.stderr


def test_a_single_file_is_named_itself_or_by_its_folder(tmp_path: Path) -> None:
    (tmp_path / "a.csv").touch()
    dataset = DatasetConfig(path="/gone/a.csv", label="y")
    for place in (tmp_path, tmp_path / "a.csv", tmp_path / "b.csv"):
        path = moved(dataset, str(place)).path
        assert path == str(tmp_path / "a.csv" if place == tmp_path else place)
    with pytest.raises(RequestError, match="the data of this run are 'wine', not a file"):
        moved(DatasetConfig(name="wine"), "here")
