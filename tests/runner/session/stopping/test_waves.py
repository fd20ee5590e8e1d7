"""Jobs given out wave by wave, and a random search of which some trials are stopped."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from caviar.analysis.findings.best import sentences
from caviar.analysis.run.comparison import Comparison, comparison_of
from caviar.analysis.run.read import Run, read_run
from caviar.analysis.tables.configurations.ranking import ranking
from caviar.runner.errors import RequestError
from caviar.runner.session.stopping.waves import FIRST, Waves, doubling
from caviar.runner.store.open import storage_at
from caviar.runner.study.study_file import study_from_table
from caviar.runner.trial.events import Block, Job, Outcome
from caviar.runner.verify.replay import replay_trial
from caviar.runner.verify.run import verify_run
from caviar.runner.verify.state import state_of, summary
from tests.runner.helpers import caviar, ended_well, plan_of, same_tables, settings_of, tables, well

SEARCH = (
    'dataset={ name = "wine", train = 96, validation = 40 }',
    *("hidden=[6]", "batch_size=16", "replicas=2", "budget.epochs=8", "evaluations=4"),
    *("draws.count=20", "probe_batch_sizes=[4]", "probe_share=0.9", "curve_rows=8"),
    "conventions=['unbiased']",
    "scientific={}",
    "nuisance.learning_rate={ scale = 'log_uniform', low = 1e-4, high = 1.0 }",
    "nuisance.norm_batch_size={ scale = 'int_log2_uniform', low = 4, high = 16 }",
)
STOPPING = (*SEARCH, "stop=median")


def words(study: tuple[str, ...], out: Path, *more: str) -> list[str]:
    return ["run", "--no-report", "--kernels", "off", *settings_of(study), *more, "--out", str(out)]


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The search without a rule: what every trial would have measured."""
    folder = tmp_path_factory.mktemp("search")
    ended_well(*words(SEARCH, folder / "run", "--on", "inline"), cwd=folder)
    return folder / "run"


@pytest.fixture(scope="module")
def stopping(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same with the median rule."""
    folder = tmp_path_factory.mktemp("stopping")
    printed = ended_well(*words(STOPPING, folder / "run", "--on", "inline"), cwd=folder)
    assert "stop: draws 0 to 7 train to their end; the validation loss of each later" in printed
    assert f"{len(early(folder / 'run'))} stopped early" in printed
    return folder / "run"


def early(root: Path) -> dict[str, int]:
    """The trials that were stopped, and after how many updates."""
    ended = read_run(root).outcomes
    ended = ended[ended["status"] == "stopped"]
    return dict(zip(ended["trial_id"], ended["steps"], strict=True))


def by_hand(run: Run) -> dict[str, int]:
    """Which trials the rule stops and where, from a run that stopped none."""
    rows = run.evaluations.query("split == 'validation' and statistics == 'population'")
    losses = rows.groupby(["trial_id", "step"])["loss"].mean().unstack()
    draws = run.trials.set_index("trial_id")["draw"].sort_values()
    stopped: dict[str, int] = {}
    first, last = 0, FIRST
    while first < len(draws):
        before = losses.loc[[t for t in draws.index[:first] if t not in stopped]].median()
        for trial in draws.index[first:last]:
            worse = [step for step in losses.columns[:-1] if losses.at[trial, step] > before[step]]
            if first and worse:
                stopped[trial] = int(worse[0])
        first, last = last, 2 * last
    return stopped


def test_the_rule_stops_whom_the_medians_of_the_draws_before_say(
    whole: Path, stopping: Path
) -> None:
    expected = by_hand(read_run(whole))
    assert early(stopping) == expected and 3 <= len(expected) <= 12
    assert len(set(expected.values())) > 1  # Not all at the first moment.


def test_a_stopped_trial_keeps_its_rows_which_are_those_of_the_whole_trial(
    whole: Path, stopping: Path
) -> None:
    a, b = read_run(whole), read_run(stopping)
    assert set(a.trials["trial_id"]) == set(b.trials["trial_id"])
    for table in ("curves", "evaluations"):
        keys = ["trial_id", "seed", "step", *(["split", "statistics"] * (table != "curves"))]
        every, kept = (getattr(run, table).sort_values(keys, kind="stable") for run in (a, b))
        last = every["trial_id"].map(early(stopping)).fillna(np.inf)
        expected = every[every["step"] <= last].drop(columns="attempt").reset_index(drop=True)
        shown = kept.drop(columns="attempt").reset_index(drop=True)
        pd.testing.assert_frame_equal(shown, expected, check_exact=True)
    assert (
        b.outcomes.set_index("trial_id")["error"][list(early(stopping))].str[:7] == "stopped"
    ).all()


def test_workers_and_interruptions_stop_the_same_trials(stopping: Path, tmp_path: Path) -> None:
    """On two processes, in three sessions: each takes up the waves where the last one ended."""
    for trials in ("5", "13", "20"):
        more = ("--on", "local", "--workers", "2", "--trials", trials)
        well(caviar(*words(STOPPING, tmp_path / "run", *more), cwd=tmp_path))
    same_tables(tables(stopping), tables(tmp_path / "run"))


def test_stopped_trials_are_counted_and_left_out(stopping: Path) -> None:
    run, count = read_run(stopping), len(early(stopping))
    ranked = ranking(run)
    assert set(ranked["trial_id"]) == set(run.trials["trial_id"]) - set(early(stopping))
    assert any(f"{count} trials were stopped early" in one for one in sentences(run, ranked))
    assert run.counts["stopped"] == count and f"{count} stopped early" in run.ended
    comparison = comparison_of(run)
    assert isinstance(comparison, Comparison)
    assert not set(comparison.final_values["trial_id"]) & set(early(stopping))
    state = state_of(storage_at(str(stopping)), 0.0)
    assert (state.stopped, state.done, state.state) == (count, 20, "finished")
    assert f"{20 - count} completed, 0 diverged, {count} stopped early; 0 failed" in summary(state)


def test_a_run_with_stopped_trials_is_whole_and_replays(stopping: Path) -> None:
    storage = storage_at(str(stopping))
    findings = verify_run(storage)
    assert not findings.faults
    assert any("stopped early by the median rule" in line for line in findings.lines)
    trial = min(early(stopping))
    replayed = replay_trial(storage, trial)
    assert replayed.holds and "the same bits in all" in replayed.says


def test_other_outcomes_are_as_they_were(whole: Path) -> None:
    assert "stop" not in plan_of(*SEARCH).identity() and "stop" in plan_of(*STOPPING).identity()
    assert "stopped" not in summary(state_of(storage_at(str(whole)), 0.0))


def test_seeds_and_trials_of_elsewhere_do_not_join(whole: Path, stopping: Path) -> None:
    folder = stopping.parent
    more = caviar(*words((*STOPPING, "replicas=3"), stopping, "--extend"), cwd=folder)
    assert more.returncode == 2 and "replicas is 2 there and 3 here" in more.stderr
    taken = caviar(*words(STOPPING, folder / "new", "--from", str(whole)), cwd=folder)
    assert taken.returncode == 2 and "so that none are taken over from another run" in taken.stderr
    back = caviar(*words(SEARCH, folder / "new", "--from", str(stopping), "--dry-run"), cwd=folder)
    assert f"from: {20 - len(early(stopping))} of 20 trials would be taken over" in back.stdout


@pytest.mark.parametrize(
    ("table", "says"),
    [
        ({"scientific": {"norm_batch_size": [4, 16]}}, "the study crosses norm_batch_size"),
        ({"arms": {"a": {"norm": "batch"}, "b": {"norm": "layer"}}}, "the study crosses arms"),
        ({}, "and nothing is drawn"),
    ],
)
def test_only_a_random_search_may_stop_trials(table: dict[str, object], says: str) -> None:
    drawn = {"learning_rate": {"scale": "log_uniform", "low": 0.01, "high": 1.0}} if table else {}
    study = {"name": "a", "dataset": "wine", "stop": "median", "nuisance": drawn, **table}
    with pytest.raises(RequestError, match=says):
        study_from_table(study)


def jobs(count: int) -> list[Job]:
    made = [Job(c, c.trial_id, 0) for c in plan_of(*SEARCH, f"draws.count={count}").trials]
    return random.Random(0).sample(made, len(made))


def losses(job: Job) -> Block:
    draw = job.config.draw
    columns: dict[str, list[Any]] = {"seed": [0, 1], "step": [12, 12]}
    columns |= {"split": ["validation"] * 2, "statistics": ["population"] * 2}
    columns["loss"] = [draw - 0.5, draw + 0.5]
    return Block(job.trial_id, 0, "evaluations", columns)


def given_out(waves: Waves, failing: frozenset[int] = frozenset()) -> Iterator[list[Job]]:
    """Wave after wave; the trials of each end in an order of their own."""
    while wave := waves.due():
        yield wave
        for job in random.Random(len(wave)).sample(wave, len(wave)):
            assert waves.due() == []
            waves.see(losses(job), ())
            status = "failed" if job.config.draw in failing else "completed"
            ended = Outcome(job.trial_id, 0, status)  # type: ignore[arg-type]
            waves.see(ended, (ended,))


def test_each_wave_has_as_many_draws_as_all_before_it() -> None:
    waves = list(given_out(Waves(jobs(20), doubling)))
    draws = [sorted(job.config.draw for job in wave) for wave in waves]
    assert draws == [list(range(8)), list(range(8, 16)), list(range(16, 20))]
    limits = [wave[0].limits for wave in waves]
    assert limits[0] == () and limits[1][60] == 3.5 and limits[2][60] == 7.5
    assert all(job.limits == wave[0].limits for wave in waves for job in wave)


def test_trials_that_failed_set_no_limit_and_all_at_once_is_one_wave() -> None:
    waves = list(given_out(Waves(jobs(10), doubling), frozenset({0, 1})))
    assert waves[1][0].limits[60] == 4.5
    waves = list(given_out(Waves(jobs(10), doubling), frozenset(range(4))))
    assert waves[1][0].limits == ()
    (only,) = given_out(Waves(jobs(10)))
    assert len(only) == 10 and {job.limits for job in only} == {()}
