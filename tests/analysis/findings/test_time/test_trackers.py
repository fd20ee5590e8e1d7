"""The running average that sentences speak of."""

from __future__ import annotations

import math

import pandas as pd
import pytest

from caviar.analysis.findings.finding import Results
from caviar.analysis.findings.test_time.trackers import (
    in_words,
    tracker_name,
    usual_errors,
    usual_tracker,
)
from tests.analysis.synthetic import crossed, results_in, run_of

SIZES = {"norm_batch_size": [8, 64]}


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Results:
    root = tmp_path_factory.mktemp("run")
    trials = crossed(SIZES, seeds=(0,), hidden=(8, 8), decay=0.5, decays=(0.9,))
    return results_in(run_of(root, trials, scientific=SIZES))


def test_it_is_the_unbiased_rule_at_the_study_s_own_decay(results: Results) -> None:
    usual = usual_tracker(results, results["statistics_error"])
    assert set(usual["rule"]) == {"unbiased"} and set(usual["tracker_decay"]) == {0.5}


def test_another_rule_stands_in_where_it_is_missing(results: Results) -> None:
    table = pd.DataFrame({"rule": ["cumulative"], "tracker_decay": [math.nan]})
    assert usual_tracker(results, table).equals(table)


def test_errors_are_those_of_the_last_layer(results: Results) -> None:
    assert set(usual_errors(results)["layer"]) == {"norm2"}


def test_a_tracker_in_words() -> None:
    assert tracker_name({"rule": "unbiased", "tracker_decay": 0.9}) == "unbiased, decay 0.9"
    assert tracker_name({"rule": "cumulative", "tracker_decay": math.nan}) == "cumulative"


def test_a_running_average_in_plain_english() -> None:
    unbiased = {"rule": "unbiased, drawn decay", "tracker_decay": math.nan}
    assert in_words({"rule": "biased", "tracker_decay": 0.99}) == (
        "a running average of biased variances (Keras's kind, decay 0.99)"
    )
    assert in_words(unbiased).endswith("of unbiased variances (PyTorch's kind, drawn decay)")
    assert in_words({"rule": "caffe", "tracker_decay": 0.9}) == (
        "a running average by the rule caffe of `caviar conventions`"
    )
