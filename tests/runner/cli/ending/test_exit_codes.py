"""What a person and a machine that retries are told by the exit code of a run that really ran."""

from __future__ import annotations

import re
from collections.abc import Callable
from contextlib import AbstractContextManager
from functools import partial
from pathlib import Path

import pytest

from caviar.runner.cli.carry_out import carried_out
from caviar.runner.cli.ending.exit_codes import Tell, for_people, for_retries
from caviar.runner.session.loop import Progress
from caviar.runner.store.open import storage_at
from caviar.runner.store.part_files import read_rows
from tests.faults.program import caviar_here
from tests.runner import workers
from tests.runner.helpers import TINY, caviar, settings_of

ROOT = Path(__file__).resolve().parents[4]
PAGE = (ROOT / "docs" / "cluster.md").read_text("utf-8")
RUN = ("run", *settings_of(TINY), "--on", "inline", "--out")
End = Callable[[Progress, Tell], None]
FINISHED = "--exit-zero-when-finished"
FAILING = partial(carried_out, trial=workers.fails_at_small_ghosts)


def test_trials_that_failed_are_recorded_and_not_tried_for_ever(tmp_path: Path) -> None:
    words = [*RUN, str(tmp_path / "run"), "--no-report"]
    assert caviar_here(*words, carry_out=FAILING).code == 1
    done = caviar_here(*words, FINISHED, carry_out=FAILING)
    assert (done.code, done.complained) == (0, "") and "2 failed" in done.output
    outcomes = read_rows(storage_at(tmp_path / "run"), "outcomes", ["status"])["status"]
    assert sorted(outcomes) == ["completed"] * 2 + ["failed"] * 4  # Each command tried them once.


@pytest.mark.parametrize("report", ["--report", "--no-report"])
def test_a_run_that_diverged_whole_is_a_result_that_is_told(tmp_path: Path, report: str) -> None:
    wild = (*RUN, "run", "--set", "learning_rate=1e30", report)
    for finished, code in (((), 1), ((FINISHED,), 0)):
        done = caviar(*wild, *finished, cwd=tmp_path)
        assert done.returncode == code
        assert "ll 2 trials diverged, with every seed" in done.stdout + done.stderr


def test_what_a_retry_can_mend_or_a_person_must_is_no_success(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    impatient: Callable[[], AbstractContextManager[None]],
) -> None:
    assert caviar(*RUN, "run", FINISHED, "--set", "epochs=1", cwd=tmp_path).returncode == 2
    nobody = "s3://bucket/run?region=x&scheme=http&endpoint_override=127.0.0.1:1"
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "a")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "b")
    with impatient():
        assert caviar(*RUN, nobody, FINISHED, cwd=tmp_path).returncode == 1


@pytest.mark.parametrize(
    ("ended", "interrupted", "people", "retries"),
    [
        ({"completed": 3, "diverged": 1}, False, 0, 0),
        ({"completed": 3, "failed": 1}, False, 1, 0),
        ({"failed": 3, "lost": 1}, False, 1, 1),  # Other machines may complete it.
        ({"completed": 3}, True, 130, 130),
    ],
)
def test_lost_and_interrupted_runs_go_on(
    ended: dict[str, int], interrupted: bool, people: int, retries: int
) -> None:
    progress = Progress(4, 0, {}, interrupted=interrupted)
    progress.outcomes.update(ended)
    assert [code_of(end, progress, 0) for end in (for_people, for_retries)] == [people, retries]
    without_answer = [code_of(end, progress, 1) for end in (for_people, for_retries)]
    assert without_answer == [people or 1, retries]


def code_of(end: End, progress: Progress, told: int) -> object:
    try:
        end(progress, lambda: told)
    except SystemExit as left:
        return left.code
    return 0


def test_the_page_has_a_table_of_them() -> None:
    rows = re.findall(r"^\| (\d+)[^|]*\|(.*?)\| (\d+) \|", PAGE, re.MULTILINE)
    told = {(int(code), int(retries)) for code, _, retries in rows}
    assert told == {(0, 0), (1, 0), (1, 1), (2, 2), (130, 130), (137, 137)}
    assert FINISHED in PAGE
