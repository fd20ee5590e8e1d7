"""How tests damage a finished run, and what verify says about it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from caviar.runner.store.open import storage_at
from caviar.runner.verify.run import latest_outcomes, verify_run
from tests.runner.helpers import TINY, parts, plan_of

TRIALS = [config.trial_id for config in plan_of(*TINY).trials]
INLINE = ("--on", "inline", "--no-report", "--out")


def faults(root: Path) -> str:
    findings = verify_run(storage_at(root))
    assert findings.faults == sum(line.startswith("FAULT  ") for line in findings.lines)
    return "\n".join(line for line in findings.lines if line.startswith("FAULT"))


def rewritten(root: Path, table: str, change: Callable[[pa.Table], pa.Table]) -> None:
    (part,) = parts(root, table)
    pq.write_table(change(pq.read_table(part)), part)


def quickest(root: Path) -> str:
    outcomes = latest_outcomes(storage_at(root))
    return min(outcomes, key=lambda trial: (outcomes[trial]["seconds"], trial))
