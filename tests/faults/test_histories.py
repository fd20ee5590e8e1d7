"""Any history of runs, deaths, growth, refusals and reads, against a model in memory."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any, ClassVar

import hypothesis.strategies as st
import pandas as pd
import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from caviar.analysis.run.read import read_run
from caviar.runner.store.open import storage_at
from caviar.runner.store.schemas import ROW_TABLES, SCHEMAS
from caviar.runner.verify.run import verify_run
from tests.faults.disk import FAILURES, Death, Disk, Failure, failing
from tests.faults.injections import Fault, Rows, rows_that_count
from tests.faults.program import SMALL, one_sentence, run_at_every_step, run_here
from tests.runner.helpers import parts

MOST = 3
"""Draws that a study may grow to."""

UNFINISHED = ("trials have no outcome yet", "that study.json counts are not in the table of trials")
"""The faults that `verify` may find in a run that was cut."""


def trial_of(row: tuple[str, str]) -> str:
    return row[1].split("'")[1]


class Model:
    """What an uninterrupted run holds: plan and rows by trial, and the trials by draws."""

    def __init__(self, folder: Path) -> None:
        self.trials: list[set[str]] = [set()]
        for draws in range(1, MOST + 1):
            root = folder / str(draws)
            assert run_here(root, *SMALL, f"draws.count={draws}").code == 0
            rows = rows_that_count(root)
            self.trials.append({trial_of(row) for row in rows})
        self.planned: Rows = Counter({r: n for r, n in rows.items() if r[0] == "trials"})
        self.measured = rows - self.planned

    def of(self, trials: set[str]) -> Rows:
        """The rows of some trials, without the plan's."""
        return Counter({r: n for r, n in self.measured.items() if trial_of(r) in trials})


class _Watching(Disk):
    """A disk on which a reader reads at regular operations of the writer."""

    def __init__(self, root: Path, machine: Histories, every: int) -> None:
        super().__init__(root)
        self._machine = machine
        self._every = every
        self._reading = False

    def next(self, operation: str, *, writes: bool = False) -> BaseException | None:
        fault = None if self._reading else super().next(operation, writes=writes)
        if not self._reading and self.done % self._every == 0:
            self._reading = True
            self._machine.read()
            self._reading = False
        return fault


class Histories(RuleBasedStateMachine):
    model: ClassVar[Model]
    fault: ClassVar[Fault]
    base: ClassVar[Path]
    count: ClassVar[int] = 0

    def __init__(self) -> None:
        super().__init__()
        type(self).count += 1
        self.root = self.base / f"run-{self.count}"
        self.acknowledged: set[str] = set()
        self.planned: Rows = Counter()
        self.cut = False

    def drive(self, draws: int) -> Any:
        return run_at_every_step(self.root, *SMALL, f"draws.count={draws}")

    def begun(self) -> bool:
        return (self.root / "study.json").exists()

    @rule(draws=st.integers(1, MOST))
    def run(self, draws: int) -> None:
        """Run it: the first time, to resume, to extend, or with nothing left to do."""
        with self.fault.recovering():
            ended = self.drive(draws)
        assert (ended.code, ended.complained) == (0, "")
        assert self.model.trials[draws] <= self.settled()
        self.cut = False

    @rule(draws=st.integers(1, MOST), failure=st.sampled_from(FAILURES), fatal=st.integers(0, 700))
    def break_off(self, draws: int, failure: Failure, fatal: int) -> None:
        with failing(Disk(self.root, failure, fatal)) as disk:
            try:
                ended = self.drive(draws)
            except Death:
                ended = None
        self.fault.inject(1 if disk.struck else 0)
        if ended is not None and ended.code:
            assert disk.said in one_sentence(ended)

    @precondition(begun)
    @rule(change=st.sampled_from(["hidden=[7]", "seed=5", "norm_batch_size=[4, 8]"]))
    def change(self, change: str) -> None:
        before = {
            p: p.read_bytes() for p in self.root.rglob("*") if p.is_file() and p.name[0] != "."
        }
        ended = run_here(self.root, *SMALL, change)
        assert ended.code == 2 and "holds another study" in one_sentence(ended)
        assert self.files() == before

    @rule(draws=st.integers(1, MOST), every=st.integers(7, 60))
    def read_while_running(self, draws: int, every: int) -> None:
        with failing(_Watching(self.root, self, every)):
            assert self.drive(draws).code == 0

    @precondition(begun)
    @rule()
    def verify(self) -> None:
        findings = verify_run(storage_at(self.root))
        faults = [line for line in findings.lines if line.startswith("FAULT")]
        if self.cut:
            faults = [line for line in faults if "checkpoints are not resumable" not in line]
        assert all(any(words in line for words in UNFINISHED) for line in faults), faults
        if {trial_of(row) for row in self.planned} == self.acknowledged:
            planned = json.loads((self.root / "study.json").read_text())["trials"]
            assert not faults or planned > len(self.acknowledged)

    @rule(keep=st.integers(0, 5000))
    def cut_checkpoints(self, keep: int) -> None:
        for path in sorted(self.root.glob("checkpoints/*.npz")):
            path.write_bytes(path.read_bytes()[:keep])
            self.fault.inject()
            self.cut = True

    def files(self) -> dict[Path, bytes]:
        """All files except those that a killed driver left, which the next one removes."""
        paths = [p for p in self.root.rglob("*") if p.is_file() and p.name[0] != "."]
        return {path: path.read_bytes() for path in paths}

    def settled(self) -> set[str]:
        return {trial_of(row) for row in rows_that_count(self.root) if row[0] == "outcomes"}

    def read(self) -> None:
        """Read the run as an analysis does, at any instant."""
        for table in SCHEMAS:
            if parts(self.root, table):
                pd.read_parquet(self.root / table)
        try:
            run = read_run(self.root)
        except (FileNotFoundError, ValueError):
            assert not self.acknowledged
            return
        ended = set(run.outcomes["trial_id"])
        assert self.acknowledged <= ended
        for table in ROW_TABLES:
            rows = sum(n for r, n in self.model.of(ended).items() if r[0] == table)
            assert len(getattr(run, table)) == rows

    @invariant()
    def all_is_as_in_the_model(self) -> None:
        if not self.begun():
            assert not self.acknowledged and not self.planned
            return
        rows = rows_that_count(self.root)
        planned = Counter({r: n for r, n in rows.items() if r[0] == "trials"})
        assert self.planned <= planned <= self.model.planned
        settled = {trial_of(row) for row in rows if row[0] == "outcomes"}
        assert self.acknowledged <= settled
        self.fault.ended(Rows(), self.model.of(settled), rows - planned)
        self.planned, self.acknowledged = planned, settled

    def teardown(self) -> None:
        self.run(MOST)
        self.all_is_as_in_the_model()
        assert self.planned == self.model.planned
        assert not verify_run(storage_at(self.root)).faults


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Model:
    return Model(tmp_path_factory.mktemp("model"))


@pytest.mark.faults("any history of deaths, growth, changed studies and cut checkpoints")
@pytest.mark.parametrize(
    ("examples", "steps"), [(2, 6), pytest.param(20, 10, marks=pytest.mark.exhaustive)]
)
def test_any_history(examples: int, steps: int, model: Model, fault: Fault, tmp_path: Path) -> None:
    attributes: dict[str, Any] = {"model": model, "fault": fault, "base": tmp_path}
    machine = type("Machine", (Histories,), attributes)
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=examples,
            stateful_step_count=steps,
            deadline=None,
            phases=[Phase.explicit, Phase.reuse, Phase.generate],
            suppress_health_check=list(HealthCheck),
        ),
    )
