"""One arm trained now: its identity, its rows, a checkpoint, and what decides their last bits."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_info, threadpool_limits

from caviar.model.steps.snapshot import Snapshot
from caviar.model.train import train
from caviar.runner.config import TrialConfig
from caviar.runner.data.splits import Data, make_splits
from caviar.runner.study.plan import make_plan
from caviar.runner.study.study_file import read_study
from caviar.runner.trial.build import build
from caviar.runner.trial.checkpoint import Tally, pack
from caviar.runner.trial.events import Block, Job, Outcome
from caviar.runner.trial.run_trial import run_trial
from tests.golden.arms import ARMS, CHECKPOINTED

CHECKPOINT = "checkpoint"

Column = NDArray[Any]
Table = dict[str, Column]


@dataclass(frozen=True)
class Trial:
    """What one arm gives: its identity, how it ended, its rows by table, and a checkpoint."""

    trial_id: str
    status: str
    tables: dict[str, Table]
    checkpoint: bytes | None

    def of_columns(self, like: dict[str, Table]) -> Trial:
        """The same without the columns that `like` does not have: new ones may join."""
        tables = {
            name: {key: column for key, column in table.items() if key in like.get(name, table)}
            for name, table in self.tables.items()
        }
        return replace(self, tables=tables)

    def hashes(self) -> dict[str, str]:
        """By table, and for the checkpoint, 16 hexadecimal digits of the SHA-256 of the bits."""
        contents = {name: _content(table) for name, table in self.tables.items()}
        if self.checkpoint is not None:
            contents[CHECKPOINT] = self.checkpoint
        return {name: hashlib.sha256(c).hexdigest()[:16] for name, c in contents.items()}


def kernel() -> str:
    """What decides the last bits of a sum: BLAS with its kernel, numpy, and numpy's own SIMD.

    threadpoolctl tells the architecture that OpenBLAS chose for this processor (or that
    OPENBLAS_CORETYPE asked for); numpy tells which of its own compiled variants it uses.
    """
    pools = [pool for pool in threadpool_info() if pool["user_api"] == "blas"]
    of_numpy = [pool for pool in pools if "numpy" in pool["filepath"]] or pools
    blas = (f"{p['internal_api']} {p['version']} {p.get('architecture')}" for p in of_numpy[:1])
    simd = np.show_config(mode="dicts")["SIMD Extensions"].get("found", [])
    return "; ".join((*blas, f"numpy {np.__version__} {' '.join(simd)}"))


def computed(arm: str) -> Trial:
    """The arm trained now, in this process and on one BLAS thread."""
    config, data = planned(arm)
    with threadpool_limits(1):
        events = list(run_trial(Job(config, config.trial_id, 0), data))
        step = CHECKPOINTED.get(arm)
        checkpoint = None if step is None else checkpoint_at(config, data, step)
    (outcome,) = (event for event in events if isinstance(event, Outcome))
    blocks = [event for event in events if isinstance(event, Block)]
    return Trial(config.trial_id, outcome.status, tables_of(blocks), checkpoint)


def tables_of(blocks: list[Block]) -> dict[str, Table]:
    """The rows of all blocks by table, in the order in which they came."""
    columns: dict[str, dict[str, list[Any]]] = {}
    for block in blocks:
        for name, values in block.columns.items():
            columns.setdefault(block.table, {}).setdefault(name, []).extend(values)
    return {
        table: {name: np.array(values) for name, values in by_name.items()}
        for table, by_name in columns.items()
    }


def planned(arm: str) -> tuple[TrialConfig, Data]:
    """The one trial of the arm's study, and its data."""
    plan = make_plan(read_study(None, ARMS[arm]))
    (config,) = plan.trials
    return config, plan.data


def checkpoint_at(config: TrialConfig, data: Data, step: int) -> bytes:
    """A checkpoint after `step`, with a tally that says nothing of time or rows."""
    records = train(build(config, data), make_splits(data, config), wanted=lambda: True)
    (snapshot,) = (r for r in records if isinstance(r, Snapshot) and r.step == step)
    tally = Tally(
        rows=0,
        steps=0,
        seconds=0.0,
        probe_seconds=0.0,
        invariants="none",
        diverged=(False,) * len(config.seeds),
    )
    return pack(snapshot, tally, config.trial_id, 0)


def _content(table: Table) -> bytes:
    """The bits of all columns, in the order of their names; one NaN is like another."""
    parts = []
    for name, column in sorted(table.items()):
        if column.dtype.kind == "f":
            column = np.where(np.isnan(column), np.nan, column)
        text = column.tolist() if column.dtype.kind == "U" else ""
        parts.append(f"{name} {column.shape} {text}".encode())
        parts.append(b"" if text else column.tobytes())
    return b"".join(parts)
