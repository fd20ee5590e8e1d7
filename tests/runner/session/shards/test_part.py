"""Which trials each shard has: every one once, as much work for all, and the same again."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest

from caviar.runner.errors import RequestError
from caviar.runner.session import training_path
from caviar.runner.session.loop import estimated_cost
from caviar.runner.session.run_folder import read_study_json
from caviar.runner.session.shards.part import SHARD, must_be_the_part, part_of, recorded, shards_of
from caviar.runner.session.training_path import path_of_run
from caviar.runner.store.open import storage_at
from caviar.runner.trial.kernels import Kernels, TrainingPath
from tests.faults.program import caviar_here, one_sentence
from tests.runner.helpers import TINY, plan_of, settings_of
from tests.runner.session.shards.conftest import RUN

SEARCH = ("norm_batch_size=[4, 8, 16, 32, 64]", "batch_size=64", "draws.count=40")
"""200 trials, of which the smallest ghosts take longest."""


@pytest.mark.parametrize("of", [1, 3, 16, 200])
def test_every_trial_is_in_one_shard_and_shards_take_as_long(of: int) -> None:
    trials = plan_of(*SEARCH).trials
    shards = shards_of(trials, of)
    loads: Counter[int] = Counter()
    for trial, shard in zip(trials, shards, strict=True):
        loads[shard] += round(estimated_cost(trial))
    assert sorted(loads) == list(range(1, of + 1)) and len(shards) == len(trials)
    longest = max(map(estimated_cost, trials))
    assert max(loads.values()) - min(loads.values()) <= longest
    assert shards == shards_of(plan_of(*SEARCH).trials, of)


def test_further_draws_leave_trials_where_they_are() -> None:
    few, many = (plan_of(*SEARCH, f"draws.count={count}").trials for count in (7, 40))
    assert shards_of(many, 16)[: len(few)] == shards_of(few, 16)


def test_a_shard_is_a_part_of_its_plan() -> None:
    plan = plan_of(*SEARCH)
    parts = [part_of(plan, f"{number}/16") for number in range(1, 17)]
    assert sorted(t.trial_id for part in parts for t in part.trials) == sorted(
        trial.trial_id for trial in plan.trials
    )
    assert {part.hash() for part in parts} == {plan.hash()}
    assert all(part.whole is plan for part in parts) and plan.whole is plan
    for part in parts:
        places = recorded(part)[SHARD]["places"]
        assert [plan.trials[place].trial_id for place in places.values()] == list(places)
        assert [trial.trial_id for trial in part.trials] == list(places)


@pytest.mark.parametrize("words", ["0/3", "4/3", "3", "1/0", "-1/3", "1/99999", "1/3/3", "x"])
def test_other_words_are_refused(words: str) -> None:
    with pytest.raises(RequestError, match="give K/N, such as 3/16, with K from 1 to N"):
        part_of(plan_of(*TINY), words)


def test_what_cannot_be_dealt_is_refused() -> None:
    with pytest.raises(RequestError, match="the study has 4 trials; use fewer shards"):
        part_of(plan_of(*TINY), "5/5")
    search = [s for s in TINY if not s.startswith("norm_batch_size")]
    with pytest.raises(RequestError, match="of which a shard runs only a part"):
        part_of(plan_of(*search, "norm_batch_size=16", 'stop="median"'), "1/2")


@pytest.mark.parametrize(
    "more", [["--register", "claims.toml"], ["--extend"], ["--from", "x"], ["--until", "x"]]
)
def test_a_shard_neither_grows_nor_takes_over(more: list[str], tmp_path: Path) -> None:
    done = caviar_here(*RUN, "--out", tmp_path / "run", "--shard", "1/3", *more)
    assert done.code == 2 and f"so {more[0]} does not go with it" in one_sentence(done)


def test_the_whole_study_decides_what_trains_its_shards(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where one run takes compiled kernels, its shards do, however short each of them is."""
    plan = plan_of(*TINY)
    part = part_of(plan, "1/2")
    cost = sum(map(estimated_cost, plan.trials))
    monkeypatch.setattr(training_path, "WORTH", 0.75 * cost)
    monkeypatch.setattr(training_path, "compile_for", lambda plan: None)
    nowhere = storage_at(Path("no such run"))
    assert path_of_run(Kernels.auto, part, nowhere) is TrainingPath.compiled
    alone = replace(part, part=None)
    assert path_of_run(Kernels.auto, alone, nowhere) is TrainingPath.numpy


def test_a_shard_goes_on_as_what_it_is(split: Path) -> None:
    shard = split / "shards" / "01-of-03"
    again = caviar_here(*RUN, "--out", split, "--shard", "1/3")
    assert again.code == 0 and "2 of 2 trials are done" in again.output
    whole = caviar_here(*RUN, "--out", shard)
    assert whole.code == 2 and (
        "holds shard 1 of 3, and this would be the whole study; a shard goes on with its own "
        "--shard and the --out of the whole run" in one_sentence(whole)
    )
    grown = caviar_here(*RUN, "--out", split, "--shard", "1/3", *settings_of(["draws.count=6"]))
    assert grown.code == 0 and "2 of 4 trials are done" in grown.output
    content = read_study_json(storage_at(shard))
    assert (content["trials"], content[SHARD]["trials"], len(content[SHARD]["places"])) == (
        4,
        12,
        4,
    )


def test_other_trials_in_the_same_place_are_refused() -> None:
    before = recorded(part_of(plan_of(*TINY), "1/2"))
    fewer = part_of(plan_of(*TINY, trials=3), "1/2")
    with pytest.raises(RequestError, match="the number of trials or the version of caviar"):
        must_be_the_part(before, fewer, "run")
    with pytest.raises(RequestError, match="holds the whole study, and this would be shard 1 of 2"):
        must_be_the_part({}, fewer, "run")


def test_a_dry_run_speaks_of_the_shard(tmp_path: Path) -> None:
    done = caviar_here(*RUN, "--out", tmp_path / "run", "--shard", "2/3", "--dry-run")
    assert "): 2 trials of 2 seeds" in done.output
    assert "shard: 2 of 3, of 6 trials in all" in done.output
    assert f"out: {tmp_path}/run/shards/02-of-03 holds no finished trial" in done.output


def test_the_longest_trials_of_a_draw_are_dealt_first() -> None:
    trials = plan_of(*SEARCH[1:], "norm_batch_size=[64, 32, 16, 8, 4]", "draws.count=1").trials
    assert [trial.norm_batch_size for trial in trials] == [64, 32, 16, 8, 4]
    costs = list(map(estimated_cost, trials))
    assert costs == sorted(costs) and costs[4] < sum(costs[2:4])
    assert shards_of(trials, 2)[2:] == [2, 2, 1]
