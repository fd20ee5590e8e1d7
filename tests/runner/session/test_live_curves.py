"""Sparklines of a run while it runs: by what differs, at shared heights, as wide as there is."""

from __future__ import annotations

import io
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from rich.console import Console

from caviar.runner.session.live_curves import (
    BLOCKS,
    PLAIN,
    STRETCHES,
    Line,
    LiveCurves,
    group_of,
    laid_out,
    signs_for,
)
from caviar.runner.session.loop import Progress
from caviar.runner.session.progress_display import Display
from caviar.runner.trial.events import Block, Job, Outcome
from tests.runner.helpers import TINY, jobs_of, plan_of

JOBS: list[Job] = jobs_of(plan_of(*TINY))
SMALL = [job for job in JOBS if job.config.norm_batch_size == 4]
LARGE = [job for job in JOBS if job.config.norm_batch_size == 16]


def curve(job: Job, losses: Any) -> Block:
    steps = np.linspace(1, job.config.steps, len(losses)).round().astype(int).tolist()
    return Block(job.trial_id, 0, "curves", {"step": steps, "loss": list(losses)})


def test_groups_are_arms_else_sizes_else_one() -> None:
    named = [
        replace(j, trial=j.config.model_copy(update={"arm": f"a{i % 2}"}))
        for i, j in enumerate(JOBS)
    ]
    assert set(group_of(named).values()) == {"a0", "a1"}
    assert list(dict.fromkeys(group_of(JOBS).values())) == ["m = 4", "m = 16"]
    assert set(group_of(SMALL).values()) == {"all trials"}


def test_a_sparkline_falls_with_the_loss_and_groups_share_its_heights() -> None:
    curves = LiveCurves(JOBS)
    steps = JOBS[0].config.steps
    curves(curve(SMALL[0], np.geomspace(1, 0.01, steps)))
    curves(curve(LARGE[0], [0.1] * steps))
    small, large = curves.lines()
    heights = [BLOCKS.index(sign) for sign in small.train.replace(" ", "")]
    assert heights == sorted(heights, reverse=True) and (heights[0], heights[-1]) == (7, 0)
    assert set(large.train) - {" "} <= {BLOCKS[3], BLOCKS[4]}  # Half way between 1 and 0.01.
    assert small.validation == " " * STRETCHES


def test_trials_and_seeds_count_by_their_geometric_mean() -> None:
    curves = LiveCurves(JOBS)
    last = JOBS[0].config.steps
    for job, loss in zip(SMALL, (0.1, 0.001), strict=True):
        columns: dict[str, list[Any]] = {"step": [1, 1, last], "loss": [1.0, float("inf"), loss]}
        curves(Block(job.trial_id, 0, "curves", columns))
    for job in LARGE:
        curves(Block(job.trial_id, 0, "curves", {"step": [1, last], "loss": [1.0, 0.01]}))
    small, large = curves.lines()
    assert small.train == large.train == f" █{' ' * (STRETCHES - 3)}▁"  # 12 updates.


def test_of_evaluations_the_validation_loss_of_the_population_is_drawn() -> None:
    curves = LiveCurves(JOBS)
    last = JOBS[0].config.steps
    rows: dict[str, list[Any]] = {
        "split": ["validation", "validation", "test"],
        "statistics": ["population", "running", "population"],
        "step": [last] * 3,
        "loss": [0.1, 99.0, 99.0],
    }
    curves(Block(SMALL[0].trial_id, 0, "evaluations", rows))
    curves(Block(LARGE[0].trial_id, 0, "evaluations", {**rows, "loss": [0.2, 0.0, 0.0]}))
    ends = [line.validation for line in curves.lines()]
    assert [end.strip() for end in ends] == ["▁", "█"]


def test_ended_trials_are_counted() -> None:
    curves = LiveCurves(JOBS)
    curves(Outcome(SMALL[0].trial_id, 0, "completed"))
    curves(Outcome("of another session", 0, "completed"))
    assert [(line.name, line.ended, line.trials) for line in curves.lines()] == [
        ("m = 4", 1, 2),
        ("m = 16", 0, 2),
    ]


@pytest.mark.parametrize("width", [80, 60, 44, 30])
def test_lines_are_no_wider_than_the_terminal(width: int) -> None:
    line = Line("m = 128", "█" * STRETCHES, "▁" * STRETCHES, 3, 16)
    rows = laid_out([line, line], width).splitlines()
    assert max(map(len, rows)) <= width
    assert sum(row.count("█") for row in rows) == 2 * STRETCHES
    assert sum(row.count("▁") for row in rows) == 2 * STRETCHES
    assert sum("3/16" in row for row in rows) == 2


def test_an_encoding_without_blocks_gets_plain_signs() -> None:
    assert signs_for("utf-8") == signs_for(None) == BLOCKS
    assert signs_for("ascii") == signs_for("latin-1") == PLAIN and len(PLAIN) == len(BLOCKS)


def test_a_terminal_shows_them_and_a_pipe_does_not() -> None:
    for terminal in (True, False):
        out = io.StringIO()
        console = Console(file=out, force_terminal=terminal, width=80, height=24)
        display = Display(console, jobs=JOBS)
        display(Progress(4, 0, {}), curve(SMALL[0], [1.0, 0.1]))
        display.close()
        assert ("train loss" in out.getvalue()) == ("m = 4" in out.getvalue()) == terminal
