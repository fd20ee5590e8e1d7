"""What a page does not claim."""

from __future__ import annotations

from pathlib import Path

from caviar.analysis.report.not_claimed import GHOSTS, NOT_CLAIMED, UPDATES, not_claimed
from caviar.analysis.results import results_of
from tests.analysis.synthetic import crossed, run_of


def test_the_last_caution_is_that_of_the_design(tmp_path: Path) -> None:
    for name, levels, last in (
        ("ghosts", {"norm_batch_size": [8, 64]}, (GHOSTS,)),
        ("updates", {"batch_size": [32, 64]}, (UPDATES,)),
        ("neither", {"dropout": [0.0, 0.5]}, ()),
    ):
        run = run_of(tmp_path / name, crossed(levels, seeds=(0,)), scientific=levels)
        assert not_claimed(results_of(run)) == (*NOT_CLAIMED, *last)
