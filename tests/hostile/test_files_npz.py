"""NPZ files that are not what they claim to be: heads that promise too much, bombs, pickles."""

from __future__ import annotations

import io
import re
import struct
import tracemalloc
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from caviar.runner.data.sources import load_data
from caviar.runner.fields.dataset import DatasetConfig
from tests.hostile.test_files import said


def npz_of(path: Path, **members: bytes) -> None:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(f"{name}.npy", content)


def npy_head(shape: str, descr: str = "'|u1'", version: bytes = b"\1\0") -> bytes:
    text = f"{{'descr': {descr}, 'fortran_order': False, 'shape': {shape}, }}\n".encode()
    length = struct.pack("<H" if version == b"\1\0" else "<I", len(text))
    return b"\x93NUMPY" + version + length + text


def whole_npy(array: Any) -> bytes:
    file = io.BytesIO()
    np.save(file, array)
    return file.getvalue()


Y = whole_npy(np.arange(60) % 2)
NPZ: list[Any] = [
    pytest.param(npy_head("(10**9, 9)"), "t.npz: not a plain NPZ", id="an expression"),
    pytest.param(npy_head("(1000000000000,)"), "x.npy is 1000000000000, 1,000,", id="rows"),
    pytest.param(npy_head("(60, 99999)") + bytes(99), "x.npy ends before its 60 × 99999", id="cut"),
    pytest.param(npy_head("(60, -9)"), "t.npz", id="negative"),
    pytest.param(npy_head("(60,)", "'<U99999999'"), "above the 268,435,456", id="wide texts"),
    pytest.param(npy_head("(" * 2000 + ")" * 2000), "t.npz: not a plain NPZ", id="nested"),
    pytest.param(
        npy_head("(60,)", "'|O'") + b"cos\nsystem\n(S'x'\ntR.",
        "object array of other things than text",
        id="pickle",
    ),
    pytest.param(npy_head("(60, 1)", version=b"\3\0") + bytes(60), "t.npz: not a plain", id="v3"),
    pytest.param(npy_head("(60, 2)", version=b"\2\0") + bytes(119), "expected 120 bytes", id="v2"),
    pytest.param(b"", "t.npz: not a plain NPZ", id="empty"),
]


@pytest.mark.parametrize(("content", "words"), NPZ)
def test_the_head_of_an_array_is_not_believed(content: bytes, words: str, tmp_path: Path) -> None:
    npz_of(tmp_path / "t.npz", x=content, y=Y)
    assert re.search(words, said(tmp_path / "t.npz"))


def test_a_zip_bomb_is_not_unpacked(tmp_path: Path) -> None:
    """Fifty megabytes of zeros in 50 KB behind a head of 60 values, which are taken."""
    npz_of(tmp_path / "t.npz", x=npy_head("(60, 1)") + bytes(50_000_000), y=Y)
    tracemalloc.start()
    data = load_data(DatasetConfig(path=str(tmp_path / "t.npz"), label="y"))
    assert data.features.shape == (60, 1)
    assert tracemalloc.get_traced_memory()[1] < 5_000_000
    tracemalloc.stop()


def test_only_the_two_arrays_that_are_needed_are_looked_at(tmp_path: Path) -> None:
    npz_of(tmp_path / "t.npz", **{f"a{i}": b"" for i in range(3000)}, y=Y)
    assert "found a0, a1, a10, a100, a1000 and 2995 more" in said(tmp_path / "t.npz")
