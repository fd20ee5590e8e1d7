"""What a dry run says about the place of a run, without writing to it."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest

from caviar.runner.forecast.place import Outlook, amount, in_words, outlook
from caviar.runner.session.run_folder import open_run, read_study_json
from caviar.runner.store.open import storage_at
from caviar.runner.store.sink import ParquetSink
from caviar.runner.study.plan import Plan
from caviar.runner.trial.events import Outcome
from tests.runner.helpers import TINY, plan_of

PLAN = plan_of(*TINY)


def look(root: Path, plan: Plan = PLAN, accept: bool = False) -> Outlook:
    return outlook(storage_at(root), plan, accept, time.time())


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """A run of which one trial is done and one failed."""
    root = tmp_path / "run"
    storage = storage_at(root)
    open_run(storage, PLAN, "test")
    sink = ParquetSink(storage)
    sink.plan(PLAN.trials)
    sink.commit(Outcome(PLAN.trials[0].trial_id, 0, "completed"))
    sink.commit(Outcome(PLAN.trials[1].trial_id, 0, "failed"))
    sink.close()
    return root


def test_a_new_place_is_left_as_it_is(tmp_path: Path) -> None:
    place = look(tmp_path / "a" / "b")
    assert place[1:5] == (0, 0, 4, "") and (place.free or 0) > 0
    assert not list(tmp_path.iterdir())
    assert in_words(place).startswith(f"{tmp_path}/a/b holds no finished trial yet; ")


def test_what_a_run_has_done_is_not_done_again(run: Path) -> None:
    before = {path: path.stat().st_mtime_ns for path in run.rglob("*")}
    assert look(run)[1:5] == (1, 0, 3, "")
    assert " holds 1 finished trial of this study; 3 would run; " in in_words(look(run))
    grown = look(run, plan_of(*TINY, "draws.count=5"))
    assert (grown.done, grown.left, grown.refused) == (1, 9, "")
    assert {path: path.stat().st_mtime_ns for path in run.rglob("*")} == before


def test_what_would_be_refused_is_said_with_the_sentence(run: Path, tmp_path: Path) -> None:
    other = look(run, plan_of(*TINY, "replicas=1")).refused
    assert "holds another study: replicas is 2 there and 1 here" in other
    (tmp_path / "notes.txt").touch()
    assert "holds files that are not a run (notes.txt" in look(tmp_path).refused
    assert in_words(look(tmp_path)).startswith("the run would be refused: ")
    assert "is not a folder" in look(tmp_path / "notes.txt" / "run").refused
    with storage_at(run).hold():
        assert "another caviar is writing to" in look(run).refused


def test_another_kernel_is_refused_until_it_is_accepted(run: Path) -> None:
    content = read_study_json(storage_at(run))
    content["sessions"][-1]["kernel"] = "openblas 0.3 Haswell, numpy X86_V3"
    (run / "study.json").write_text(json.dumps(content))
    assert "add --accept-other-processor" in look(run).refused
    assert look(run, accept=True).refused == ""


def test_a_folder_that_may_not_be_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.access", lambda path, mode: False)  # As root may write anywhere.
    assert look(tmp_path / "run").refused == f"{str(tmp_path)!r} may not be written"


@pytest.mark.parametrize(
    ("count", "text"),
    [(0, "0 bytes"), (999, "999 bytes"), (1000, "1 kB"), (999_600, "1 MB"), (3.44e9, "3.44 GB")],
)
def test_amounts_have_three_digits(count: float, text: str) -> None:
    assert amount(count) == text
