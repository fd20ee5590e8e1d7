"""From rows on disk to tables, figures and a page; meets the runner on disk only."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from caviar.analysis.run.design import design_of
    from caviar.analysis.run.read import Run, read_run

__all__ = ["Run", "design_of", "read_run"]


def __getattr__(name: str) -> Any:
    """Names of `__all__` on first use: `caviar advise` must not wait for pandas."""
    if name in __all__:
        from caviar.analysis.run import design
        from caviar.analysis.run import read as load

        return design.design_of if name == "design_of" else getattr(load, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
