"""CSV tables as people write them."""

from __future__ import annotations

import tarfile
from pathlib import Path
from typing import Any

import pytest

from caviar.runner.errors import RequestError
from tests.runner.small_tables import TABLE, is_the_table, load

WRITTEN: dict[str, tuple[dict[str, Any], tuple[str, ...]]] = {
    "commas": ({}, ()),
    "semicolons": ({"sep": ";"}, ("columns are separated by semicolons, decimals by points",)),
    "decimal commas": (
        {"sep": ";", "decimal": ","},
        ("columns are separated by semicolons, decimals by commas",),
    ),
    "tabs": ({"sep": "\t"}, ("columns are separated by tabs, decimals by points",)),
    "tabs and decimal commas": (
        {"sep": "\t", "decimal": ","},
        ("columns are separated by tabs, decimals by commas",),
    ),
    "bars": ({"sep": "|"}, ("columns are separated by bars, decimals by points",)),
    "quotes": ({"quoting": 1}, ()),
    "quoted decimal commas": (
        {"sep": ";", "decimal": ",", "quoting": 1},
        ("columns are separated by semicolons, decimals by commas",),
    ),
    "a byte-order mark": ({"encoding": "utf-8-sig"}, ()),
    "UTF-16": ({"encoding": "utf-16"}, ("the table is in utf-16",)),
    "UTF-16 without a mark": ({"encoding": "utf-16-le"}, ("the table is in utf-16-le",)),
    "Windows lines": ({"lineterminator": "\r\n"}, ()),
}


@pytest.mark.parametrize("case", WRITTEN)
def test_a_table_is_read_as_it_is_written(case: str, tmp_path: Path) -> None:
    how, notes = WRITTEN[case]
    TABLE.to_csv(tmp_path / "t.csv", index=False, **how)
    data = load(tmp_path / "t.csv")
    is_the_table(data)
    assert data.notes == notes


def test_what_is_said_counts_before_what_is_seen(tmp_path: Path) -> None:
    (tmp_path / "t.txt").write_text("a;b,y\n" + "1;2,p\n3;4,q\n" * 20)
    with pytest.raises(RequestError, match="not numeric: a;b"):
        load(tmp_path / "t.txt")
    assert load(tmp_path / "t.txt", delimiter=";", label="b,y").classes == ("2,p", "4,q")


def test_labels_may_hold_the_separator_of_others(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("a;y\n" + '0,5;"x, y"\n1,5;z\n' * 20)
    assert load(tmp_path / "t.csv").classes == ("x, y", "z")


def test_a_table_without_names(tmp_path: Path) -> None:
    TABLE.to_csv(tmp_path / "t.csv", index=False, header=False)
    is_the_table(load(tmp_path / "t.csv", header=False, label="3"))
    numbers = TABLE.assign(y=[0, 1, 2] * 20)
    numbers.to_csv(tmp_path / "n.csv", index=False, header=False)
    with pytest.raises(RequestError, match="add header = false and name the label by its number"):
        load(tmp_path / "n.csv")


def test_rows_with_gaps_are_dropped_on_request_and_counted(tmp_path: Path) -> None:
    gaps = TABLE.astype({"a": object})
    gaps.loc[3, "a"], gaps.loc[5, "a"], gaps.loc[6, "y"] = "?", "-", None
    gaps.to_csv(tmp_path / "t.csv", index=False)
    with pytest.raises(RequestError, match=r'not numeric: a; .* missing = \["\?"\]'):
        load(tmp_path / "t.csv")
    data = load(tmp_path / "t.csv", missing=("?", "-"))
    assert data.notes == ("3 of 60 rows have gaps and are dropped",)
    assert data.features[:, 1].tolist() == TABLE["b"].drop([3, 5, 6]).tolist()


def test_latin_1_is_refused_by_name_and_read_on_request(tmp_path: Path) -> None:
    accents = TABLE.replace({"ant": "caf\u00e9"})
    accents.to_csv(tmp_path / "t.csv", index=False, encoding="latin-1")
    with pytest.raises(RequestError, match='name its encoding, as in encoding = "latin-1"'):
        load(tmp_path / "t.csv")
    assert load(tmp_path / "t.csv", encoding="latin-1").classes == ("bee", "caf\u00e9", "cow")


UNNAMED = {
    "words, without names of columns": ("0.5,7,p\n1.5,8,q\n", "add header = false"),
    "a comment above the names": (
        "# made by R\na,b,y\n1,2,p\n",
        r"line, '# made by R', does not name the columns, of which there are 3; remove",
    ),
    "blanks": ("a b y\n1 2 p\n", "line, 'a b y', is one column; columns are separated by commas"),
    "colons": ("a:b:y\n1:2:p\n", "semicolons, tabs or bars: save the table with one of them"),
}


@pytest.mark.parametrize("case", UNNAMED)
def test_a_first_line_that_names_no_columns_is_refused_with_the_way_out(
    case: str, tmp_path: Path
) -> None:
    text, says = UNNAMED[case]
    (tmp_path / "t.csv").write_text(text)
    with pytest.raises(RequestError, match=says):
        load(tmp_path / "t.csv")


def test_a_misspelled_label_is_told_with_the_columns(tmp_path: Path) -> None:
    """Columns may be called by years."""
    (tmp_path / "t.csv").write_text("2019,2020,class\n1,2,p\n")
    with pytest.raises(RequestError, match="no label 'y'; allowed are 2019, 2020, class"):
        load(tmp_path / "t.csv")


def test_a_tar_archive_is_named(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("a,y\n1,p\n2,q\n")
    with tarfile.open(tmp_path / "t.csv.gz", "w:gz") as archive:
        archive.add(tmp_path / "t.csv")
    with pytest.raises(RequestError, match=r"t\.csv\.gz is a tar archive; unpack it"):
        load(tmp_path / "t.csv.gz")
