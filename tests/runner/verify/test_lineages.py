"""What verify and status say about edited trainings beside a run."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

import pytest

from caviar.runner.panda.record.journal import add_rows
from caviar.runner.panda.tree import Intervention
from caviar.runner.store.local_folder import LocalFolder
from caviar.runner.store.sink import ParquetSink
from caviar.runner.verify.findings import Findings
from caviar.runner.verify.lineages import Edit, check_readings, lineages_of
from caviar.runner.verify.run import verify_run
from caviar.runner.verify.state import state_of, summary, text
from tests.analysis.synthetic import World, trial, write_attempt
from tests.runner.helpers import parts

EDITED = [trial(changes=("2: learning_rate = 0.5",)), trial(changes=("4: dropout = 0.1",))]


@pytest.fixture
def panda(run: Path) -> Path:
    """A whole run of four trials as if it were a panda's, with an edited training that ended and
    one that has not."""
    study = json.loads((run / "study.json").read_text())
    (run / "study.json").write_text(json.dumps({**study, "panda": {"trial_id": "a"}}))
    sink = ParquetSink(LocalFolder(run / "lineages"))
    sink.plan(EDITED)
    write_attempt(sink, EDITED[0], World())
    sink.close()
    for number, edited in enumerate(EDITED):
        child = edited.trial_id
        row = Intervention(
            *(number, "a", 0, number + 1, child, 2, 2, "set", "", "", ""),
            *(edited.changes[0], True, "", "ana", ""),
        )
        add_rows(LocalFolder(run), "interventions", [asdict(row)])
    return run


def test_another_run_has_none(run: Path) -> None:
    assert lineages_of(LocalFolder(run), json.loads((run / "study.json").read_text())) is None
    assert state_of(LocalFolder(run), 0.0).edited is None


def test_status_counts_them_and_says_what_goes_on_with_them(panda: Path) -> None:
    state = state_of(LocalFolder(panda), 0.0)
    assert (state.edited, state.edited_left, state.state) == (2, 1, "stopped")
    assert summary(state) == ("quickstart: a training and 2 with edits beside it, 5 of 6 ended")
    assert f"stopped; `caviar panda --resume {panda}` goes on" in text(state)
    assert "caviar run" not in text(state)


def test_verify_checks_their_rows_too(panda: Path) -> None:
    findings = verify_run(LocalFolder(panda))
    assert findings.faults == 0 and findings.lines[-1] == (
        "ok     2 edited trainings beside it, no row lost, duplicate or unplanned; 1 has not "
        f"ended, and `caviar panda --resume {panda}` trains on"
    )
    parts(panda / "lineages", "noise")[0].unlink()
    lost = verify_run(LocalFolder(panda))
    assert lost.faults == 1 and lost.lines[-1].startswith(
        "FAULT  edited trainings: 1 trials have more or fewer rows than their outcome says"
    )
    parts(panda, "interventions")[1].unlink()
    assert verify_run(LocalFolder(panda)).lines[-1] == (
        "FAULT  edited trainings: `interventions` has no row of the edit that began 1 of them"
    )
    parts(panda / "lineages", "curves")[0].write_bytes(b"PAR1 half")
    broken = verify_run(LocalFolder(panda)).lines[-1]
    assert broken.startswith("FAULT  edited trainings: curves/part-000000.parquet cannot be read")


def test_a_lost_part_of_the_readings_is_found(tmp_path: Path) -> None:
    storage = LocalFolder(tmp_path)
    read = {"twin": (2, 4, 6), "edited": (4, 6), "edited twice": (6,)}
    for trial_id, steps in read.items():
        rows = [{"trial_id": trial_id, "step": step} for step in steps]
        add_rows(storage, "readings", rows)
    edits = [Edit("edited", "twin", 2), Edit("edited twice", "edited", 4)]
    whole, lacking = Findings(), Findings()
    check_readings(storage, edits, whole)
    assert whole.faults == 0
    parts(tmp_path, "readings")[1].unlink()
    check_readings(storage, edits, lacking)
    assert lacking.lines == [
        "FAULT  `readings` lacks 2 steps of the training edited, or of twin, from which it began",
        "FAULT  `readings` lacks 1 step of the training edited twice, or of edited, from which it "
        "began",
    ]
