"""`caviar run --from`: equal trials of another run count as if they had been trained here."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pyarrow as pa
import pytest

from caviar.analysis.run.read import read_run
from caviar.runner.errors import RequestError
from caviar.runner.session import takeover
from caviar.runner.session.run_folder import open_run, read_study_json, remaining, unplanned
from caviar.runner.session.takeover import offer_of, seed_blocks, take_over
from caviar.runner.store.local_folder import LocalFolder
from caviar.runner.store.open import storage_at
from caviar.runner.store.part_files import write_part
from caviar.runner.store.sink import ParquetSink
from caviar.runner.trial.kernels import TrainingPath
from caviar.runner.verify.run import verify_run
from tests.faults.program import SMALL, Ended, caviar_here
from tests.runner.helpers import plan_of, same_tables, settings_of, tables
from tests.runner.verify.damage import rewritten

LARGER = (*SMALL[:3], "norm_batch_size=[4, 8, 16]", *SMALL[4:])
"""One size more than the run that is taken over has."""


def run(root: Path, *words: str | Path, study: tuple[str, ...] = LARGER) -> Ended:
    options = (*settings_of(study), "--on", "inline", "--no-report", *words)
    return caviar_here("run", *options, "--out", root)


def with_value(rows: pa.Table, column: str, trial: str, value: str) -> pa.Table:
    """The outcomes with one value changed, of one trial or of all."""
    kept = [
        value if trial in ("", name) else before
        for name, before in zip(
            *rows.select(["trial_id", column]).to_pydict().values(), strict=True
        )
    ]
    place = rows.schema.get_field_index(column)
    return rows.set_column(place, column, pa.array(kept, pa.string()))


@pytest.fixture(scope="module")
def first(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("first") / "run"
    assert run(root, study=SMALL).code == 0
    return root


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The larger study, all of it trained."""
    root = tmp_path_factory.mktemp("whole") / "run"
    assert run(root).code == 0
    return root


@pytest.fixture
def copy(first: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(first, tmp_path / "copy"))


def test_a_run_that_takes_over_holds_the_bits_of_one_that_trains_all(
    first: Path, whole: Path, tmp_path: Path
) -> None:
    done = run(tmp_path / "run", "--from", first)
    assert done.code == 0, done.complained
    assert f"took over 2 trials from {first}\n" in done.output
    assert "2 of 3 trials are done\n1 trial to run" in done.output
    same_tables(tables(tmp_path / "run"), tables(whole))
    assert not verify_run(storage_at(tmp_path / "run")).faults
    content = read_study_json(storage_at(tmp_path / "run"))
    assert content["taken_over"] == [{"session": 0, "from": str(first), "trials": 2}]


def test_the_same_command_again_takes_nothing_twice(first: Path, tmp_path: Path) -> None:
    run(tmp_path / "run", "--from", first)
    again = run(tmp_path / "run", "--from", first)
    assert again.code == 0 and "took over 0 trials" in again.output
    assert not verify_run(storage_at(tmp_path / "run")).faults
    assert len(read_study_json(storage_at(tmp_path / "run"))["taken_over"]) == 1


def test_further_seeds_are_a_block_beside_those_taken_over(first: Path, tmp_path: Path) -> None:
    more = (*SMALL, "replicas=5")
    told = run(tmp_path / "run", "--from", first, "--dry-run", study=more).output
    assert f"\nfrom: 2 of 4 trials would be taken over from {first}\n" in told
    assert " for those that would run" in told and not (tmp_path / "run").exists()
    assert run(tmp_path / "run", "--from", first, study=more).code == 0
    assert run(tmp_path / "all", study=more).code == 0
    taken, trained = read_run(tmp_path / "run"), read_run(tmp_path / "all")
    assert read_study_json(storage_at(tmp_path / "run"))["blocks"] == [2, 3]
    keys = ["norm_batch_size", "split", "statistics", "tracker", "seed", "step"]
    losses = [one.evaluations.sort_values(keys)["loss"].tolist() for one in (taken, trained)]
    assert losses[0] == losses[1] and len(losses[0]) > 50
    assert run(tmp_path / "run", study=more).code == 0  # It resumes without --from, too.


def test_other_first_seeds_are_no_blocks(first: Path) -> None:
    plan = plan_of(*SMALL, "replicas=5", "seed=1")
    assert seed_blocks(LocalFolder(first / "new"), plan, LocalFolder(first)) == (5,)


@pytest.mark.parametrize(
    ("study", "says"),
    [
        (("activation=tanh",), 'fixed.activation is "relu" there and "tanh" here'),
        (("seed=7",), "seed is 0 there and 7 here"),
        (('dataset={ name = "iris", train = 96, validation = 40 }',), "dataset.fingerprint is "),
    ],
)
def test_a_run_without_an_equal_trial_is_refused_with_the_difference(
    study: tuple[str, ...], says: str, first: Path, tmp_path: Path
) -> None:
    done = run(tmp_path / "run", "--from", first, study=(*SMALL, *study))
    assert done.code == 2 and not (tmp_path / "run").exists()
    assert "has no finished trial of this study: " in done.complained
    assert says in done.complained and "leave --from out" in done.complained


def test_a_run_that_is_written_or_none_is_refused(first: Path, tmp_path: Path) -> None:
    with LocalFolder(first).hold():
        done = run(tmp_path / "run", "--from", first)
    assert done.code == 2 and "another caviar is writing to" in done.complained
    done = run(tmp_path / "run", "--from", tmp_path)
    assert done.code == 2 and "is not a run" in done.complained
    done = run(tmp_path / "run", "--from", first, "--register", tmp_path / "dated.toml")
    assert done.code == 2 and "--from takes over seeds that were run before" in done.complained


def test_trials_of_another_kernel_run_again_unless_they_are_accepted(copy: Path) -> None:
    plan, source = plan_of(*LARGER), storage_at(copy)
    trial = plan.trials[0].trial_id
    rewritten(copy, "outcomes", lambda t: with_value(t, "kernel", trial, "openblas 0.3 Haswell"))
    offer = offer_of(source, plan, TrainingPath.numpy)
    assert len(offer.outcomes) == 1 and trial not in offer.outcomes
    assert offer.says == (
        f"1 equal trials of {copy} were computed with openblas 0.3 Haswell: they run again here "
        "(--accept-other-processor takes them over)"
    )
    assert len(offer_of(source, plan, TrainingPath.numpy, any_kernel=True).outcomes) == 2
    rewritten(copy, "outcomes", lambda t: with_value(t, "status", "", "failed"))
    with pytest.raises(RequestError, match="has no finished trial of this study: scientific"):
        offer_of(source, plan, TrainingPath.numpy)


def test_trials_of_another_path_run_again(first: Path) -> None:
    """These have a kernel, which the first run did not take."""
    offer = offer_of(storage_at(first), plan_of(*LARGER), TrainingPath.compiled)
    assert not offer.outcomes and offer.elsewhere == 2


def test_killed_before_the_outcomes_nothing_counts(
    first: Path, whole: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan, storage = plan_of(*LARGER), storage_at(tmp_path / "run")
    offer = offer_of(storage_at(first), plan, TrainingPath.numpy)

    class Killed(BaseException): ...

    def until_the_outcomes(place: LocalFolder, table: str, rows: pa.Table) -> str:
        if table == "outcomes":
            raise Killed
        return write_part(place, table, rows)

    monkeypatch.setattr(takeover, "write_part", until_the_outcomes)
    with storage.hold(), pytest.raises(Killed):
        open_run(storage, plan, "test")
        ParquetSink(storage).plan(unplanned(storage, plan))
        take_over(storage, offer, remaining(storage, plan))
    monkeypatch.undo()
    assert run(tmp_path / "run", "--from", first).code == 0
    same_tables(tables(tmp_path / "run"), tables(whole))
    assert not verify_run(storage_at(tmp_path / "run")).faults


def test_a_run_whose_rows_are_missing_is_refused(copy: Path, tmp_path: Path) -> None:
    rewritten(copy, "noise", lambda rows: rows.slice(1))
    done = run(tmp_path / "run", "--from", copy)
    assert done.code == 2 and not (tmp_path / "run").exists()
    assert "has more or fewer rows of 1 trials than their outcomes say" in done.complained


def test_a_home_folder_is_not_written(
    copy: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(copy.parent))
    run(tmp_path / "run", "--from", copy)
    content = json.loads((tmp_path / "run" / "study.json").read_text())
    assert content["taken_over"][0]["from"] == "~/copy"
