"""A session with a worker process: what is asked, written, killed and gone on with."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest

from caviar.runner.errors import RequestError, StorageError, WorkersError
from caviar.runner.executors.hosting.hosts import HostDiedError
from caviar.runner.panda.record.journal import interventions
from caviar.runner.panda.session import ENDED, Session
from caviar.runner.store.open import storage_at
from tests.runner.forked import local_workers
from tests.runner.panda.live import (
    HOW,
    live,
    live_again,
    must_equal_its_uninterrupted_self,
    stored,
    until,
)
from tests.runner.panda.pandas import plain_rows, plan_of_one

PLAN = plan_of_one()


def to_the_end(panda: Session) -> None:
    panda.ask("finish", "test")
    until(lambda: panda.ended)


def test_the_twin_has_the_rows_of_a_plain_run(tmp_path: Path) -> None:
    out = tmp_path / "run"
    with live(PLAN, out) as panda:
        assert panda.ask("set learning_rate*=0.5 --at 10", "test").lineage == 1
        to_the_end(panda)
    twin = PLAN.trials[0]
    assert stored(out, twin.trial_id, lineage=False) == (plain_rows(twin, PLAN), "completed")
    assert must_equal_its_uninterrupted_self(out, PLAN) == 2


def test_a_request_is_on_disk_before_it_is_answered(tmp_path: Path) -> None:
    out = tmp_path / "run"
    with live(PLAN, out) as panda:
        panda.ask("pause", "screen")
        answer = panda.ask("set momentum=0.5 --note 'too fast'", "screen")
        assert answer.accepted, answer.says
        row = interventions(storage_at(out))[-1]
        assert (row.field, row.old, row.new) == ("momentum", "0.9", "0.5")
        assert (row.accepted, row.note, row.asked_by) == (True, "too fast", "screen")
        assert (row.step, row.child) == (answer.step, answer.lineage)
        refused = panda.ask("set momentum=2", "screen")
        assert not refused.accepted
        row = interventions(storage_at(out))[-1]
        assert (row.accepted, row.note) == (False, refused.says)
        nonsense = panda.ask("rewnd a", "screen")
        assert not nonsense.accepted and "did you mean 'rewind'?" in nonsense.says
        row = interventions(storage_at(out))[-1]
        assert (row.what, row.new, row.note) == ("rewnd", "a", nonsense.says)
        assert [line.accepted for line in panda.view().log[-3:]] == [True, False, False]


def test_the_view_shows_lineages_series_and_layers(tmp_path: Path) -> None:
    with live(PLAN, tmp_path / "run") as panda:
        panda.ask("set learning_rate=0.01 --at 60", "test")
        panda.ask("step 90", "test")
        until(lambda: panda.view().paused)
        view = panda.view()
    assert (view.steps, view.steps_per_epoch, view.seeds) == (120, 6, (0, 1))
    assert [(one.parent, one.born, one.step) for one in view.lineages] == [(-1, 0, 90), (0, 60, 90)]
    assert (view.current, view.settings["learning_rate"]) == (1, "0.01")
    twin, mine = (view.series[n, "loss validation population"] for n in (0, 1))
    assert twin.values.shape == (len(twin.steps), 2)
    assert list(twin.steps) == list(mine.steps)
    before = twin.steps <= 60
    assert (twin.values == mine.values).all(axis=1).tolist() == before.tolist()
    assert [layer.layer for layer in view.layers[1]] == ["norm1"]
    assert view.layers[1][0].variance_error > 0


def test_a_killed_worker_is_replaced_and_no_bit_changes(tmp_path: Path) -> None:
    out = tmp_path / "run"
    with live(PLAN, out) as panda:
        panda.ask("set learning_rate*=2 --at 20", "test")
        panda.ask("step 50", "test")
        until(lambda: panda.view().paused)
        (worker,) = local_workers()
        os.kill(worker, signal.SIGKILL)
        assert panda.ask("set dropout=0.2", "test").step == 50
        to_the_end(panda)
        assert "killed by SIGKILL" in "".join(line.text for line in panda.view().log)
    assert must_equal_its_uninterrupted_self(out, PLAN) == 3


def test_workers_that_answer_may_be_killed_any_number_of_times(tmp_path: Path) -> None:
    out = tmp_path / "run"
    with live(PLAN, out) as panda:
        for number in range(4):
            assert panda.ask(f"snapshot s{number} --at {number + 20}", "test").accepted
            (worker,) = local_workers()
            os.kill(worker, signal.SIGKILL)
        to_the_end(panda)
    assert must_equal_its_uninterrupted_self(out, PLAN) == 1


def test_a_closed_panda_goes_on(tmp_path: Path) -> None:
    out = tmp_path / "run"
    with live(PLAN, out) as panda:
        panda.ask("set learning_rate*=2 --at 20", "test")
        panda.ask("snapshot a --at 40", "test")
        panda.ask("step 50", "test")
        until(lambda: panda.view().paused)
    assert panda.ask("go", "test").says == ENDED
    with live_again(out) as panda:
        assert panda.ask("rewind a", "test").step == 40
        answer = panda.ask("recompute --at 44", "test")
        assert (answer.accepted, answer.lineage) == (True, 2)
        to_the_end(panda)
    assert must_equal_its_uninterrupted_self(out, PLAN) == 3


def test_a_run_whose_states_are_gone_is_trained_again(tmp_path: Path) -> None:
    out = tmp_path / "run"
    with live(PLAN, out) as panda:
        panda.ask("set learning_rate*=2 --at 20", "test")
        panda.ask("set momentum=0.5 --at 30", "test")
        panda.ask("snapshot a --at 40", "test")
        panda.ask("step 50", "test")
        until(lambda: panda.view().paused)
    states = [*(out / "lineages" / "states").iterdir(), *(out / "snapshots").iterdir()]
    assert len(states) == 3
    for state in states:
        state.write_bytes(b"damaged")
    with live_again(out) as panda:
        panda.ask("rewind a", "test")
        panda.ask("set momentum=0.7", "test")
        to_the_end(panda)
    assert must_equal_its_uninterrupted_self(out, PLAN) == 4


def test_two_pandas_on_one_run(tmp_path: Path) -> None:
    out = tmp_path / "run"
    with live(PLAN, out) as panda:
        with pytest.raises(RequestError, match="a panda trains in"), live_again(out):
            pass
        (line,) = panda.view().log
        assert "another panda wanted this run, which has one; it was turned away" in line.text
        assert not line.accepted and line.asked_by.startswith("panda ")
        with pytest.raises(RequestError, match="holds a panda's run"), live(PLAN, out):
            pass
        to_the_end(panda)
    assert must_equal_its_uninterrupted_self(out, PLAN) == 1


def test_a_worker_that_always_dies_ends_the_panda(tmp_path: Path) -> None:
    class Dying:
        def start(self) -> Dying:
            return self

        def submit(self, call: object) -> None:
            pass

        def receive(self, seconds: float) -> None:
            raise HostDiedError("it died")

        def close(self) -> None:
            pass

    with live(PLAN, tmp_path / "run", HOW) as panda:
        panda.ask("pause", "test")
        panda._hosts = Dying()  # type: ignore[assignment]
        (worker,) = local_workers()
        os.kill(worker, signal.SIGKILL)
        panda._over.wait()
        with pytest.raises(WorkersError, match="3 times in a row: it died"):
            panda.view()


def test_a_run_that_is_deleted_ends_the_panda_with_a_sentence(tmp_path: Path) -> None:
    out = tmp_path / "run"
    with pytest.raises(StorageError, match="was deleted or replaced"):
        with live(PLAN, out) as panda:
            panda.ask("pause", "test")
            out.rename(tmp_path / "elsewhere")
            panda.ask("set momentum=0.5", "test")
            panda._over.wait()
            panda.view()
