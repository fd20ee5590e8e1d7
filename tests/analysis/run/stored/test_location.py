"""Where a run lies: folders and URIs read alike, a report that stays in its run."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from caviar.analysis.run.read import MEASUREMENTS, read_run
from caviar.analysis.run.stored.location import content, parts, place_at, published
from tests.analysis.synthetic import crossed, stored_run


def test_a_folder_and_its_uri_are_one_place(tmp_path: Path) -> None:
    trials = crossed({"norm_batch_size": [8, 64]})
    run = stored_run(tmp_path / "run", trials, scientific={"norm_batch_size": [8, 64]})
    again = read_run(f"file://{tmp_path}/run/")
    assert again.where == run.where == tmp_path / "run"
    for name in MEASUREMENTS:
        pd.testing.assert_frame_equal(getattr(run, name), getattr(again, name))


def test_parts_that_are_merged_while_they_are_read_are_read_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "curves"
    folder.mkdir()
    rows = [pa.table({"trial_id": [t], "attempt": pa.array([0], pa.int32())}) for t in "abc"]
    for number, row in enumerate(rows):
        pq.write_table(row, folder / f"part-00000{number}.parquet")
    real, reads = pq.read_table, []

    def reading(file: Any, **how: Any) -> pa.Table:
        reads.append(file)
        if len(reads) == 2:
            pq.write_table(pa.concat_tables(rows), folder / "part-000000to000002.parquet")
            (folder / "part-000002.parquet").unlink()
        return real(file, **how)

    monkeypatch.setattr(pq, "read_table", reading)
    (table,) = parts(place_at(tmp_path), "curves")
    assert table["trial_id"].to_pylist() == ["a", "b", "c"] and len(reads) == 3


def test_a_path_may_be_relative(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "study.json").write_bytes(b"{}")
    place = place_at("run")
    assert content(place, "study.json") == b"{}"
    assert parts(place, "curves") == []
    assert place.shown == Path("run")
    with pytest.raises(FileNotFoundError):
        content(place, "other.json")


def test_only_part_files_are_read(tmp_path: Path) -> None:
    stored_run(tmp_path, crossed({"norm_batch_size": [8]}))
    before = parts(place_at(tmp_path), "curves")
    for name in (".part-000009.parquet.tmp", "_part.parquet", "part-1.csv", "notes"):
        (tmp_path / "curves" / name).write_text("not rows")
    assert parts(place_at(tmp_path), "curves") == before and len(before) == 1


def test_a_uri_that_is_not_known_is_refused_without_its_secret() -> None:
    with pytest.raises(ValueError, match=r"cannot reach 's3://\*\*\*@b/run': ") as caught:
        read_run("s3://KEY:SEC/RET@b/run")
    assert "SEC" not in str(caught.value)


def test_the_report_of_a_folder_is_written_where_it_is(tmp_path: Path) -> None:
    for where in (tmp_path, f"file://{tmp_path}"):
        with published(place_at(where), "report") as folder:
            assert folder == tmp_path / "report"


@pytest.mark.parametrize("link", ["report", "report/tables", "report/figures/a.svg"])
def test_a_report_does_not_leave_its_run(link: str, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    path = tmp_path / "run" / link
    path.parent.mkdir(parents=True)
    path.symlink_to(elsewhere)
    with pytest.raises(OSError, match=r"is a symbolic link, .*; remove the link"):
        with published(place_at(tmp_path / "run"), "report"):
            raise AssertionError("it was entered")
    path.unlink()
    with published(place_at(tmp_path / "run"), "report"):
        pass


def test_a_run_may_lie_behind_a_link(tmp_path: Path) -> None:
    (tmp_path / "disk").mkdir()
    (tmp_path / "run").symlink_to(tmp_path / "disk")
    with published(place_at(tmp_path / "run"), "report") as folder:
        folder.mkdir()
    assert (tmp_path / "disk" / "report").is_dir()
