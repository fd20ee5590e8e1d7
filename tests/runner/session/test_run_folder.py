"""The folder of a run: its study, its content, and the trials that are left to do."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from caviar.runner.errors import RequestError, StorageError
from caviar.runner.session.run_folder import (
    blas,
    open_run,
    other_kernel_before,
    read_study_json,
    remaining,
    session,
    unplanned,
)
from caviar.runner.store.open import storage_at
from caviar.runner.store.sink import ParquetSink
from caviar.runner.study.plan import Plan
from caviar.runner.trial.arithmetic import arithmetic
from caviar.runner.trial.events import Outcome, Status
from tests.faults.disk import Disk, failing
from tests.runner.helpers import TINY, block, plan_of

PLAN = plan_of(*TINY)


def refused(root: Path, plan: Plan) -> str:
    with pytest.raises(RequestError) as caught:
        open_run(storage_at(root), plan, "test")
    return str(caught.value)


def changed(*settings: str) -> Plan:
    return plan_of(*TINY, *settings)


def test_a_folder_has_one_writer_at_a_time(tmp_path: Path) -> None:
    root = tmp_path / "a" / "run"
    with (
        storage_at(root).hold(),
        pytest.raises(RequestError, match="another caviar is writing to"),
        storage_at(root).hold(),
    ):
        pass
    with storage_at(root).hold():
        pass


def test_the_hold_ends_with_an_exception(tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError), storage_at(tmp_path).hold():
        raise ZeroDivisionError
    with storage_at(tmp_path).hold():
        pass


def test_a_new_run_describes_its_study(tmp_path: Path) -> None:
    open_run(storage_at(tmp_path), PLAN, "caviar run --trials 3")
    content = json.loads((tmp_path / "study.json").read_text())
    assert content["hash"] == PLAN.hash()
    assert content["study"]["name"] == "quickstart"
    assert content["study"]["fixed"]["activation"] == "relu"
    assert content["study"]["dataset"]["fingerprint"] == PLAN.data.fingerprint
    (first,) = content["sessions"]
    assert first["command"] == "caviar run --trials 3"
    assert content == read_study_json(storage_at(tmp_path))


def test_a_link_that_cannot_be_followed_begins_no_run(tmp_path: Path) -> None:
    """`..` leads elsewhere from a link, so relative paths of the data would be wrong."""
    storage = storage_at(tmp_path / "run")
    with storage.hold():
        for fatal in range(3):
            disk = Disk(tmp_path / "run", "broken", fatal)
            with failing(disk), pytest.raises(StorageError) as caught:
                open_run(storage, PLAN, "test")
            if disk.struck == "lstat":
                assert str(caught.value).startswith(f"cannot find '{tmp_path / 'run'}': Input/out")
                return
    raise AssertionError("no link was looked for")


def test_every_session_is_kept(tmp_path: Path) -> None:
    for command in ("one", "two"):
        open_run(storage_at(tmp_path), PLAN, command)
    assert [s["command"] for s in read_study_json(storage_at(tmp_path))["sessions"]] == [
        "one",
        "two",
    ]


def test_a_session_says_with_what_it_ran() -> None:
    recorded = session("c")
    for key in ("started", "host", "machine", "python", "versions", "blas"):
        assert recorded[key]
    here = arithmetic()
    assert (recorded["kernel"], recorded["processor"]) == (here.kernel, here.processor)
    assert recorded["blas_threads"] == here.threads
    for package in ("numpy", "pyarrow", "ray", "scikit-learn"):
        assert recorded["versions"][package][0].isdigit()
    assert "core type" in recorded["blas"]


def test_a_run_that_another_kernel_began_is_refused_until_that_is_accepted(tmp_path: Path) -> None:
    storage = storage_at(tmp_path)
    for _ in range(2):
        open_run(storage, PLAN, "c")
    content = read_study_json(storage)
    assert other_kernel_before(content) == ""
    content["sessions"][-1]["kernel"] = "openblas 0.3 Haswell, numpy X86_V3"
    (tmp_path / "study.json").write_text(json.dumps(content))
    sentence = (
        "the last session of this run computed with openblas 0.3 Haswell, numpy X86_V3, but this "
        f"one with {arithmetic().kernel}: its trials would differ in their last digits"
    )
    with pytest.raises(RequestError, match="add --accept-other-processor") as refused:
        open_run(storage, PLAN, "c")
    assert str(refused.value).startswith(f"{sentence}; set OPENBLAS_CORETYPE")
    assert len(read_study_json(storage)["sessions"]) == 2
    open_run(storage, PLAN, "c", accept_other_processor=True)
    assert len(read_study_json(storage)["sessions"]) == 3


def test_a_run_of_before_kernels_were_recorded_is_held_to_its_blas(tmp_path: Path) -> None:
    open_run(storage_at(tmp_path), PLAN, "c")
    content = read_study_json(storage_at(tmp_path))
    for older in content["sessions"]:
        del older["kernel"]
    assert other_kernel_before(content) == ""
    content["sessions"][-1]["blas"] = "mkl 2024, core type detected"
    assert "computed with mkl 2024, core type detected, " in other_kernel_before(content)


def test_more_draws_are_the_same_study(tmp_path: Path) -> None:
    most = 0
    for count in (2, 5, 3):
        plan = changed(f"draws.count={count}")
        open_run(storage_at(tmp_path), plan, "c")
        most = max(most, len(plan.trials))
        assert read_study_json(storage_at(tmp_path))["trials"] == most


@pytest.mark.parametrize(
    ("setting", "change"),
    [
        ("budget.epochs=3", "budget.epochs is 2 there and 3 here"),
        ("replicas=1", "replicas is 2 there and 1 here"),
        ("activation=tanh", 'fixed.activation is "relu" there and "tanh" here'),
        (
            "norm_batch_size=[4]",
            "scientific.norm_batch_size is [4, 16] there and [4] here",
        ),
        ("learning_rate=0.1", "fixed.learning_rate is absent there and 0.1 here"),
        ("draws.sampler=sobol", 'draws.sampler is "halton" there and "sobol" here'),
        ("name=other", 'name is "quickstart" there and "other" here'),
    ],
)
def test_another_study_is_refused_with_the_difference(
    setting: str, change: str, tmp_path: Path
) -> None:
    open_run(storage_at(tmp_path), PLAN, "c")
    before = (tmp_path / "study.json").read_bytes()
    message = refused(tmp_path, changed(setting))
    assert "holds another study: " in message and change in message
    assert (tmp_path / "study.json").read_bytes() == before


def test_many_differences_are_cut(tmp_path: Path) -> None:
    open_run(storage_at(tmp_path), PLAN, "c")
    many = ("seed=1", "replicas=3", "name=n", "activation=tanh", "epsilon=0.1", "dtype=float64")
    assert "; and 1 more; undo the change" in refused(tmp_path, changed(*many))


@pytest.mark.parametrize(
    "setting",
    [
        'learning_rate={ scale = "log_uniform", low = 0.01, high = %s }',
        "weight_decay=%s",
        "scientific.weight_decay=[%s, 0.5]",
        "learning_rate={ scale = 'choice', values = [%s, 0.5] }",
    ],
)
def test_one_and_one_point_zero_are_the_same_study(setting: str, tmp_path: Path) -> None:
    for one in ("1", "1.0"):
        open_run(storage_at(tmp_path), changed(setting % one), "c")


def test_a_folder_of_something_else_is_refused(tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").write_text("mine")
    assert "holds files that are not a run (thesis.tex); use another --out" in refused(
        tmp_path, PLAN
    )
    assert [p.name for p in tmp_path.iterdir()] == ["thesis.tex"]


def test_what_a_killed_driver_left_is_no_obstacle(tmp_path: Path) -> None:
    (tmp_path / ".study.json.tmp").write_text('{"hash": ')
    open_run(storage_at(tmp_path), PLAN, "c")
    assert read_study_json(storage_at(tmp_path))["hash"] == PLAN.hash()


@pytest.mark.parametrize("content", ['{"hash": ', "[1]", "{}", "\xff"])
def test_a_damaged_study_is_named(content: str, tmp_path: Path) -> None:
    (tmp_path / "study.json").write_bytes(content.encode("latin-1"))
    with pytest.raises(RequestError, match=r"study.json' is damaged"):
        read_study_json(storage_at(tmp_path))


def test_a_trial_is_planned_once(tmp_path: Path) -> None:
    assert list(unplanned(storage_at(tmp_path), PLAN)) == list(PLAN.trials)
    ParquetSink(storage_at(tmp_path)).plan(PLAN.trials[:3])
    assert list(unplanned(storage_at(tmp_path), PLAN)) == [PLAN.trials[3]]


def left(root: Path) -> dict[str, int]:
    return {job.trial_id: job.attempt for job in remaining(storage_at(root), PLAN)}


def test_at_first_everything_remains(tmp_path: Path) -> None:
    jobs = remaining(storage_at(tmp_path), PLAN)
    assert [job.config for job in jobs] == list(PLAN.trials)
    assert [job.trial_id for job in jobs] == [config.trial_id for config in PLAN.trials]
    assert {job.attempt for job in jobs} == {0}


@pytest.mark.parametrize(
    ("status", "again"),
    [("completed", False), ("diverged", False), ("failed", True), ("lost", True)],
)
def test_what_failed_or_was_lost_runs_again(status: Status, again: bool, tmp_path: Path) -> None:
    trial = PLAN.trials[1].trial_id
    sink = ParquetSink(storage_at(tmp_path))
    sink.commit(Outcome(trial, 4, status))
    sink.close()
    expected = {config.trial_id: 0 for config in PLAN.trials} | {trial: 5}
    if not again:
        del expected[trial]
    assert left(tmp_path) == expected


@pytest.mark.parametrize("table", ["curves", "evaluations", "statistics", "noise"])
def test_an_attempt_that_left_rows_is_not_repeated_under_its_number(
    table: str, tmp_path: Path
) -> None:
    trial = PLAN.trials[2].trial_id
    sink = ParquetSink(storage_at(tmp_path))
    for attempt in (0, 3, 1):
        sink.write(block(table, trial_id=trial, attempt=attempt))
    sink.close()
    assert left(tmp_path)[trial] == 4
    assert sorted(left(tmp_path).values()) == [0, 0, 0, 4]


def test_a_numpy_that_names_no_blas_is_said_to_be_unknown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENBLAS_CORETYPE", "Haswell")
    monkeypatch.setattr("numpy.show_config", lambda mode: {})
    assert blas() == "unknown unknown, core type Haswell"
