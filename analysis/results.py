"""The findings of a run, computed on demand."""

from __future__ import annotations

from collections.abc import Sequence

from caviar.analysis.findings.finding import Results
from caviar.analysis.findings.registry import BY_NAME
from caviar.analysis.run.comparison import NoComparison, comparison_of
from caviar.analysis.run.read import Run


def results_of(run: Run, beside: Sequence[Run] = ()) -> Results | NoComparison:
    """The findings of a run, with other runs beside it; NoComparison where it compares nothing.

    `results_of(run)["effect_of_size"]` computes that table alone.
    """
    comparison = comparison_of(run)
    if isinstance(comparison, NoComparison):
        return comparison
    return Results(comparison, tuple(beside), BY_NAME)
