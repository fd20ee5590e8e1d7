"""What every storage promises, and reading whole files from it."""

from __future__ import annotations

import errno
from pathlib import Path
from typing import Any

import pytest

from caviar.runner.errors import StorageError
from caviar.runner.store.local_folder import LocalFolder
from caviar.runner.store.storage import read, reason


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
