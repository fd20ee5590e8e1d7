"""A report of a run in which everything happened that can: written once for all tests of it."""

from __future__ import annotations

import fcntl
import math
import os
import pickle
from pathlib import Path
from typing import Any

import pytest

from caviar.analysis.findings.finding import Results
from caviar.analysis.findings.registry import BY_NAME
from caviar.analysis.report.write import write_report
from caviar.runner.config import TrialConfig
from caviar.runner.fields.dataset import DatasetConfig
from caviar.runner.trial.events import Status
from tests.analysis.synthetic import World, crossed, results_in, size, stored_run, wiggle

WINE = DatasetConfig(name="wine", fingerprint="wine")
HOSTILE_ERROR = "ValueError: <script>alert(1)</script> \"quoted\" & 'single'"
HOSTILE_DATA = "<img src=x onerror=alert(1)>&\"'.csv"


def noisy_and_stale(config: TrialConfig, seed: int, layer: str, tracker: str) -> float:
    """Noise of m examples over the memory, and a drift over it; best between the decays."""
    decay = tracker.partition("/")[2]
    memory = 1 / (1 - float(decay)) if decay else 5.0
    return math.sqrt(1 / size(config) / memory + (memory / 200) ** 2) * (1 + seed / 50)


LEVELS = {"norm_batch_size": [8, 32, 64, 256]}
ENDS: dict[tuple[str, int, int], Status] = {("batch", 32, 1): "failed", ("batch", 8, 1): "lost"}


def hostile_trials() -> list[TrialConfig]:
    """Six seeds, two draws, four sizes, five arms."""
    same: dict[str, Any] = {
        "rates": (0.1, 0.2),
        "hidden": (8, 8),
        "dataset": DatasetConfig(path=f"/somewhere/{HOSTILE_DATA}", label="y"),
        "shadow": True,
        "decays": (0.5, 0.99),
        "conventions": ("unbiased", "cumulative", "biased"),
    }
    whole = {"norm_batch_size": [1024]}
    return [
        *crossed(LEVELS, arm="batch", **same),
        *crossed(LEVELS, arm="stratified", ghosts="stratified", **same),
        *crossed(whole, arm="population", **same),
        *crossed(whole, arm="dropout-5", dropout=0.05, **same),
        *crossed(whole, arm="dropout-20", dropout=0.2, **same),
    ]


def hostile_loss(config: TrialConfig, seed: int) -> float:
    """Not finite for one seed of one trial, which diverged."""
    if (config.arm, size(config), config.draw, seed) == ("batch", 64, 1, 2):
        return math.nan
    of_arm = 0.02 if config.arm == "batch" else config.dropout
    return 0.3 + of_arm + wiggle(config, seed)


def hostile_findings(root: Path) -> Results:
    """Of the first arm's eight trials one failed, one was lost, one diverged."""
    loss = hostile_loss
    run = stored_run(
        root,
        hostile_trials(),
        World(train=loss, validation=loss, test=loss, mean_error=noisy_and_stale),
        scientific=LEVELS,
        name="a-study.of_everything",
        status=lambda config: ENDS.get((config.arm, size(config), config.draw), "completed"),
        error=HOSTILE_ERROR,
    )
    other = stored_run(
        root / "other", crossed(LEVELS, dataset=WINE), scientific=LEVELS, name="other"
    )
    return results_in(run, other)


@pytest.fixture(scope="session")
def findings(tmp_path_factory: pytest.TempPathFactory) -> Results:
    """Made, and its report written, by the first process of the tests that asks for it."""
    base = tmp_path_factory.getbasetemp()
    folder = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "hostile"
    folder.mkdir(exist_ok=True)
    made = folder / "findings.pickle"
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not made.exists():
            results = hostile_findings(folder / "run")
            report = Path(results.run.where) / "report"
            assert write_report(results, report) == report / "index.html"
            made.write_bytes(pickle.dumps((results.comparison, results.beside, results.tables())))
    comparison, beside, tables = pickle.loads(made.read_bytes())
    results = Results(comparison, beside, BY_NAME)
    results._kept.update(tables)
    return results


@pytest.fixture(scope="session")
def report(findings: Results) -> Path:
    """The folder that the report was written into."""
    return Path(findings.run.where) / "report"
