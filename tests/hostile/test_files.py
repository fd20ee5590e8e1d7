"""Data files that are not what they claim to be: pipes, devices, bombs, heads of 10^12 rows."""

from __future__ import annotations

import gzip
import os
import re
import struct
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from caviar.runner.data import reading
from caviar.runner.data.sources import load_data
from caviar.runner.errors import RequestError
from caviar.runner.fields.dataset import DatasetConfig
from caviar.runner.limits import MOST_FILE_BYTES

GIB = MOST_FILE_BYTES


def said(path: Path | str, label: str = "y") -> str:
    with pytest.raises(RequestError) as caught:
        load_data(DatasetConfig(path=str(path), label=label))
    message = str(caught.value)
    assert "\n" not in message and len(message) < 1100
    return message


def said_of_images(path: Path | str, labels: Path | str = "none") -> str:
    with pytest.raises(RequestError) as caught:
        load_data(DatasetConfig(images=str(path), labels=str(labels)))
    return str(caught.value)


def pipe(path: Path) -> None:
    os.mkfifo(path)


def broken_link(path: Path) -> None:
    path.symlink_to("nowhere")


def link_to_itself(path: Path) -> None:
    path.symlink_to(path.name)


def endless(path: Path) -> None:
    path.symlink_to("/dev/zero")


ODD: list[Any] = [
    pytest.param(pipe, "a pipe, a device or a socket", id="pipe"),
    pytest.param(endless, "a pipe, a device or a socket", id="device"),
    pytest.param(Path.mkdir, "that is a folder", id="folder"),
    pytest.param(broken_link, "there is no file", id="broken link"),
    pytest.param(link_to_itself, "there is no file", id="link to itself"),
]


@pytest.mark.parametrize("suffix", ["csv", "parquet", "npz", "idx"])
@pytest.mark.parametrize(("make", "words"), ODD)
def test_what_is_no_file_is_not_opened(
    make: Callable[[Path], None], words: str, suffix: str, tmp_path: Path
) -> None:
    """A pipe would wait for a writer for ever, and /dev/zero never ends."""
    path = tmp_path / f"t.{suffix}"
    make(path)
    asked = said_of_images if suffix == "idx" else said
    assert re.search(f"dataset: there is no file .*t.{suffix}.*", asked(path))
    assert re.search(words, asked(path))


@pytest.mark.parametrize(
    "name", ["a\0b.csv", "n" * 5000 + ".csv", "", "\udcff.csv", "/dev/stdin/x"]
)
def test_an_odd_name_is_no_file(name: str, tmp_path: Path) -> None:
    assert "dataset: there is no file" in said(f"{tmp_path}/{name}")


@pytest.mark.skipif(os.geteuid() == 0, reason="everything may be read by root")
def test_a_file_that_may_not_be_read_is_named(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("a,y\n1,2\n")
    (tmp_path / "t.csv").chmod(0)
    assert "may not be read; change its permissions" in said(tmp_path / "t.csv")


@pytest.mark.parametrize("suffix", ["csv", "parquet", "npz", "idx"])
def test_two_gigabytes_are_refused_unread(suffix: str, tmp_path: Path) -> None:
    path = tmp_path / f"t.{suffix}"
    with path.open("wb") as file:
        file.truncate(2 * GIB)  # A hole: it takes no room on the disk.
    tracemalloc.start()
    message = (said_of_images if suffix == "idx" else said)(path)
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert "has 2,147,483,648 bytes, above the 1,073,741,824" in message and "fewer rows" in message
    assert most < 1_000_000


def parquet_of(path: Path, **columns: Any) -> bytes:
    pq.write_table(pa.table(columns), path)
    return path.read_bytes()


def test_the_footer_of_a_parquet_file_is_held_against_the_limit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Equal values take almost no room on disk, whether a million rows or 10^12."""
    path = tmp_path / "t.parquet"
    ones = np.zeros(1_000_000, np.int8)
    assert len(parquet_of(path, a=ones, y=ones)) < 10_000
    monkeypatch.setattr(reading, "MOST_VALUES", 1_999_999)
    promised = "its footer promises 1,000,000 rows of 2 columns, 2,000,000 values"
    assert promised in said(path) and "above the 1,999,999" in said(path)


def test_a_long_text_that_every_row_repeats_is_not_unpacked(tmp_path: Path) -> None:
    """A label of 50 KB in 2,000 rows is 100 MB, unless it stays a dictionary."""
    pool_before = pa.default_memory_pool()
    texts = pa.DictionaryArray.from_arrays(
        pa.array(np.arange(4000, dtype=np.int32) % 2), pa.array(["x" * 50_000, "y"])
    )
    numbers = np.arange(4000) % 7
    plain = pa.table({"a": numbers, "y": texts.cast(pa.string())})
    pq.write_table(plain, tmp_path / "label.parquet")
    pool = pa.proxy_memory_pool(pa.default_memory_pool())
    pa.set_memory_pool(pool)
    try:
        assert "a label in 'y' has more than 1000 bytes" in said(tmp_path / "label.parquet")
    finally:
        pa.set_memory_pool(pool_before)
    assert pool.max_memory() < 10_000_000 < 2000 * 50_000
    parquet_of(tmp_path / "feature.parquet", a=texts.cast(pa.string()), y=numbers)
    assert "not numeric: a" in said(tmp_path / "feature.parquet")
    rows = "".join(f"{i},{'pq'[i % 2]}\n" for i in range(50_000))
    (tmp_path / "t.csv").write_text("a,y\n" + rows + f"3,{'x' * 500_000}\n")
    assert "a label in 'y' has more than 1000 bytes" in said(tmp_path / "t.csv")


def test_a_damaged_label_is_refused_at_every_byte(tmp_path: Path) -> None:
    """Arrow silently reads indices beyond the dictionary and texts that are not UTF-8."""
    path = tmp_path / "t.parquet"
    words = ["ant", "bee", "cow"] * 20
    content = parquet_of(path, a=np.arange(60), y=words)
    labels = pq.ParquetFile(path).metadata.row_group(0).column(1)
    start = labels.dictionary_page_offset
    messages = set()
    for position in range(start, start + labels.total_compressed_size):
        for flip in (2, 255):
            changed = bytes([content[position] ^ flip])
            path.write_bytes(content[:position] + changed + content[position + 1 :])
            try:
                load_data(DatasetConfig(path=str(path), label="y"))
            except RequestError as error:
                messages.add(str(error))
    assert any("UTF8" in message for message in messages) and any(
        "dictionary" in message for message in messages
    )


def test_pages_that_hold_more_than_the_footer_says_are_not_all_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reading, "MOST_VALUES", 100_000)
    texts = [f"{i:050d}" for i in range(40_000)]
    parquet_of(tmp_path / "t.parquet", a=np.arange(40_000, dtype=np.int8), y=texts)
    assert re.search(r"t.parquet unpacks to [\d,]+ bytes and more", said(tmp_path / "t.parquet"))


def bomb(path: Path, opened: Callable[..., Any]) -> None:
    with opened(path, "wb") as file:
        file.write(b"a,y\n")
        for _ in range(64):
            file.write(b"1,2\n" * 2**18)


@pytest.mark.parametrize("small", [True, False])
def test_a_packed_table_is_counted_while_it_is_unpacked(
    small: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bomb(tmp_path / "t.csv.gz", gzip.open)
    monkeypatch.setattr(reading, "MOST_FILE_BYTES", 10**7)
    tracemalloc.start()
    if small:
        monkeypatch.setattr(reading, "MOST_FILE_BYTES", GIB)
        monkeypatch.setattr(reading, "MOST_VALUES", 10**7)
    message = said(tmp_path / "t.csv.gz")
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    expected = r"so far, 10,\d+,\d+ values, above" if small else r"unpacks to 10,\d+,\d+ bytes"
    assert re.search(expected, message)
    assert most < 5_000_000


def idx_head(*shape: int, kind: int = 8) -> bytes:
    return struct.pack(f">HBB{len(shape)}I", 0, kind, len(shape), *shape)


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize(
    ("shape", "words"),
    [
        ((2**32 - 1, 28, 28), "its head promises 4294967295 × 28 × 28, 3,367,254,359,280 values"),
        ((2**27,), r"not a whole IDX file \(there are fewer values than the 134,217,728"),
    ],
)
def test_the_head_of_an_idx_file_is_not_believed(
    shape: tuple[int, ...], words: str, packed: bool, tmp_path: Path
) -> None:
    content = idx_head(*shape) + bytes(1000)
    (tmp_path / "t").write_bytes(gzip.compress(content) if packed else content)
    assert re.search(words, said_of_images(tmp_path / "t"))


def test_an_idx_bomb_is_unpacked_as_far_as_its_head_says(tmp_path: Path) -> None:
    content = idx_head(10) + bytes(50_000_000)
    (tmp_path / "t").write_bytes(gzip.compress(content, 1))
    tracemalloc.start()
    assert "there are more values than the 10 that" in said_of_images(tmp_path / "t")
    assert tracemalloc.get_traced_memory()[1] < 1_000_000
    tracemalloc.stop()


def test_a_table_of_very_many_columns_is_refused(tmp_path: Path) -> None:
    names = ",".join(f"c{i}" for i in range(120_000))
    (tmp_path / "t.csv").write_text(f"{names}\n" + f"{','.join('1' * 120_000)}\n" * 3)
    assert "120,000 columns, above the 100,000" in said(tmp_path / "t.csv")


def test_ordinary_files_are_read_as_before(tmp_path: Path) -> None:
    """Whole numbers, truth values, missing ones in a text column that is none, dictionaries."""
    columns = {
        "i": pa.array([1, 2, 3, 4] * 20, pa.uint8()),
        "b": pa.array([True, False] * 40),
        "f": pa.array([0.1, 0.2, 0.3, 0.5] * 20, pa.float32()),
        "d": pa.array([5, 7] * 40, pa.int16()).dictionary_encode(),
        "y": pa.array(["no", "yes", "no", "so"] * 20).dictionary_encode(),
    }
    parquet_of(tmp_path / "t.parquet", **columns)
    data = load_data(DatasetConfig(path=str(tmp_path / "t.parquet"), label="y"))
    assert data.classes == ("no", "so", "yes")
    assert data.labels[:4].tolist() == [0, 2, 0, 1]
    assert data.features.dtype == np.float64 and data.features.flags.c_contiguous
    assert data.features[1].tolist() == [2.0, 0.0, float(np.float32(0.2)), 7.0]
