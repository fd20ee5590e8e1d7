"""What is printed where signs are lacking, and where the reader is gone."""

from __future__ import annotations

import io
import os
from pathlib import Path

import pytest

from caviar.runner.session.output import Output
from tests.runner.helpers import started


@pytest.mark.parametrize(
    ("encoding", "shown"), [("ascii", b"-1 | ?"), ("latin-1", b"-1 \xb7 \xe9"), ("utf-8", None)]
)
def test_signs_that_an_encoding_lacks_are_replaced(encoding: str, shown: bytes | None) -> None:
    buffer = io.BytesIO()
    stream = io.TextIOWrapper(buffer, encoding=encoding)
    Output(stream).write("−1 · é")
    stream.flush()
    assert buffer.getvalue() == (shown or "−1 · é".encode())


def test_nothing_fails_once_the_reader_is_gone() -> None:
    reader, writer = os.pipe()
    os.close(reader)
    with open(writer, "w") as stream:
        output = Output(stream)
        print("to no one", file=output)
        assert not output.lost  # It waits in a buffer.
        output.flush()
        assert output.lost
        print("more", file=output, flush=True)
        stream.write("and past it")


def test_a_working_folder_that_was_deleted_is_the_cause(tmp_path: Path) -> None:
    folder = tmp_path / "deleted"
    folder.mkdir()
    before = Path.cwd()
    os.chdir(folder)
    try:
        folder.rmdir()
        done = started("status", "run", cwd=Path("/proc/self/cwd"))
    finally:
        os.chdir(before)
    assert done.returncode == 2
    assert done.stderr.startswith("caviar: the working folder cannot be used (No such file")
