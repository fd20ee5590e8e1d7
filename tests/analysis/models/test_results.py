from __future__ import annotations

from caviar.analysis.models.results import model_results
from tests.analysis.models.made import watched_run


def test_the_kind_of_the_run_decides_what_is_told() -> None:
    assert "was watched" in model_results(watched_run()).opening
