"""What a study that stops trials says that it will do."""

from __future__ import annotations

import pytest

from caviar.runner.cli.dry_run import describe
from caviar.runner.session.stopping.words import stopping
from tests.runner.helpers import plan_of
from tests.runner.session.stopping.test_waves import SEARCH, STOPPING


@pytest.mark.parametrize(
    ("evaluations", "says"),
    [
        (4, "the validation loss of each later trial is looked at up to 3 times before its end"),
        (2, "the validation loss of each later trial is looked at once before its end"),
        (1, "no trial measures its validation loss before its end, so that none can be stopped"),
    ],
)
def test_it_says_how_often_it_looks(evaluations: int, says: str) -> None:
    plan = plan_of(*STOPPING, f"evaluations={evaluations}")
    assert says in stopping(plan) and f'stop = "median": {stopping(plan)}' in describe(plan)


def test_a_study_that_stops_nothing_says_nothing() -> None:
    plan = plan_of(*SEARCH)
    assert stopping(plan) == "" and "stop =" not in describe(plan)
