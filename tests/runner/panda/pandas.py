"""What the tests of the panda share: a small training, a worker in this process, and its rows."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any

from caviar.runner.config import TrialConfig
from caviar.runner.panda.decide import Asked, Decision
from caviar.runner.panda.requests import read_request
from caviar.runner.panda.training.messages import Advance, Ask, Opening, PandaEvent, Status
from caviar.runner.panda.training.readings import Reading
from caviar.runner.panda.training.worker import Worker
from caviar.runner.panda.tree import Intervention
from caviar.runner.study.plan import Plan
from caviar.runner.trial.events import Block, Job, Outcome
from caviar.runner.trial.run_trial import run_trial
from tests.runner.helpers import TINY, plan_of

STUDY = (*(s for s in TINY if not s.startswith("log_prob")), "budget.epochs=20", "curve_rows=12")
"""120 steps of two small networks, 6 steps per epoch."""

Rows = dict[str, list[tuple[Any, ...]]]
"""Rows by table, sorted; each is its values in the order of their columns' names, as text."""


def plan_of_one(*settings: str) -> Plan:
    return plan_of(*STUDY, *settings, trials=1)


class Driven:
    """A worker in this process, and all that it has told."""

    def __init__(
        self,
        plan: Plan,
        interventions: Sequence[Intervention] = (),
        twin: TrialConfig | None = None,
    ) -> None:
        twin = twin or plan.trials[0]
        self.plan, self.rows = plan, list(interventions)
        job = Job(twin, twin.trial_id, 0)
        self.worker = Worker(Opening(twin, tuple(interventions), jobs={0: job}), plan.data)
        self.events: list[PandaEvent] = []

    def ask(self, text: str, who: str = "test") -> Decision:
        number = self.rows[-1].number + 1 if self.rows else 0
        asked = Asked(who, "2026-11-28T20:00:00Z", number)
        reply = self.worker.answer(Ask(read_request(text), asked))
        assert reply.decision is not None
        self.rows += reply.decision.rows
        return reply.decision

    def advance(self, seconds: float = 0.01) -> Status:
        reply = self.worker.answer(Advance(seconds))
        self.events += reply.events
        return reply.status

    def rest(self) -> Status:
        """Train until nothing is left to do for now."""
        while (status := self.advance()).busy:
            pass
        return status

    def to_the_end(self) -> Status:
        self.ask("finish")
        status = self.rest()
        assert status.ended
        return status

    def rows_of(self, trial_id: str) -> Rows:
        return rows_of(self.events, trial_id)

    def readings_of(self, lineage: int) -> list[Reading]:
        of = (event for event in self.events if isinstance(event, Reading))
        return sorted((r for r in of if r.lineage == lineage), key=lambda r: r.step)


def rows_of(events: Iterable[object], trial_id: str) -> Rows:
    """The rows of a trial; text compares every bit, and NaN with itself."""
    rows: Rows = defaultdict(list)
    for event in events:
        if isinstance(event, Block) and event.trial_id == trial_id:
            columns = sorted(event.columns)
            values = (map(str, event.columns[name]) for name in columns)
            rows[event.table] += zip(*values, strict=True)
    return {table: sorted(of_table) for table, of_table in rows.items()}


def plain_rows(config: TrialConfig, plan: Plan, after: int = 0) -> Rows:
    """The rows of a plain trial of this config after a step."""
    events = list(run_trial(Job(config, config.trial_id, 0), plan.data))
    (outcome,) = (event for event in events if isinstance(event, Outcome))
    assert outcome.status in ("completed", "diverged"), outcome.error
    later = []
    for event in events:
        if isinstance(event, Block):
            kept = [i for i, step in enumerate(event.columns["step"]) if step > after]
            columns = {name: [of[i] for i in kept] for name, of in event.columns.items()}
            later.append(Block(event.trial_id, event.attempt, event.table, columns))
    return {table: rows for table, rows in rows_of(later, config.trial_id).items() if rows}
