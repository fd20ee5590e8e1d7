"""A running study is read at those sizes alone of which every trial has a result."""

from __future__ import annotations

from dataclasses import replace

import pytest

from caviar.analysis.run.complete_sizes import while_running
from caviar.analysis.run.read import Run
from tests.analysis.synthetic import crossed, run_of

SIZES = {"norm_batch_size": [4, 16, 64]}


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """Sizes 4, 16 and 64 at two draws."""
    trials = crossed(SIZES, rates=(0.1, 0.2))
    return run_of(tmp_path_factory.mktemp("run"), trials, scientific=SIZES)


def without(run: Run, *gone: tuple[int, int]) -> Run:
    """The run before the trials of these sizes and draws had a result."""
    keys = run.trials.set_index("trial_id")[["norm_batch_size", "draw"]].apply(tuple, axis=1)
    waits = run.outcomes["trial_id"].map(keys).isin(gone)
    assert waits.sum() == len(gone)
    return replace(run, outcomes=run.outcomes[~waits])


def test_a_size_that_lacks_a_draw_is_left_out(run: Run) -> None:
    read = while_running(without(run, (4, 1)))
    assert set(read.trials["norm_batch_size"]) == {16, 64}
    assert set(read.evaluations["norm_batch_size"]) == {16, 64}
    assert read.note == (
        "This run is still running: 5 of 6 trials have a result. Compared are the complete sizes, "
        "m = 16, 64; not yet 4."
    )


def test_one_complete_size_is_no_comparison(run: Run) -> None:
    with pytest.raises(ValueError, match="4 of 6 trials have a result, and no two sizes have all"):
        while_running(without(run, (4, 1), (16, 0)))
