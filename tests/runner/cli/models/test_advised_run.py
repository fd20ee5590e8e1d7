from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from caviar.runner.cli.models import advised_run
from caviar.runner.cli.models.advised_run import asked_of
from caviar.runner.errors import RequestError
from tests.analysis.models.made import watched_run

NORM = {"momentum": 0.01, "positions": 49}


def made(monkeypatch: pytest.MonkeyPatch, probed: bool = True, **norm: Any) -> None:
    norms = [{"name": name, **NORM, **norm} for name in ("first", "second")]
    run = watched_run(probed=probed, norms=norms)
    noise = run.noise.assign(excess_kurtosis=0.5) if probed else run.noise
    monkeypatch.setattr(advised_run, "read_run", lambda place: replace(run, noise=noise))


def test_the_question_is_that_of_the_first_norm(monkeypatch: pytest.MonkeyPatch) -> None:
    """A variance of 0.04 of the mean of 16 of 100 examples: each is worth 1.33 values."""
    made(monkeypatch)
    rule, decay, setup, steps, data, law = asked_of("runs/mine")
    assert (rule, decay, steps, data) == ("pytorch", 0.99, 100, None)
    assert (setup.norm_batch_size, setup.positions) == (16, 49)
    assert setup.effective_positions == pytest.approx((84 / 99) / (16 * 0.04))
    assert law["excess_kurtosis"] == 0


def test_without_positions_the_law_of_the_inputs_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    made(monkeypatch, positions=1, momentum=None)
    rule, decay, setup, *_, law = asked_of("runs/mine")
    assert (rule, decay, setup.effective_positions) == ("pytorch-cumulative", None, None)
    assert law["excess_kurtosis"] == 0.5


def test_averages_that_keep_the_last_batch_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """A momentum of 1 is a decay of 0, not the plain mean that a momentum of None is."""
    made(monkeypatch, momentum=1.0)
    assert asked_of("runs/mine")[:2] == ("pytorch", 0.0)


def test_a_run_that_does_not_say_it_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    made(monkeypatch, probed=False)
    with pytest.raises(RequestError, match="'x' has no batch noise: watch the training with data="):
        asked_of("x")
    with pytest.raises(RequestError, match="--run takes the batch size from the run"):
        asked_of("x", 32)
    monkeypatch.setattr(advised_run, "read_run", lambda place: replace(watched_run(), study={}))
    with pytest.raises(RequestError, match="'x' is not a watched training"):
        asked_of("x")
