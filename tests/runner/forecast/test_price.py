"""What a run would cost: the arithmetic of hours, and when it is not known."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from caviar.runner.errors import RequestError
from caviar.runner.forecast import forecast as source
from caviar.runner.forecast.forecast import Forecast, forecast
from caviar.runner.forecast.memory import Memory
from caviar.runner.forecast.price import Price, in_words, price_of
from caviar.runner.trial.kernels import TrainingPath
from tests.faults.program import caviar_here, one_sentence
from tests.runner.helpers import TINY, plan_of, settings_of

TOLD = Forecast({}, 0.0, Memory(0, 0, 0, 0), 4, TrainingPath.numpy, 3600.0, None, 7200.0)
"""Two hours of training by four workers, of whom the last is done after one hour."""


def test_hours_of_training_and_hours_that_are_paid() -> None:
    assert price_of(TOLD, 0.5) == Price(0.5, 2.0, 1.0, 4.0, 2.0)
    left = TOLD._replace(left_seconds=900.0, worker_seconds=1800.0)  # Half an hour is left.
    assert price_of(left, 0.5) == Price(0.5, 0.5, 0.25, 1.0, 0.5)
    assert price_of(TOLD, 0) == Price(0, 2.0, 0, 4.0, 0)
    done = TOLD._replace(left_seconds=0.0, worker_seconds=0.0)
    assert price_of(done, 0.5) == Price(0.5, 0.0, 0.0, 0.0, 0.0)
    assert price_of(TOLD._replace(seconds=None, worker_seconds=None), 0.5) is None


def test_it_is_said_in_one_line() -> None:
    assert in_words(price_of(TOLD, 0.5), 4) == (
        "price: about 2 worker hours of training, 1.00 at 0.5 per hour; where all 4 workers are "
        "paid until the last trial ends, 4 hours and 2.00. Starts, idle minutes and the head of a "
        "cluster come on top"
    )
    assert "where the worker is paid" in in_words(price_of(TOLD, 0.5), 1)
    assert "training, 0.00 at 0 per hour" in in_words(price_of(TOLD, 0), 4)
    assert "2e+30 at 1e+30 per hour" in in_words(price_of(TOLD, 1e30), 4)
    assert in_words(None, 4) == "price: not known, since the time is not"


@pytest.mark.parametrize("price", [-1.0, float("nan"), float("inf")])
def test_a_price_that_is_no_amount_is_refused(price: float) -> None:
    with pytest.raises(RequestError, match="give what a worker costs per hour, from 0 on"):
        price_of(TOLD, price)


def test_training_counts_every_trial_that_would_run(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of a large plan, a sample is timed; of one that was begun, what is left."""
    monkeypatch.setattr(source, "seconds_of_trials", lambda trials, *_: [10.0] * len(trials))
    plan = plan_of(*TINY)
    clock = float
    assert forecast(plan, 2, TrainingPath.numpy, clock).worker_seconds == 40.0
    left = [plan.trials[0].trial_id]
    assert forecast(plan, 2, TrainingPath.numpy, clock, left).worker_seconds == 10.0
    done = forecast(plan, 2, TrainingPath.numpy, clock, frozenset())
    assert (done.worker_seconds, done.left_seconds, done.seconds) == (0.0, 0.0, 20.0)
    large = replace(plan, sample=plan.sample[:2], small=False)
    some = forecast(large, 2, TrainingPath.numpy, clock, [t.trial_id for t in plan.trials[1:]])
    assert (some.worker_seconds, some.left_seconds) == (30.0, 15.0)
    assert forecast(large, 2, TrainingPath.numpy, clock).worker_seconds == 10.0 * large.most


def test_the_command_says_it_and_programs_read_it() -> None:
    plan = ("run", *settings_of(TINY), "--out", "no-such-run", "--dry-run")
    done = caviar_here(*plan, "--price", "0.05", "--json")
    told = json.loads(done.output)
    price = Price(**told["price"])
    assert price.per_hour == 0.05
    assert price.training_cost == pytest.approx(price.training_hours * 0.05)
    assert any(line.startswith("price: about ") for line in told["lines"])
    assert "price" not in json.loads(caviar_here(*plan, "--json").output)
    alone = caviar_here(*plan[:-1], "--price", "0.05")
    assert alone.code == 2 and "add --dry-run" in one_sentence(alone)
