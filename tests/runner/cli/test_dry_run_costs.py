"""The whole dry run: plan, forecast and place, as text and as data."""

from __future__ import annotations

import json
from pathlib import Path

from tests.runner.helpers import TINY, ended_well, settings_of

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
