"""The edited trainings of a panda's run, for those who look at any run."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from caviar.runner.store.open import storage_at
from caviar.runner.store.storage import Storage
from caviar.runner.store.uri import joined

PANDA = "panda"
"""Key of `study.json` with the trial that may be edited while it trains; no other run has it."""

LINEAGES = "lineages"
"""The folder in which edited trainings have tables of their own."""


def lineages_of(storage: Storage, study: Mapping[str, Any]) -> Storage | None:
    """Where the edited trainings of a run lie; None in a run of any other kind.

    `study` is the content of `study.json`.
    """
    return storage_at(joined(storage.where, LINEAGES)) if PANDA in study else None


def resumed(storage: Storage) -> str:
    """The command that trains all of them to the end."""
    return f"`caviar panda --resume {storage.where}`"
