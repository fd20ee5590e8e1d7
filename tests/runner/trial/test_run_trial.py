"""run_trial: a config becomes events, and nothing that happens inside escapes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields
from typing import Any, get_args

import numpy as np
import pandas as pd
import pytest

from caviar.model.records import Checked, Curve, Evaluation, Probing, Record
from caviar.model.steps.optimizers import Adam, CoupledDecay, DecoupledDecay, Momentum, Sgd
from caviar.model.steps.schedules import SCHEDULES
from caviar.model.steps.snapshot import Snapshot
from caviar.runner.config import TrialConfig
from caviar.runner.data.splits import Data
from caviar.runner.fields.trial import TrialFields
from caviar.runner.store.columns import OF_MODELS_ONLY
from caviar.runner.store.schemas import ROW_TABLES, SCHEMAS, TRIALS, trial_row
from caviar.runner.store.sink import MemorySink, to_table
from caviar.runner.trial.build import build
from caviar.runner.trial.events import Block, Event, Job, Outcome, Started
from caviar.runner.trial.gathered import TABLE
from caviar.runner.trial.measurement_schedule import spread
from caviar.runner.trial.run_trial import Trainer, run_trial
from tests.runner.helpers import DIGITS, TINY, block, jobs_of, outcome_of, plan_of, rows_of, tiny

PLAN = plan_of(*TINY)
JOB = jobs_of(PLAN)[0]


def events_of(*settings: str, seeds: tuple[int, ...] | None = None) -> list[Event]:
    plan = plan_of(*tiny(*settings))
    config = plan.trials[0]
    if seeds is not None:
        config = config.model_copy(update={"seeds": seeds})
    return list(run_trial(Job(config, "t", 0), plan.data))


def counted(events: list[Event]) -> int:
    return sum(event.rows for event in events if isinstance(event, Block))


def test_a_trial_starts_sends_blocks_and_ends() -> None:
    first, *middle, last = run_trial(Job(JOB.config, JOB.trial_id, 2), PLAN.data)
    assert first == Started(JOB.trial_id, 2)
    assert all(isinstance(event, Block) for event in middle)
    assert {(e.trial_id, e.attempt) for e in (first, *middle, last)} == {(JOB.trial_id, 2)}  # type: ignore[union-attr]
    assert isinstance(last, Outcome) and last.status == "completed"
    assert (last.error, last.traceback, last.diverged_seeds) == ("", "", ())
    assert last.host and last.seconds > 0


def test_an_outcome_counts_rows_and_steps() -> None:
    events = events_of("budget={ steps = 7 }")
    outcome = outcome_of(events)
    assert (outcome.steps, outcome.rows) == (7, counted(events))
    assert set(rows_of(events)) == set(ROW_TABLES)
    assert all(table for table in rows_of(events).values())


def test_every_seed_has_every_row() -> None:
    events = events_of(seeds=(3, 8, 5))
    for event in events:
        if isinstance(event, Block):
            seeds, times = np.unique(event.columns["seed"], return_counts=True)
            assert seeds.tolist() == [3, 5, 8] and len(set(times)) == 1


def test_a_seed_gives_the_same_bits_in_any_company() -> None:
    alone = rows_of(events_of(seeds=(5,)))
    company = rows_of(events_of(seeds=(3, 5)))
    for table, rows in alone.items():
        assert rows and rows.items() <= company[table].items()


def test_a_trial_repeats_bit_for_bit() -> None:
    first, again = (list(run_trial(JOB, PLAN.data)) for _ in range(2))
    assert rows_of(first) == rows_of(again)


def test_rows_do_not_depend_on_when_blocks_are_sent() -> None:
    few = list(run_trial(JOB, PLAN.data))
    many = list(run_trial(JOB, PLAN.data, block_seconds=0.0))
    assert len(many) > len(few)
    assert rows_of(many) == rows_of(few)
    assert outcome_of(many).rows == outcome_of(few).rows


def curve(step: int, *losses: float) -> Curve:
    loss = np.array(losses)
    return Curve(step, 0.5, 0.1, loss, loss, loss, loss)


def trained_by(trainer: Trainer) -> list[Event]:
    return list(run_trial(JOB, PLAN.data, trainer=trainer))


def test_an_exception_becomes_an_outcome() -> None:
    def train(*_: object) -> Iterator[Record]:
        yield curve(3, 1.0, 1.0)
        raise ArithmeticError("the sky fell")

    events = trained_by(train)
    outcome = outcome_of(events)
    assert isinstance(events[0], Started) and events[-1] is outcome
    assert (outcome.status, outcome.error) == ("failed", "ArithmeticError: the sky fell")
    assert outcome.traceback.startswith("Traceback") and "in train" in outcome.traceback
    assert outcome.steps == 3


def test_an_exception_while_the_data_are_split_becomes_an_outcome() -> None:
    labels = PLAN.data.labels[:5]
    events = list(run_trial(JOB, Data(PLAN.data.features[:5], labels, PLAN.data.classes, False)))
    assert [type(event) for event in events] == [Started, Outcome]
    assert outcome_of(events).status == "failed" and outcome_of(events).traceback


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_a_loss_that_is_not_finite_is_a_result_with_its_seeds_named(
    bad: float,
) -> None:
    def train(*_: object) -> Iterator[Record]:
        yield curve(1, 1.0, bad)
        yield curve(2, 1.0, 1.0)

    events = trained_by(train)
    outcome = outcome_of(events)
    assert (outcome.status, outcome.diverged_seeds) == ("diverged", JOB.config.seeds[1:])
    assert outcome.error == "the loss of 1 seeds stopped being finite"
    assert counted(events) == outcome.rows == 4


def test_population_loss_tells_divergence_and_other_readings_do_not() -> None:
    def status_of(statistics: str) -> str:
        both = (np.array([1.0, np.nan]),) * 2
        record = Evaluation(1, "test", statistics, "", 8, *both, 9, 0, *both)
        return outcome_of(trained_by(lambda *_: iter([record]))).status

    assert status_of("population") == "diverged"
    assert status_of("running") == status_of("batch") == "completed"


def test_rows_count_the_labels_that_were_replaced() -> None:
    """Those of the training split, beside its examples."""
    blocks = [e for e in events_of("dataset.label_noise=0.25") if isinstance(e, Block)]
    rows = pd.concat([pd.DataFrame(e.columns) for e in blocks if e.table == "evaluations"])
    train = rows[rows["split"] == "train"]
    assert (train["mislabelled"] == round(0.25 * train["examples"].iloc[0])).all() and len(train)
    assert (rows.loc[rows["split"] != "train", "mislabelled"] == 0).all()


def test_a_network_that_diverges_keeps_its_rows() -> None:
    good, bad = events_of(), events_of("learning_rate=1e30")
    assert outcome_of(bad).status == "diverged" and outcome_of(bad).diverged_seeds == (0, 1)
    assert counted(bad) == counted(good) == outcome_of(bad).rows


def test_records_are_the_declared_columns() -> None:
    assert {*TABLE, Checked, Probing, Snapshot} == set(get_args(Record))
    assert set(TABLE.values()) == set(ROW_TABLES)
    for record, table in TABLE.items():
        names = [field.name for field in fields(record)]
        of_trials = [name for name in SCHEMAS[table].names if name not in OF_MODELS_ONLY]
        assert of_trials == ["trial_id", "attempt", "seed", *names]


def test_the_outcome_says_that_a_norm_is_what_it_is_called() -> None:
    assert outcome_of(events_of()).invariants == "passed"
    assert outcome_of(events_of("norm=layer")).invariants == "passed"
    assert outcome_of(events_of("norm=none")).invariants == "none"


def test_a_broken_batch_norm_fails_its_trial(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        "caviar.model.norms.batch_norm.standardise_backward",
        lambda dx_hat, x_hat, deviation: dx_hat * deviation,
    )
    events = events_of()
    ended = outcome_of(events)
    assert (ended.status, ended.invariants, counted(events)) == ("failed", "failed", 0)
    assert "the norm's identities do not hold at step 1: " in ended.error


def test_outcomes_are_the_declared_columns() -> None:
    assert SCHEMAS["outcomes"].names == [field.name for field in fields(Outcome)]


def test_a_trial_has_one_column_a_field() -> None:
    row = trial_row(PLAN.trials[0])
    assert list(row) == TRIALS.names
    assert {"seeds", "norm_batch_size", *TrialFields.model_fields} <= set(TRIALS.names)
    assert (row["trial_id"], row["dataset"]) == (PLAN.trials[0].trial_id, "wine")


@pytest.mark.parametrize("table", ROW_TABLES)
def test_a_column_that_is_not_declared_is_an_error(table: str) -> None:
    good = block(table)
    to_table(good)
    extra = Block("t", 0, table, {**good.columns, "mystery": [1, 2, 3]})
    short = Block("t", 0, table, {k: v for k, v in good.columns.items() if k != "step"})
    for bad, name in ((extra, "mystery"), (short, "step")):
        with pytest.raises(ValueError, match=f"{table}: columns differ .*: {name}"):
            MemorySink().write(bad)


@pytest.mark.parametrize(
    ("count", "steps", "expected"),
    [(4, 100, {25, 50, 75, 100}), (1, 9, {9}), (5, 2, {1, 2}), (40, 3, {1, 2, 3})],
)
def test_measurements_are_spread_over_training(count: int, steps: int, expected: set[int]) -> None:
    assert spread(steps, count) == expected


def config_of(**changes: Any) -> TrialConfig:
    return TrialConfig(**{**PLAN.trials[0].model_dump(), **changes})


def test_optimizers_get_their_settings() -> None:
    settings = {"momentum": 0.7, "beta2": 0.8, "adam_epsilon": 1e-3}
    assert build(config_of(optimizer="sgd"), PLAN.data).optimizer == Sgd()
    assert build(config_of(optimizer="momentum", **settings), PLAN.data).optimizer == Momentum(0.7)
    assert build(config_of(optimizer="adam", **settings), PLAN.data).optimizer == Adam(
        0.7, 0.8, 1e-3
    )
    for style, kind in (("decoupled", DecoupledDecay), ("coupled", CoupledDecay)):
        decayed = build(
            config_of(optimizer="sgd", weight_decay=0.1, weight_decay_style=style), PLAN.data
        )
        assert decayed.optimizer == kind(Sgd(), 0.1, "weights")


def test_every_decay_is_tracked_once() -> None:
    config = config_of(conventions=("biased", "unbiased"), decay=0.9, decays=(0.9, 0.5))
    names = [tracker.name for tracker in build(config, PLAN.data).running.trackers]
    assert sorted(names) == ["biased/0.5", "biased/0.9", "unbiased/0.5", "unbiased/0.9"]


@pytest.mark.parametrize(
    "setting",
    [
        *(f"norm={norm}" for norm in get_args(TrialFields.model_fields["norm"].annotation)),
        *(f"schedule={name}" for name in SCHEDULES),
        *(f"optimizer={name}" for name in ("sgd", "momentum", "adam")),
        *("activation=tanh", "dropout=0.3", "dtype=float64", "hidden=[5, 4, 3]", "decays=[]"),
        *("weight_decay=0.01", "ghost_update=total", "conventions=[]", "probe_batch_sizes=[]"),
        *("curve_rows=1000", "evaluations=1000", "norm_batch_size=2"),
    ],
)
def test_every_kind_of_trial_trains(setting: str) -> None:
    outcome = outcome_of(events_of("learning_rate=0.01", setting))
    assert (outcome.status, outcome.error) == ("completed", "")


def test_digits_are_learned() -> None:
    plan = plan_of(*DIGITS, "budget.epochs=8", "hidden=[32]", "learning_rate=0.1", trials=1)
    events = list(run_trial(jobs_of(plan)[0], plan.data))
    columns = ("split", "statistics", "step", "accuracy")
    at_the_end = [
        accuracy
        for event in events
        if isinstance(event, Block) and event.table == "evaluations"
        for *place, accuracy in zip(*(event.columns[name] for name in columns), strict=True)
        if place == ["test", "population", outcome_of(events).steps]
    ]
    assert len(at_the_end) == 2 and min(at_the_end) > 0.85
