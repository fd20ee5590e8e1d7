"""What every storage promises, and reading whole files from it."""

from __future__ import annotations

import errno
from pathlib import Path
from typing import Any

import pytest

from caviar.runner.errors import StorageError
from caviar.runner.store.local_folder import LocalFolder
from caviar.runner.store.storage import numbered, read, reason


@pytest.mark.parametrize(
    ("names", "number"),
    [
        ([], 0),
        (["part-000000.parquet"], 1),
        (["part-000007.parquet", "part-000009-1f3a.parquet", "part-000008.parquet"], 10),
        (["other", "part-.parquet", "part-x1.parquet"], 0),
    ],
)
def test_the_next_number_is_above_all(names: list[str], number: int) -> None:
    assert numbered(names) == number


def test_a_reason_is_one_line_of_the_system_or_the_library() -> None:
    assert reason(OSError(errno.ENOSPC, "whatever")) == "No space left on device"
    assert reason(OSError("first line\nsecond line")) == "first line"
    assert reason(ValueError()) == "ValueError"


def test_a_file_that_cannot_be_read_is_a_sentence_and_a_missing_one_is_missing(
    tmp_path: Path,
) -> None:
    class Broken(LocalFolder):
        def open(self, key: str) -> Any:
            raise OSError(errno.EIO, "broken")

    with pytest.raises(StorageError, match=r"cannot read a in '.*': Input/output error; "):
        read(Broken(tmp_path), "a")
    with pytest.raises(FileNotFoundError):
        read(LocalFolder(tmp_path), "a")
