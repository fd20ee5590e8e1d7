"""From rows on disk to tables, figures and a page; meets the runner on disk only."""

from analysis import findings, mechanisms, noise, regularization, scorecard, test_time
from analysis.design import design_of
from analysis.load import Run, read_run

__all__ = [
    "Run",
    "design_of",
    "findings",
    "mechanisms",
    "noise",
    "read_run",
    "regularization",
    "scorecard",
    "test_time",
]
