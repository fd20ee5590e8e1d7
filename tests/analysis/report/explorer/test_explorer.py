"""The table of trials: in order, with what differs, what is shared, and both curves."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from caviar.analysis.report.explorer.explorer import MOST, as_json, explorer_of, table_of
from caviar.analysis.run.read import of_trials
from caviar.analysis.tables.configurations.ranking import ranking
from tests.analysis.synthetic import World, crossed, run_of, size

LEVELS = {"norm_batch_size": [8, 64, 256]}


def test_trials_come_in_the_order_of_the_ranking(tmp_path: Path) -> None:
    world = World(validation=lambda config, seed: abs(size(config) - 64) / 100 + 0.1)
    run = run_of(tmp_path, crossed(LEVELS), world, scientific=LEVELS)
    data = explorer_of(run, ranking(run))
    sizes = data["fields"].index("norm_batch_size")
    assert [trial[2][sizes] for trial in data["trials"]] == [64, 8, 256]
    assert data["total"] == 3 and data["fixed"]["batch_size"] == "256"
    best = data["trials"][0]
    losses = run.evaluations[run.evaluations["trial_id"] == best[0]]
    losses = losses.query("split == 'validation' and statistics == 'population'")
    assert best[1] == "completed"
    assert best[4][0] == sorted(losses["step"].unique()) and best[4][1][-1] == 0.1
    assert best[3][0] == sorted(run.curves["step"].unique())
    assert json.loads(as_json(data)) == json.loads(json.dumps(data))


def test_a_trial_without_a_loss_comes_last(tmp_path: Path) -> None:
    run = run_of(
        tmp_path,
        crossed(LEVELS),
        scientific=LEVELS,
        status=lambda config: "failed" if size(config) == 8 else "completed",
    )
    *_, last = explorer_of(run, ranking(run))["trials"]
    assert (last[1], last[3:]) == ("failed", [([], []), ([], [])])


def test_of_many_trials_the_first_are_shown(tmp_path: Path) -> None:
    levels = {"learning_rate": [i / 1000 for i in range(1, MOST + 6)]}
    run = run_of(tmp_path, crossed({"dropout": [0.0]}), scientific={"dropout": [0.0]})
    many = run.trials.loc[[0] * (MOST + 5)].reset_index(drop=True)
    many["trial_id"] = [f"t{i}" for i in range(MOST + 5)]
    many["learning_rate"] = levels["learning_rate"]
    nothing = of_trials(run, many["trial_id"])
    data = explorer_of(type(run)(**{**vars(nothing), "trials": many}), ranking(nothing))
    assert (len(data["trials"]), data["total"]) == (MOST, MOST + 5)
    assert {trial[1] for trial in data["trials"]} == {"not yet tried"}


def test_numbers_stay_numbers_and_lists_become_texts(tmp_path: Path) -> None:
    run = run_of(tmp_path, crossed(LEVELS), scientific=LEVELS)
    data = table_of(run.trials, [], {}, {"train": {}, "validation": {}}, "here")
    assert data["fixed"]["hidden"] == "[8]" and data["trials"] == []
    with pytest.raises(ValueError, match="JSON"):
        as_json({"loss": float("nan")})
