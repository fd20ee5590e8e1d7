"""Odd inputs of many kinds, each read to the right values or refused in one sentence."""

from __future__ import annotations

import bz2
import gzip
import lzma
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pyarrow import feather

from caviar.runner.data.sources import load_data
from caviar.runner.data.splits import Data
from caviar.runner.errors import RequestError
from caviar.runner.fields.dataset import DatasetConfig

TABLE = pd.DataFrame(
    {"a": [i * 0.5 for i in range(60)], "b": [i % 7 for i in range(60)], "y": ["ant", "bee"] * 30}
)
CSV = TABLE.to_csv(index=False)
X, Y = TABLE[["a", "b"]].to_numpy(), np.arange(60) % 2

Made = Callable[[Path], dict[str, Any]]


def written(content: str | bytes, name: str = "t.csv", **keys: Any) -> Made:
    """A file with this content."""

    def make(folder: Path) -> dict[str, Any]:
        data = content if isinstance(content, bytes) else content.encode()
        (folder / name).write_bytes(data)
        return {"path": str(folder / name), "label": "y", **keys}

    return make


def archived(label: str = "y", **arrays: Any) -> Made:
    """An NPZ file of these arrays."""

    def make(folder: Path) -> dict[str, Any]:
        np.savez(folder / "t.npz", **arrays)
        return {"path": str(folder / "t.npz"), "label": label}

    return make


def parquet(columns: dict[str, Any], **keys: Any) -> Made:
    def make(folder: Path) -> dict[str, Any]:
        pq.write_table(pa.table(columns), folder / "t.parquet")
        return {"path": str(folder / "t.parquet"), "label": "y", **keys}

    return make


def foldered(**files: pd.DataFrame) -> Made:
    def make(folder: Path) -> dict[str, Any]:
        for name, table in files.items():
            table.to_parquet(folder / f"{name}.parquet", index=False)
        return {"path": str(folder), "label": "y"}

    return make


def rows(first: Callable[[int], str], label: Callable[[int], str] = lambda i: "xz"[i % 2]) -> str:
    """A CSV table whose first column and label are made of the number of the row."""
    lines = [f"{first(i)},{i % 7},{label(i)}" for i in range(60)]
    return "\n".join(["a,b,y", *lines]) + "\n"


def as_feather(folder: Path) -> dict[str, Any]:
    labels = pa.array(TABLE.y.tolist()).cast(pa.string_view())
    feather.write_feather(pa.table({"a": TABLE.a, "b": TABLE.b, "y": labels}), folder / "t.feather")
    return {"path": str(folder / "t.feather"), "label": "y"}


def plain(data: Data) -> bool:
    return np.array_equal(data.features, X) and data.classes == ("ant", "bee")


def numbered(data: Data) -> bool:
    return np.array_equal(data.features, X) and data.classes == ("0", "1")


READ: dict[str, tuple[Made, Callable[[Data], bool]]] = {
    "a byte-order mark": (written(CSV.encode("utf-8-sig")), plain),
    "UTF-16 without a mark, low byte first": (written(CSV.encode("utf-16-le")), plain),
    "UTF-16 without a mark, high byte first": (written(CSV.encode("utf-16-be")), plain),
    "line ends of old Macs": (written(CSV.replace("\n", "\r")), plain),
    "line ends of Windows": (written(CSV.replace("\n", "\r\n")), plain),
    "a separator at the end of each line": (written(CSV.replace("\n", ",\n")), plain),
    "Excel's line about the separator": (written("sep=;\n" + CSV.replace(",", ";")), plain),
    "the same for a tab": (written("sep=\\t\n" + CSV.replace(",", "\t")), plain),
    "everything in quotes": (
        written("\n".join(",".join(f'"{c}"' for c in line.split(",")) for line in CSV.split())),
        plain,
    ),
    "two gzip members, called .csv": (
        written(gzip.compress(CSV[:300].encode()) + gzip.compress(CSV[300:].encode())),
        plain,
    ),
    "bzip2 without a suffix": (written(bz2.compress(CSV.encode()), "t"), plain),
    "xz called .gz": (written(lzma.compress(CSV.encode()), "t.gz"), plain),
    "plain text called .gz": (written(CSV, "t.csv.gz"), plain),
    "separators within quotes": (
        written(CSV.replace("ant", '"a;n,t"')),
        lambda d: d.classes == ("a;n,t", "bee"),
    ),
    "a line break in a label": (
        written(CSV.replace("ant", '"a\nt"')),
        lambda d: d.classes == ("a\nt", "bee"),
    ),
    "signs before labels": (
        written(rows(str, lambda i: ["-1", "+1"][i % 2])),
        lambda d: d.classes == ("-1", "+1"),
    ),
    "one and one point zero": (
        written(rows(str, lambda i: ["1", "1.0"][i % 2])),
        lambda d: d.classes == ("1", "1.0"),
    ),
    "a word among numbers, late": (
        written(rows(str, lambda i: "other" if i > 55 else str(i % 2))),
        lambda d: d.classes == ("0", "1", "other"),
    ),
    "twenty digits": (
        written(rows(lambda i: str(10**22 + i * 10**18))),
        lambda d: len(np.unique(d.features[:, 0])) == 60,
    ),
    "truth in words": (
        written(rows(lambda i: ["true", "false"][i % 2])),
        lambda d: set(d.features[:, 0]) == {0.0, 1.0},
    ),
    "one-hot truth values": (archived(x=X, y=np.eye(2, dtype=bool)[Y]), numbered),
    "a column of labels": (archived(x=X, y=Y[:, None]), numbered),
    "labels as bytes": (
        archived(x=X, y=np.array([b"ant", b"bee"])[Y]),
        plain,
    ),
    "labels as objects": (archived(x=X, y=np.array(["ant", "bee"], object)[Y]), plain),
    "labels as days": (
        archived(x=X, y=np.array(["2024-05-01", "2024-04-01"], "M8[D]")[Y]),
        lambda d: d.classes == ("2024-04-01", "2024-05-01") and d.labels[:2].tolist() == [1, 0],
    ),
    "the other byte order, by columns": (
        archived(x=np.asfortranarray(X.astype(">f8")), y=Y.astype(">i2")),
        numbered,
    ),
    "half precision": (archived(x=X.astype(np.float16), y=Y), numbered),
    "Keras' names": (
        archived(x_train=X[:40], y_train=Y[:40], x_test=X[40:], y_test=Y[40:]),
        lambda d: numbered(d) and d.given_test == 20,
    ),
    "decimal numbers": (
        parquet(
            {"a": [Decimal(i) / 2 for i in range(60)], "b": TABLE.b.tolist(), "y": TABLE.y.tolist()}
        ),
        plain,
    ),
    "text as Arrow views it": (as_feather, plain),
    "categories as numbers": (
        parquet(
            {
                "a": pa.array(TABLE.a.tolist()).dictionary_encode(),
                "b": TABLE.b.tolist(),
                "y": TABLE.y.tolist(),
            }
        ),
        plain,
    ),
    "a folder of whole and other numbers": (
        foldered(a=TABLE[:1].astype({"a": int}), b=TABLE[1:]),
        plain,
    ),
}


@pytest.mark.parametrize("kind", READ)
def test_it_is_read_as_it_is_meant(kind: str, tmp_path: Path) -> None:
    make, holds = READ[kind]
    assert holds(load_data(DatasetConfig(**make(tmp_path))))


REFUSED: dict[str, tuple[Made, str]] = {
    "UTF-32": (written(CSV.encode("utf-32")), "is in UTF-32; save it as UTF-8"),
    "HDF5": (written(b"\x89HDF\r\n\x1a\n" + b"\0" * 90, "t.h5"), "is an HDF5 file, which is not"),
    "SQLite": (written(b"SQLite format 3\0" + b"\0" * 90), "is an SQLite database, which is not"),
    "MATLAB": (written(b"MATLAB 5.0 MAT-file"), "is a MATLAB file, which is not read; save it as"),
    "pickle": (written(b"\x80\x04\x95\x10\0\0\0\0"), "is a pickle, which is not read"),
    "old Excel": (written(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "t.xls"), "a workbook of old Excel"),
    "a page of errors": (written("<!doctype html><p>404</p>"), "is a page of HTML, which is not"),
    "ARFF": (written("@RELATION r\n@DATA\n1,x\n"), "is an ARFF file, which is not read"),
    "a stream of Arrow": (written(b"\xff\xff\xff\xff\x10\0\0\0"), "a stream of Arrow, not a file"),
    "an old Feather": (written(b"FEA1" + b"\0" * 90), "is a Feather file of version 1, which is"),
    "half of a gzip file": (written(gzip.compress(CSV.encode())[:-20]), "not a readable CSV table"),
    "names alone": (written("a,b,y\n"), "there are no rows"),
    "percent": (written(rows(lambda i: f"{i}%")), "not numeric: a; encode such columns as"),
    "dates": (written(rows(lambda i: f"2024-05-{i % 28 + 1:02d}")), "not numeric: a; encode such"),
    "beyond float64": (
        written(rows(lambda i: "1e400" if i == 5 else str(i))),
        "values in a (first ",
    ),
    "below float32": (written(rows(lambda i: f"{i}e-310")), "of 'a' differ by at most 5.9e-309"),
    "nanoseconds": (written(rows(lambda i: str(17 * 10**17 + i))), "take a constant off them"),
    "a soft one-hot": (archived(x=X, y=np.eye(2)[Y] * 0.9 + 0.05), "expected one label for each"),
    "labels across": (archived(x=X, y=Y[None]), "y is 1 × 60; expected one label for each example"),
    "features across": (archived(x=X.T, y=Y), "got features of shape (2, 60) and labels of shape"),
    "complex numbers": (archived(x=X + 0j, y=Y), "x is not numeric; its type is complex128"),
    "days as features": (archived(x=Y.astype("M8[D]")[:, None], y=Y), "x is not numeric; its type"),
    "a day that is missing": (
        archived(x=X, y=np.array(["NaT", "2024-04-01"], "M8[D]")[Y]),
        "the labels have missing or infinite values",
    ),
    "a folder whose files differ": (
        foldered(a=TABLE[:30], b=TABLE[30:].drop(columns="b")),
        "a.parquet and b.parquet do not both have the column 'b'",
    ),
}


@pytest.mark.parametrize("kind", REFUSED)
def test_it_is_refused_with_the_reason(kind: str, tmp_path: Path) -> None:
    from caviar.runner.data.extent import check_extent
    from tests.runner.helpers import plan_of

    make, sentence = REFUSED[kind]
    with pytest.raises(RequestError) as caught:
        check_extent(load_data(DatasetConfig(**make(tmp_path))), plan_of("draws.count=1").trials[0])
    assert sentence in str(caught.value) and "\n" not in str(caught.value)


NOTED = {
    "a mark for a missing label": (
        written(rows(str, lambda i: ["?", "x", "z"][i % 3])),
        "class '?' reads like a missing label; if it is one, missing = [\"?\"] drops its rows",
    ),
    "R's mark for it": (
        written(rows(str, lambda i: ["NA", "x", "z"][i % 3])),
        "class 'NA' reads like a missing label; if it is one, missing = [\"NA\"] drops its rows",
    ),
    "a class that gaps take away": (
        written(
            rows(lambda i: "?" if i % 3 == 0 else str(i), lambda i: "pqr"[i % 3]), missing=["?"]
        ),
        "no row of class 'p' is left",
    ),
    "a zero byte in a label": (
        written(rows(str, lambda i: "x\0" if i == 7 else "xz"[i % 2])),
        "classes differ only by blanks, case or Unicode form: 'x' and 'x\\x00'",
    ),
    "a column without name and values": (
        written(CSV.replace("\n", ",\n")),
        "the last column, which has neither a name nor a value, is left out",
    ),
}


@pytest.mark.parametrize("kind", NOTED)
def test_what_a_reader_must_know_is_said(kind: str, tmp_path: Path) -> None:
    make, note = NOTED[kind]
    assert note in load_data(DatasetConfig(**make(tmp_path))).notes
