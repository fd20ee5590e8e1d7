"""From a study file to rows on disk."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from caviar.runner.errors import RequestError as RequestError
    from caviar.runner.errors import StorageError as StorageError
    from caviar.runner.session.execute import execute as execute
    from caviar.runner.store.open import storage_at as storage_at
    from caviar.runner.study.plan import Plan as Plan
    from caviar.runner.study.plan import make_plan as make_plan
    from caviar.runner.study.study import Study as Study
    from caviar.runner.study.study_file import read_study as read_study
    from caviar.runner.verify.run import verify_run as verify_run

HOMES = {
    "Plan": "study.plan",
    "RequestError": "errors",
    "StorageError": "errors",
    "Study": "study.study",
    "execute": "session.execute",
    "make_plan": "study.plan",
    "read_study": "study.study_file",
    "storage_at": "store.open",
    "verify_run": "verify.run",
}
"""Every public name and the module that defines it: `caviar --help` must not wait for numpy."""

__all__ = list(HOMES)


def __getattr__(name: str) -> Any:
    if name not in HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{HOMES[name]}"), name)
