"""The design points of a study's trials, without laying out any of them."""

from __future__ import annotations

import tracemalloc

import pytest

from caviar.runner.study.grid import Layout
from caviar.runner.study.plan import EXACT
from caviar.runner.study.study_file import read_study
from tests.runner.helpers import TINY
from tests.runner.large_studies import BIG, DECAYS, RATES


@pytest.mark.parametrize("kind", BIG)
def test_memory_does_not_grow_with_the_number_of_trials(kind: str) -> None:
    def peak(settings: tuple[str, ...]) -> int:
        study = read_study(None, (*TINY, RATES, *settings))
        tracemalloc.start()
        for _ in Layout(study, study.draws.count).spread(EXACT):
            pass
        most = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return most

    peak(BIG[kind])
    few = {"draws": ("draws.count=2000",), "levels": (f"scientific.{DECAYS}",)}[kind]
    assert peak(BIG[kind]) < 2 * peak(few) < 4_000_000


def test_levels_go_fastest_then_arms_within_a_draw() -> None:
    study = read_study(None, (*TINY, "arms={ a = {}, b = { dropout = 0.5 } }", "nuisance={}"))
    assert [tuple(position) for position in Layout(study, 2)] == [
        ("a", {"norm_batch_size": 4}, 0, {}),
        ("b", {"norm_batch_size": 4, "dropout": 0.5}, 0, {}),
        ("a", {"norm_batch_size": 16}, 0, {}),
        ("b", {"norm_batch_size": 16, "dropout": 0.5}, 0, {}),
    ]
