from __future__ import annotations

import json
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from caviar.runner.errors import RequestError
from caviar.runner.store.open import storage_at
from caviar.runner.torch_models.model_run import model_run
from caviar.runner.verify.state import state_of, text
from tests.runner.helpers import caviar

ABOUT = {"class": "Net", "norms": [{"name": "bn"}]}


def test_a_row_is_null_where_nothing_is_known_and_strangers_are_refused(tmp_path: Path) -> None:
    with model_run(storage_at(tmp_path / "run"), "run", "watched training", ABOUT, "c") as run:
        run.plan({"norm_batch_size": 8})
        run.write("curves", [{"step": 3, "loss": 0.5}])
        with pytest.raises(ValueError, match="curves has no column los"):
            run.write("curves", [{"step": 4, "los": 0.5}])
        run.end("completed", 3, 0.0, "")
    (row,) = pq.read_table(tmp_path / "run/curves").to_pylist()
    assert (row["step"], row["loss"], row["seed"], row["epoch"]) == (3, 0.5, 0, None)
    (trial,) = pq.read_table(tmp_path / "run/trials").to_pylist()
    assert trial["norm_batch_size"] == 8 and trial["learning_rate"] is None
    study = json.loads((tmp_path / "run/study.json").read_text("utf-8"))
    assert study["model"] == {"kind": "watched training", **ABOUT}
    assert study["sessions"][0]["kernel"].startswith("torch ")


def test_status_tells_of_the_model_while_it_trains_and_after(tmp_path: Path) -> None:
    storage = storage_at(tmp_path / "run")
    with model_run(storage, "run", "watched training", ABOUT, "c") as run:
        run.plan({})
        run.write("curves", [{"step": 30}])
        run._sink.flush()
        state = state_of(storage_at(tmp_path / "run"), 0.0)
        assert (state.state, state.steps) == ("running", 30)
        assert text(state).startswith("run: watched training of Net, 1 norm, 30 updates\n  running")
    state = state_of(storage, 0.0)
    assert state.state == "died"
    assert "its process was killed; what was measured until then is whole" in text(state)
    assert "caviar run" not in text(state) and "replay" not in text(state)


def test_what_lies_there_already_stays(tmp_path: Path) -> None:
    (tmp_path / "files").mkdir()
    (tmp_path / "files/mine.txt").touch()
    with pytest.raises(RequestError, match="holds files that are not a run; give another out"):
        with model_run(storage_at(tmp_path / "files"), "x", "audit", ABOUT, "c"):
            pass
    for about in (ABOUT, {**ABOUT, "class": "Other"}):
        refused = about is not ABOUT
        if refused:
            with pytest.raises(RequestError, match="was begun for another model"):
                with model_run(storage_at(tmp_path / "run"), "x", "audit", about, "c"):
                    pass
        else:
            with model_run(storage_at(tmp_path / "run"), "x", "audit", about, "c") as run:
                run.plan({})


def test_what_needs_a_study_refuses_it_in_a_sentence(tmp_path: Path) -> None:
    with model_run(storage_at(tmp_path / "run"), "run", "watched training", ABOUT, "c") as run:
        run.plan({})
        run.write("curves", [{"step": 1}])
        run.end("completed", 1, 0.0, "")
    where = str(tmp_path / "run")
    for words in (
        ("run", "--out", where),
        ("export", where, "--study"),
        ("best", where),
        ("replay", where, "a"),
    ):
        done = caviar(*words, cwd=tmp_path)
        assert done.returncode == 2, words
        assert "holds no study but the watched training of Net, 1 norm: " in done.stderr
    planned = caviar("run", "--out", where, "--dry-run", cwd=tmp_path)
    assert "holds no study but the watched training" in " ".join(planned.stdout.split())
