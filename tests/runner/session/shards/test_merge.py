"""Joined shards are the run that one driver makes, whatever happens on the way."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from caviar.runner.errors import RequestError
from caviar.runner.session.shards.merge import MERGING, merge, shards_below
from caviar.runner.session.shards.shard import Shard, shards_in
from caviar.runner.store.local_folder import LocalFolder
from caviar.runner.store.open import storage_at
from caviar.runner.store.part_files import read_rows
from caviar.runner.verify.run import verify_run
from tests.faults.program import caviar_here
from tests.runner.helpers import same_tables, settings_of, tables
from tests.runner.session.shards.conftest import RUN


class Dies(BaseException):
    """The process dies here."""


class Dying(LocalFolder):
    """A folder whose writer dies at an operation."""

    left = 10**9

    def write(self, key: str, content: bytes) -> None:
        self._operation()
        super().write(key, content)

    def delete(self, key: str) -> None:
        self._operation()
        super().delete(key)

    def _operation(self) -> None:
        self.left -= 1
        if self.left < 0:
            raise Dies


def whole(root: Path) -> list[Shard]:
    return shards_in([storage_at(p) for p in shards_below(storage_at(root), str(root))])


def is_the_run(root: Path, one: Path) -> None:
    same_tables(tables(root), tables(one))
    for_order = [read_rows(storage_at(run), "trials", ["trial_id"]) for run in (root, one)]
    assert for_order[0] == for_order[1]
    assert not verify_run(storage_at(root)).faults


def test_the_rows_are_those_of_one_run(split: Path, one: Path) -> None:
    target = storage_at(split)
    with target.hold():
        assert merge(target, whole(split))
        assert not merge(target, whole(split))  # The same again does nothing.
    is_the_run(split, one)
    again = caviar_here(*RUN, "--out", split)
    assert again.code == 0 and "6 of 6 trials are done" in again.output
    assert caviar_here(*RUN, "--out", split, *settings_of(["replicas=3"]), "--extend").code == 0


def test_a_merge_that_is_killed_anywhere_goes_on(three: Path, one: Path, tmp_path: Path) -> None:
    shards, operations = whole(three), 0
    while True:
        root = tmp_path / str(operations)
        target = Dying(root)
        target.left = operations
        try:
            with target.hold():
                merge(target, shards)
            break
        except Dies:
            operations += 1
        target.left = 10**9
        with target.hold():
            merge(target, shards)
        is_the_run(root, one)
        assert MERGING not in target.names("")
    assert operations > 5 * 3  # The last one was not killed: it needed as many.


def test_until_the_end_it_is_no_run(three: Path, tmp_path: Path) -> None:
    target = Dying(tmp_path / "run")
    target.left = 5
    with pytest.raises(Dies), target.hold():
        merge(target, whole(three))
    done = caviar_here(*RUN, "--out", tmp_path / "run")
    assert done.code == 2 and "holds files that are not a run" in done.complained
    shutil.copytree(three / "shards", tmp_path / "run" / "shards")
    done = caviar_here("report", tmp_path / "run")
    assert done.code == 2 and "`caviar merge` has not joined its shards yet" in done.complained


def test_shards_that_went_on_are_not_mixed_with_what_was_joined(split: Path) -> None:
    """A merge that was killed starts again with them; a finished one refuses them."""
    target = Dying(split)
    target.left = 8
    with pytest.raises(Dies), target.hold():
        merge(target, whole(split))
    grown = settings_of(["draws.count=6"])
    for number in (1, 2, 3):
        assert caviar_here(*RUN, *grown, "--out", split, "--shard", f"{number}/3").code == 0
    target.left = 10**9
    with target.hold():
        assert merge(target, whole(split))
    assert caviar_here(*RUN, *grown, "--out", split.parent / "at-once").code == 0
    is_the_run(split, split.parent / "at-once")
    shard = split / "shards" / "01-of-03" / "study.json"
    shard.write_text(shard.read_text().replace('"started": "2', '"started": "3'))
    with pytest.raises(RequestError, match="or of these before they went on; its own `caviar run`"):
        merge(target, whole(split))


def test_other_files_are_left_alone(three: Path, one: Path, tmp_path: Path) -> None:
    (tmp_path / "curves").mkdir()
    (tmp_path / "curves" / "part-000000.parquet").write_text("mine")
    with pytest.raises(RequestError, match=r"holds files that are not a run \(curves\)"):
        merge(storage_at(tmp_path), whole(three))
    copy = storage_at(shutil.copytree(one, tmp_path / "copy"))
    with pytest.raises(RequestError, match="holds a run that was not made of shards"):
        merge(copy, whole(three))
    with pytest.raises(RequestError, match="has no shards: run them with --shard K/N"):
        shards_below(copy, "copy")


def test_data_beside_the_study_are_found_again(tmp_path: Path) -> None:
    """`verify` trains a trial of the run again from a file that the study names."""
    rows = "\n".join(f"{n % 7},{n % 5},{n % 2}" for n in range(120))
    (tmp_path / "studies").mkdir()
    (tmp_path / "studies" / "data.csv").write_text(f"a,b,label\n{rows}\n")
    study = tmp_path / "studies" / "study.toml"
    study.write_text(
        'name = "x"\ndataset = { path = "data.csv", label = "label" }\nbudget = { steps = 4 }\n'
        "[fixed]\nhidden = [4]\nbatch_size = 16\n[scientific]\nnorm_batch_size = [4, 16]\n"
    )
    for number in (1, 2):
        words = ("run", study, "--on", "inline", "--out", tmp_path / "run")
        assert caviar_here(*words, "--shard", f"{number}/2").code == 0
    assert caviar_here("merge", tmp_path / "run").code == 0
    moved = tmp_path / "elsewhere"
    moved.mkdir()
    for name in ("run", "studies"):
        shutil.move(tmp_path / name, moved / name)
    done = caviar_here("verify", moved / "run")
    assert done.code == 0 and "the same bits in all" in done.output, done.output
