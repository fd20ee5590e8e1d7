"""From rows on disk to tables, figures and a page; shares only files with the runner."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from caviar.analysis.results import results_of
    from caviar.analysis.run.comparison import comparison_of
    from caviar.analysis.run.read import Run, read_run

__all__ = ["Run", "comparison_of", "read_run", "results_of"]


def __getattr__(name: str) -> Any:
    """Names of `__all__` on first use: `caviar advise` must not wait for pandas."""
    if name in __all__:
        from caviar.analysis import results
        from caviar.analysis.run import comparison, read

        named = {
            "Run": read.Run,
            "comparison_of": comparison.comparison_of,
            "read_run": read.read_run,
            "results_of": results.results_of,
        }
        return named[name]
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
