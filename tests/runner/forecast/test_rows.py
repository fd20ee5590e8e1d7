"""The rows that are forecast are those that a run writes, in every table."""

from __future__ import annotations

from collections import Counter

import pytest

from caviar.runner.forecast.rows import laid, rows_of_plan, rows_of_trial
from caviar.runner.trial.events import Block, Outcome
from caviar.runner.trial.run_trial import run_trial
from tests.golden.arms import MEASURED, TINY
from tests.runner.helpers import jobs_of, plan_of, tiny

ARMS = {
    "whole": MEASURED,
    "light": (*TINY, "probe_batch_sizes=[4, 64, 96]"),
    "layer": tiny("norm=layer", study=TINY),
    "none": tiny("norm=none", "hidden=[]", "log_probabilities=true", study=TINY),
    "large ghosts": (*MEASURED, "norm_batch_size=48", "log_probabilities=true"),
    "one convention": (*MEASURED, 'conventions=["pytorch"]', "decays=[]", "shadow=true"),
    "no gradients": (*TINY, "norm_batch_size=8", "probe_batch_sizes=[16]", "probe_share=0.5"),
    "no penalties at its size": (*MEASURED, "probe_batch_sizes=[16]", "partitions=2"),
    "renorm": (*MEASURED, "norm=renorm", "evaluations=1", "curve_rows=1"),
    "diverged": (*MEASURED, "learning_rate=1e30"),
}


@pytest.mark.parametrize("arm", ARMS)
def test_every_table_has_the_rows_that_were_forecast(arm: str) -> None:
    plan = plan_of(*ARMS[arm])
    (job,) = jobs_of(plan)
    written = dict.fromkeys(rows_of_trial(laid(job.config, plan.data)), 0)
    for event in run_trial(job, plan.data):
        if isinstance(event, Block):
            written[event.table] += event.rows
        elif isinstance(event, Outcome):
            status = event.status
    assert status == ("diverged" if arm == "diverged" else "completed")
    assert rows_of_trial(laid(job.config, plan.data)) == written


def test_the_rows_of_a_run_are_those_of_its_trials() -> None:
    plan = plan_of(*MEASURED, "arms={ b = {}, n = { norm = 'none' } }")
    each = {t.trial_id: rows_of_trial(laid(t, plan.data)) for t in plan.trials}
    batch, none = each.values()
    total = Counter(batch) + Counter(none)
    assert none["noise"] == 0 < batch["noise"]
    rows = rows_of_plan(plan, each)
    assert (rows.pop("trials"), rows.pop("outcomes")) == (2, 2)
    assert rows == {"predictions": 0, **total}


def test_the_sample_of_a_large_plan_stands_for_all() -> None:
    rates = "learning_rate={ scale = 'log_uniform', low = 0.01, high = 0.1 }"
    settings = tuple(s for s in TINY if not s.startswith(("learning_rate", "draws")))
    plan = plan_of(*settings, rates, "draws.count=3000")
    one = rows_of_trial(laid(plan.sample[0], plan.data))
    rows = rows_of_plan(plan, {t.trial_id: one for t in plan.sample})
    assert rows["trials"] == plan.most == 3000
    assert rows["curves"] == 3000 * one["curves"] == 3000 * 2 * 3
