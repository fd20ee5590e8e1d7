"""The plan in words."""

from __future__ import annotations

import json
import resource
import subprocess
from pathlib import Path
from typing import Any

import pytest

from caviar.runner.cli import dry_run
from caviar.runner.cli.dry_run import describe
from caviar.runner.forecast import forecast
from caviar.runner.store.storage import Storage
from caviar.runner.study.plan import EXACT, Plan
from caviar.runner.trial.kernels import Kernels, TrainingPath
from tests.runner.helpers import TINY, caviar, command, ended_well, plan_of, settings_of
from tests.runner.large_studies import BIG, MANY_DRAWS, RATES


@pytest.fixture
def forbidden(monkeypatch: pytest.MonkeyPatch) -> None:
    """Laying out a whole large plan would take minutes, so nothing may do it."""

    def trials(plan: Plan) -> Any:
        assert plan.small, "a large plan was laid out"
        return plan.sample

    monkeypatch.setattr(Plan, "trials", property(trials))


@pytest.mark.usefixtures("forbidden")
@pytest.mark.parametrize("kind", BIG)
def test_a_million_trials_are_described_from_a_sample(kind: str) -> None:
    plan = plan_of(*TINY, RATES, *BIG[kind])
    assert (plan.most, plan.small) == (1_000_000, False)
    text = describe(plan)
    assert text.splitlines()[0].endswith(": at most 1,000,000 trials of 2 seeds")
    assert f"sample: {len(plan.sample):,} trials were laid out and checked" in text
    assert len(text) < 10_000 and len(plan.sample) <= EXACT


def test_the_real_program_needs_no_more_memory_for_a_million_trials(tmp_path: Path) -> None:
    """An address space too small for a million trials or their points."""
    words = command(
        "run", "--dry-run", "--kernels", "off", *settings_of((*TINY, RATES, MANY_DRAWS))
    )

    def limited() -> None:
        resource.setrlimit(resource.RLIMIT_DATA, (900_000_000, 900_000_000))

    done = subprocess.run(
        words, cwd=tmp_path, capture_output=True, text=True, check=False, preexec_fn=limited
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert "at most 1,000,000 trials" in done.stdout
    assert not list(tmp_path.iterdir())


def test_a_dry_run_says_what_measuring_takes() -> None:
    text = describe(plan_of(*TINY, "shadow=true")).splitlines()[-1]
    assert text.startswith("measuring at frozen weights: about ")
    assert "which one measurement at the end exceeds" in text
    assert "without gradient noise" in text and "the shadow takes another 2." in text
    long = describe(plan_of(*TINY, "budget.epochs=4000")).splitlines()[-1]
    assert "exceeds" not in long and "without" not in long and "shadow" not in long


def test_a_dry_run_says_which_trials_enter_no_effect_of_the_size() -> None:
    free = "fixed={ hidden = [16], batch_size = 16 }"
    text = describe(plan_of(*TINY, free, 'scientific.norm=["batch", "layer"]'))
    assert "\nnot compared: 4 of 8 trials enter no effect of norm_batch_size" in text


CROSSED = ("norm_batch_size=16", "arms={ b = {}, r = { norm = 'renorm' } }")
DECAYS_CROSSED = "scientific.renorm_decay=[0.5, 0.9]"


def test_a_training_that_is_planned_twice_is_run_once_and_says_so() -> None:
    lines = describe(plan_of(*TINY, *CROSSED, DECAYS_CROSSED)).splitlines()
    assert lines[0].endswith(": 6 trials of 2 seeds")
    assert lines[2] == (
        "run once: 2 of 8 trials would train the same as another: "
        "renorm_decay has no effect with norm = 'batch'"
    )


def test_what_nothing_reads_is_not_shown() -> None:
    text = describe(plan_of(*TINY, *CROSSED))
    assert "fixed: renorm_decay = 0.9" in text and "run once" not in text
    for field in ("noise_shared", "beta2", "adam_epsilon", "weight_decay_style", "ghosts"):
        assert f"\nfixed: {field} = " not in text
    assert "fixed: weight_decay = 0.0" in text


def test_what_was_drawn_is_shown_of_trials_that_read_it() -> None:
    drawn = "nuisance={ momentum = { scale = 'choice', values = [0.5, 0.6] } }"
    arms = "arms={ s = { optimizer = 'sgd' }, m = {} }"
    text = describe(plan_of(*TINY, drawn, arms, "draws.count=9"))
    assert "\ndrawn (halton): momentum = 0.5, 0.6\n" in text


RATE = "learning_rate={ scale = 'log_uniform', low = 0.01, high = 1.0 }"
WORDS = ("run", *settings_of((*TINY, RATE, "draws.count=5")))


def test_the_draws_have_their_true_range_and_the_run_its_rows(tmp_path: Path) -> None:
    told = json.loads(ended_well(*WORDS, "--dry-run", "--json", cwd=tmp_path))
    assert not list(tmp_path.iterdir())
    drawn = told["drawn"]["learning_rate"]
    assert drawn["values"] == 5 and 0.01 <= drawn["low"] < drawn["high"] <= 1.0
    line = f"drawn (halton): learning_rate = {drawn['low']:.4g} to {drawn['high']:.4g} in 5 values"
    assert line in told["lines"]
    ended_well(*WORDS, "--on", "inline", "--no-report", "--out", "runs/quickstart", cwd=tmp_path)
    (state,) = json.loads(ended_well("status", "--json", cwd=tmp_path))
    both = told["rows"].pop("trials"), told["rows"].pop("outcomes")
    assert both == (10, 10) and sum(told["rows"].values()) == state["rows"]
    text = ended_well(*WORDS, "--dry-run", cwd=tmp_path)
    assert "\nout: runs/quickstart holds 10 finished trials of this study; 0 would run; " in text


def test_the_time_is_that_of_the_path_that_the_run_would_take(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def path_of_run(kernels: Kernels, *_: Plan | Storage | None) -> TrainingPath:
        print("compiling kernels")
        return TrainingPath.compiled if kernels is Kernels.on else TrainingPath.numpy

    monkeypatch.setattr(dry_run, "path_of_run", path_of_run)
    monkeypatch.setattr(
        forecast, "seconds_of_trials", lambda trials, data, path, clock: [len(path)] * len(trials)
    )
    done = caviar(*WORDS, "--dry-run", "--json", "--kernels", "on", cwd=tmp_path)
    told = json.loads(done.stdout)
    assert (done.returncode, done.stderr) == (0, "compiling kernels\n")
    assert told["training"] == "compiled" and told["seconds"] == 10 * 8 / told["workers"]
    (line,) = [line for line in told["lines"] if line.startswith("time: ")]
    assert "real steps on compiled kernels where trials have them, for cores" in line
    told = json.loads(caviar(*WORDS, "--dry-run", "--json", cwd=tmp_path).stdout)
    assert told["training"] == "numpy" and told["seconds"] == 10 * 5 / told["workers"]


def test_a_finished_run_costs_nothing_more(tmp_path: Path) -> None:
    """Here and in a place that would take over all of it; it used to cost as much as a new one."""
    out = ("--on", "inline", "--no-report", "--out", "runs/one")
    ended_well(*WORDS, *out, cwd=tmp_path)
    priced = ("--dry-run", "--price", "1", "--json")
    for words in (out, ("--out", "runs/two", "--from", "runs/one")):
        told = json.loads(ended_well(*WORDS, *words, *priced, cwd=tmp_path))
        assert told["left_seconds"] == 0 and told["seconds"] > 0
        assert told["price"]["training_cost"] == told["price"]["paid_cost"] == 0
        (line,) = [line for line in told["lines"] if line.startswith("time: ")]
        assert line.endswith("; none is left to run")


def test_one_of_a_thing_is_singular() -> None:
    one = plan_of(*TINY, "replicas=1", "evaluations=1", "draws.count=1", "norm_batch_size=[8]")
    text = describe(one)
    assert text.splitlines()[0].endswith(": 1 trial of 1 seed")
    assert "; losses and everything else at the last step, penalties on " in text
    assert text.count(" training examples in 1 partition") == 1
