"""A packed table is unpacked as its first bytes say, whatever its name."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pyarrow as pa
import pytest

from caviar.runner.errors import RequestError
from tests.runner.small_tables import TABLE, is_the_table, load


@pytest.mark.parametrize("packed", ["gzip", "bz2", "xz", "zip", "zstd", None])
@pytest.mark.parametrize("name", ["t.csv", "t.csv.gz", "t.data", "t.zip"])
def test_a_packed_table(packed: str | None, name: str, tmp_path: Path) -> None:
    if packed == "zstd":
        with pa.output_stream(str(tmp_path / name), compression="zstd") as file:
            file.write(TABLE.to_csv(index=False).encode())
    else:
        TABLE.to_csv(tmp_path / name, index=False, compression=packed)
    is_the_table(load(tmp_path / name))


def test_an_archive_of_several_files_is_refused(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "t.zip", "w") as archive:
        archive.writestr("a.csv", "a,y\n1,2\n")
        archive.writestr("b.csv", "a,y\n1,2\n")
    with pytest.raises(RequestError, match=r"t.zip holds 2 files \(a.csv, b.csv\)"):
        load(tmp_path / "t.zip")


def test_a_workbook_is_refused_with_the_way_out(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "t.xlsx", "w") as archive:
        archive.writestr("[Content_Types].xml", "")
    with pytest.raises(RequestError, match=r"t\.xlsx is a workbook; save the sheet as CSV"):
        load(tmp_path / "t.xlsx")
