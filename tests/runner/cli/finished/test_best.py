"""`caviar best`: the ranking for a terminal, for programs, and as a study."""

from __future__ import annotations

import json
from pathlib import Path

from caviar.runner.study.plan import make_plan
from caviar.runner.study.study_file import study_from_text
from tests.runner.cli.finished.conftest import SETTINGS
from tests.runner.helpers import caviar, plan_of


def test_the_printed_study_is_the_winner_on_new_seeds(folder: Path) -> None:
    data = json.loads(caviar("best", "run", "--json", "--top", "1", cwd=folder).stdout)
    winner = data["configurations"][0]["trial_id"]
    study = study_from_text(caviar("best", "run", "--toml", cwd=folder).stdout)
    (again,) = make_plan(study).trials
    trials = plan_of(*SETTINGS).trials
    (first,) = [config for config in trials if config.trial_id == winner]
    same = {"seeds": first.seeds, "draw": first.draw}
    assert again.model_copy(update=same).trial_id == winner
    assert again.seeds == tuple(range(3, 11)) and not set(again.seeds) & set(first.seeds)


def test_the_first_rows_and_the_sentences_are_printed(folder: Path) -> None:
    done = caviar("best", "run", "--top", "2", cwd=folder)
    head, *rows = done.stdout.split("\n\n")[0].splitlines()
    assert [row.split()[0] for row in rows] == ["1", "2"]
    assert head.split("  ")[0] == "rank" and "learning_rate" in head and "norm_batch_size" in head
    assert "Of 4 configurations" in done.stdout and "The best of 4 looks better" in done.stdout


def test_data_are_the_same_as_the_text(folder: Path) -> None:
    data = json.loads(caviar("best", "run", "--json", cwd=folder).stdout)
    means = [row["mean"] for row in data["configurations"]]
    assert len(means) == 4 and means == sorted(means) and data["by"] == "validation_loss"
    assert len(data["sentences"]) == 2 and data["configurations"][0]["low"] is None


def test_what_cannot_choose_is_refused(folder: Path) -> None:
    done = caviar("best", "run", "--by", "test_loss", cwd=folder)
    assert done.returncode == 2 and "Choosing by the test set leaves nothing" in done.stderr
    assert caviar("best", ".", cwd=folder).returncode == 2
