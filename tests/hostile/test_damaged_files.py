"""Files that are cut, damaged or not what they should be: refused with the file's name."""

from __future__ import annotations

import gzip
import io
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from caviar.runner.data.sources import load_data
from caviar.runner.errors import RequestError
from caviar.runner.fields.dataset import DatasetConfig
from tests.runner.data.test_files import DIGITS, IMAGES, NUMBERS, WORDS, idx

Y = [i % 2 for i in range(60)]


def said(path: Path, label: str = "y") -> str:
    with pytest.raises(RequestError) as caught:
        load_data(DatasetConfig(path=str(path), label=label))
    message = str(caught.value)
    assert message.startswith((path.name, "dataset: "))
    return message


def said_of_images(folder: Path, first: bytes, second: bytes) -> str:
    (folder / "images").write_bytes(first)
    (folder / "labels").write_bytes(second)
    with pytest.raises(RequestError) as caught:
        dataset = DatasetConfig(images=str(folder / "images"), labels=str(folder / "labels"))
        load_data(dataset)
    return str(caught.value)


def csv(*rows: str) -> bytes:
    lines = [f"{i},{i * i},{'pq'[i % 2]}" for i in range(40)]
    return "\n".join(["a,b,y", *lines, *rows, ""]).encode()


def npz(**arrays: Any) -> bytes:
    file = io.BytesIO()
    np.savez_compressed(file, **arrays)
    return file.getvalue()


def npy(array: Any) -> bytes:
    file = io.BytesIO()
    np.save(file, array)
    return file.getvalue()


def parquet(**columns: Any) -> bytes:
    sink = pa.BufferOutputStream()
    pq.write_table(pa.table(columns), sink)
    content: bytes = sink.getvalue().to_pybytes()
    return content


CASES = [
    pytest.param("t.csv", b"", "not a readable CSV table", id="csv empty"),
    pytest.param("t.csv", b"a,b,y\n", "expected a table of features", id="csv without rows"),
    pytest.param("t.csv", csv("1,2"), "Expected 3 columns, got 2", id="csv ragged"),
    pytest.param("t.csv", csv("1,2,3,4"), "Expected 3 columns, got 4", id="csv ragged wide"),
    pytest.param("t.csv", csv("x,2,p"), "not numeric: a; encode", id="csv text"),
    pytest.param("t.csv", csv(",2,p"), r"missing .* in a \(first in row 41\)", id="csv missing"),
    pytest.param("t.csv", csv("1,nan,p"), r"missing .* in b \(first in row 41\)", id="csv nan"),
    pytest.param("t.csv", csv("1,inf,p"), r"infinite .* in b \(first in row 41\)", id="csv inf"),
    pytest.param(
        "t.csv", b"a,a,y\n1,2,p\n2,3,q\n" * 9, "the column name 'a' appears twice", id="twice"
    ),
    pytest.param(
        "t.csv", csv().replace(b"q", b"p"), "every example has the label p", id="one class"
    ),
    pytest.param("t.csv", b"a,z\n1,2\n", "there is no label 'y'; allowed are a, z", id="no label"),
    pytest.param(
        "t.csv", b"a,yy\n1,2\n", "there is no label 'y'; did you mean 'yy'", id="near label"
    ),
    pytest.param("t.csv", b"y\n1\n2\n", "no feature column besides the label 'y'", id="no feature"),
    pytest.param(
        *("t.csv", b"a,y\n" + b"".join(b"%d,%d.5\n" % (i, i) for i in range(40))),
        "40 different labels in 40 examples; the label must be a class",
        id="a number to predict",
    ),
    pytest.param("t.xlsx", b"PK\x03\x04" + bytes(60), "not a readable CSV", id="no csv at all"),
    pytest.param("t.csv", csv().replace(b"a,b", b"a,\xe9"), "CSV", id="latin"),
    pytest.param("t.csv.gz", gzip.compress(csv())[:50], "CSV", id="csv.gz cut"),
    pytest.param("t.csv", csv("1,2,"), "label column .* missing", id="csv no label"),
    pytest.param("t.parquet", b"", "not a readable Parquet file", id="parquet empty"),
    pytest.param(
        "t.parquet", b"PAR1" + bytes(90), "not a readable Parquet file", id="parquet zeros"
    ),
    pytest.param(
        *("t.parquet", parquet(a=NUMBERS[:, 0], y=WORDS)[:300]),
        "not a readable Parquet file",
        id="parquet cut",
    ),
    pytest.param(
        *("t.parquet", parquet(a=[1, None] * 30, y=Y)),
        r"missing or infinite values in a \(first in row 2\)",
        id="parquet missing",
    ),
    pytest.param(
        *("t.parquet", parquet(a=Y, y=[1, None] * 30)),
        "the label column 'y' has missing values",
        id="parquet missing label",
    ),
    pytest.param(
        *("t.parquet", parquet(a=[[1.0]] * 60, b=Y, c=["x"] * 60, y=Y)),
        "not numeric: a, c; encode",
        id="parquet lists",
    ),
    pytest.param(
        *("t.parquet", parquet(**{f"t{i}": ["x"] * 60 for i in range(8)}, y=Y)),
        "not numeric: t0, t1, t2, t3, t4 and 3 more; encode",
        id="many texts",
    ),
    pytest.param(
        *("t.parquet", parquet(a=Y, y=[{"k": i} for i in Y])), "label", id="parquet struct label"
    ),
    pytest.param("t.npz", b"", "t.npz", id="npz empty"),
    pytest.param("t.npz", b"not a zip", "not a plain NPZ file", id="npz text"),
    pytest.param("t.npz", npy(NUMBERS), "t.npz", id="npy"),
    pytest.param(
        "t.npz",
        npz(x=NUMBERS, y=[None, {}] * 30),
        "object array of other things than text",
        id="npz pickle",
    ),
    pytest.param("t.npz", npz(x=NUMBERS, z=Y), "there is no label 'y'", id="npz no label"),
    pytest.param("t.npz", npz(y=Y), "expected one array of features .* found none", id="npz alone"),
    pytest.param("t.npz", npz(x=NUMBERS, w=NUMBERS, y=Y), "found w, x", id="npz two"),
    pytest.param("t.npz", npz(x=WORDS, y=Y), "x is not numeric; its type is <U3", id="npz words"),
    pytest.param("t.npz", npz(x=NUMBERS[1:], y=Y), "one label per row", id="npz lengths"),
    pytest.param("t.npz", npz(x=NUMBERS[:0], y=Y[:0]), "t.npz", id="npz none"),
    pytest.param("t.npz", npz(x=NUMBERS, y=3), "t.npz", id="npz number"),
    pytest.param("t.npz", npz(x=1.0, y=Y), "t.npz", id="npz number too"),
    pytest.param(
        *("t.npz", npz(x=NUMBERS, y=np.array([Y, Y]).T)), "one-hot", id="npz columns of labels"
    ),
    pytest.param(*("t.npz", npz(x=NUMBERS, y=[0, np.nan] * 30)), "label", id="npz nan label"),
    pytest.param("t.npz", npz(x=NUMBERS + 1j, y=Y), "x", id="npz complex"),
    pytest.param(
        *("t.npz", npz(x=np.where(NUMBERS == NUMBERS[5, 2], np.nan, NUMBERS), y=Y)),
        r"missing or infinite values in column 2 \(first in row 6\)",
        id="npz nan",
    ),
]


# numpy leaves the file open when it is no archive.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize(("name", "content", "words"), CASES)
def test_a_bad_table_is_refused(name: str, content: bytes, words: str, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(content)
    assert re.search(words, said(tmp_path / name))


PIXELS, TRUTH = idx(IMAGES), idx(DIGITS)

IMAGE_CASES: list[Any] = [
    pytest.param(b"", TRUTH, "images: not a whole IDX file", id="empty"),
    pytest.param(PIXELS[:100], TRUTH, "images: not a whole IDX file", id="cut"),
    pytest.param(PIXELS[:9], TRUTH, "images: not a whole IDX file", id="cut in the head"),
    pytest.param(PIXELS + b"x", TRUTH, "images: not a whole IDX file", id="too long"),
    pytest.param(b"\1" + PIXELS[1:], TRUTH, "wrong magic number", id="magic"),
    pytest.param(PIXELS[:2] + b"\7" + PIXELS[3:], TRUTH, "images: not a whole IDX", id="type"),
    pytest.param(PIXELS[:3] + b"\xff" + PIXELS[4:], TRUTH, "images: not a whole", id="dimensions"),
    pytest.param(PIXELS, TRUTH[:20], "labels: not a whole IDX file", id="labels cut"),
    pytest.param(TRUTH, PIXELS, r"got arrays of 1 and 3 dimensions \(swapped\?\)", id="swapped"),
    pytest.param(PIXELS, idx(DIGITS[1:]), "with one label per row", id="lengths"),
    pytest.param(PIXELS, idx(0 * DIGITS), "every example has the label 0", id="one class"),
    pytest.param(gzip.compress(PIXELS)[:90], TRUTH, "images: not a whole IDX file", id="gzip cut"),
    pytest.param(
        gzip.compress(PIXELS)[:-9] + bytes(9), TRUTH, "images: not a whole", id="gzip sum"
    ),
    pytest.param(idx(IMAGES[:0]), idx(DIGITS[:0]), "images", id="none"),
]


@pytest.mark.parametrize(("first", "second", "words"), IMAGE_CASES)
def test_bad_images_are_refused(first: bytes, second: bytes, words: str, tmp_path: Path) -> None:
    assert re.search(words, said_of_images(tmp_path, first, second))


def test_a_path_that_is_no_file_is_named(tmp_path: Path) -> None:
    assert "there is no file" in said(tmp_path / "none.parquet")
    (tmp_path / "folder.npz").mkdir()
    assert "there is no file" in said(tmp_path / "folder.npz")


WHOLE: dict[str, bytes] = {
    "t.csv": csv(),
    "t.parquet": parquet(a=NUMBERS[:, 0], b=NUMBERS[:, 1], y=WORDS),
    "t.npz": npz(x=NUMBERS, y=WORDS),
    "t.gz": gzip.compress(PIXELS, mtime=0),
    "t.idx": PIXELS,
}


def load(folder: Path, name: str, content: bytes) -> None:
    (folder / name).write_bytes(content)
    if name in ("t.gz", "t.idx"):
        (folder / "labels").write_bytes(TRUTH)
        load_data(DatasetConfig(images=str(folder / name), labels=str(folder / "labels")))
    else:
        load_data(DatasetConfig(path=str(folder / name), label="y"))


def cut(content: bytes, length: int, _: int) -> bytes:
    return content[: length % len(content)]


def flip(content: bytes, position: int, value: int) -> bytes:
    where = position % len(content)
    return content[:where] + bytes([content[where] ^ value]) + content[where + 1 :]


DAMAGES = [pytest.param(name, damage) for name in WHOLE for damage in (cut, flip)]


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize(("name", "damage"), DAMAGES)
@settings(
    deadline=None,
    max_examples=60,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(position=st.integers(0, 100_000), value=st.integers(1, 255))
@example(position=0, value=1)
@example(position=10, value=1)
def test_any_damage_is_refused_or_harmless(
    name: str, damage: Callable[[bytes, int, int], bytes], tmp_path: Path, position: int, value: int
) -> None:
    try:
        load(tmp_path, name, damage(WHOLE[name], position, value))
    except RequestError:
        pass
