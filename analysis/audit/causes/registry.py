"""All causes, in the order in which they are told: what comes first makes the others look so."""

from __future__ import annotations

from caviar.analysis.audit.causes.averages import INVERTED_MOMENTUM, START
from caviar.analysis.audit.causes.broken import BROKEN
from caviar.analysis.audit.causes.cause import Cause
from caviar.analysis.audit.causes.data import OTHER_DATA, SORTED_BATCHES
from caviar.analysis.audit.causes.never_written import FROZEN, NEVER_UPDATED
from caviar.analysis.audit.causes.noise import LAG, SAMPLING, SMALL_BATCH
from caviar.analysis.audit.causes.poison import POISONED_BATCH

CAUSES: tuple[Cause, ...] = (
    BROKEN,
    SORTED_BATCHES,
    FROZEN,
    NEVER_UPDATED,
    START,
    INVERTED_MOMENTUM,
    OTHER_DATA,
    POISONED_BATCH,
    SMALL_BATCH,
    SAMPLING,
    LAG,
)
