"""A study whose arms change during training: planned, run on both paths, verified, replayed."""

from __future__ import annotations

from pathlib import Path

import pytest

from caviar.runner.store.open import storage_at
from caviar.runner.store.part_files import read_rows
from caviar.runner.trial.kernels import TrainingPath
from tests.runner.helpers import caviar, ended_well

STUDY = """
name = "edited"
dataset = { name = "wine", train = 96, validation = 40 }
replicas = 2
budget = { epochs = 2 }
[fixed]
hidden = [6]
batch_size = 16
norm_batch_size = 4
evaluations = 2
curve_rows = 12
probe_batch_sizes = [4, 16]
schedule = "constant"
[arms]
unedited = {}
edited = { changes = ["8: learning_rate=0.01", "6: norm_batch_size = 8", "8: recompute"] }
"""
PATHS = {"off": TrainingPath.numpy, "on": TrainingPath.compiled}
CANONICAL = [
    "6: norm_batch_size = 8",
    "8: learning_rate = 0.01",
    "8: recompute running statistics",
]


@pytest.fixture(scope="module", params=["off", "on"])
def made(
    request: pytest.FixtureRequest, kernels: None, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    folder = tmp_path_factory.mktemp("edited")
    (folder / "edited.toml").write_text(STUDY)
    words = ("edited.toml", "--on", "inline", "--no-report", "--kernels", request.param)
    ended_well("run", *words, "--out", "run", cwd=folder)
    return folder / "run"


def test_the_table_of_trials_lists_the_changes(made: Path) -> None:
    trials = read_rows(storage_at(made), "trials", ["arm", "changes", "norm_batch_size"])
    assert dict(zip(trials["arm"], trials["changes"], strict=True)) == {
        "unedited": [],
        "edited": CANONICAL,
    }
    assert set(trials["norm_batch_size"]) == {4}


def test_the_rows_up_to_the_first_change_are_those_of_the_other_arm(made: Path) -> None:
    rows = read_rows(storage_at(made), "curves", ["trial_id", "seed", "step", "learning_rate"])
    rates: dict[str, dict[int, float]] = {}
    keys = zip(rows["trial_id"], rows["step"], rows["learning_rate"], strict=True)
    for trial, step, rate in keys:
        rates.setdefault(trial, {})[step] = rate
    edited = next(of for of in rates.values() if 0.01 in of.values())
    assert [step for step, rate in edited.items() if rate == 0.01] == [9, 10, 11, 12]


def test_every_trial_is_replayed_with_the_same_bits(
    made: Path, request: pytest.FixtureRequest
) -> None:
    outcomes = read_rows(storage_at(made), "outcomes", ["trial_id", "path", "status"])
    assert set(outcomes["status"]) == {"completed"}
    assert set(outcomes["path"]) == {PATHS[request.node.callspec.params["made"]]}
    for trial in outcomes["trial_id"]:
        assert "the same bits in all" in ended_well("replay", made, trial, cwd=made.parent)
    assert "the same bits in all" in ended_well("verify", made, cwd=made.parent)


def test_a_dry_run_says_what_holds_at_the_start_only(made: Path) -> None:
    told = ended_well("run", "edited.toml", "--dry-run", cwd=made.parent)
    assert "fixed: learning_rate = 0.1 at the start\n" in told
    assert "fixed: norm_batch_size = 4 at the start\n" in told and "momentum = 0.9\n" in told


def test_the_same_command_finds_nothing_left_to_do(made: Path) -> None:
    words = ("edited.toml", "--on", "inline", "--no-report", "--out", "run")
    again = caviar("run", *words, cwd=made.parent)
    assert again.returncode == 0 and " 0 rows " in again.stdout


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ("4: learning_rate = 0.1", "'4: learning_rate = 0.1' has no effect: learning_rate is 0.1"),
        ("5: norm_batch_size = 8", "and an epoch has 6 steps; name step 6"),
        ("4: learning_rat = 0.1", "did you mean 'learning_rate'?"),
    ],
)
def test_a_wrong_change_is_one_sentence(tmp_path: Path, change: str, says: str) -> None:
    (tmp_path / "wrong.toml").write_text(STUDY.replace("8: recompute", change))
    refused = caviar("run", "wrong.toml", "--dry-run", cwd=tmp_path)
    assert refused.returncode == 2 and says in refused.stderr
    assert refused.stderr.count("\n") == 1
