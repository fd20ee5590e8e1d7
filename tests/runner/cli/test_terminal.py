"""What the program asks of the terminal around it."""

from __future__ import annotations

import errno
import io
import os
from pathlib import Path

import pytest

from caviar.runner.cli import terminal
from caviar.runner.errors import RequestError


def test_signs_that_an_encoding_lacks_are_replaced(monkeypatch: pytest.MonkeyPatch) -> None:
    written = io.BytesIO()
    monkeypatch.setattr("sys.stdout", io.TextIOWrapper(written, encoding="ascii"))
    terminal.replace_unknown_signs()
    terminal.say("m = 4: \N{MINUS SIGN}0.5")
    terminal.flush()
    assert written.getvalue() == b"m = 4: -0.5\n"


def test_a_working_folder_that_is_gone_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "gone"
    folder.mkdir()
    monkeypatch.chdir(folder)
    folder.rmdir()
    with pytest.raises(RequestError, match="was it deleted"):
        terminal.must_be_somewhere()
    monkeypatch.chdir(tmp_path)
    terminal.must_be_somewhere()


def test_too_few_file_handles_name_the_limit() -> None:
    few = terminal.system_error(OSError(errno.EMFILE, os.strerror(errno.EMFILE)))
    assert few.startswith("operating system error: [Errno 24]") and "`ulimit -n`" in few
    assert "`ulimit -n`" not in terminal.system_error(OSError(errno.EIO, os.strerror(errno.EIO)))


def test_it_ends_with_one_line_and_the_code(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        terminal.end("no such\nfile", 2)
    assert ended.value.code == 2
    assert capsys.readouterr().err.count("\n") == 1


def test_styles_are_for_terminals_and_for_those_who_want_them(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("sys.stdout.isatty", lambda: True, raising=False)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.delenv("NO_COLOR", raising=False)
    assert terminal.has_colour()
    monkeypatch.setenv("NO_COLOR", "1")
    assert not terminal.has_colour()
    monkeypatch.delenv("NO_COLOR")
    monkeypatch.setenv("TERM", "dumb")
    assert not terminal.has_colour()
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setattr("sys.stdout.isatty", lambda: False, raising=False)
    assert not terminal.has_colour()


def test_only_what_is_styled_keeps_its_control_characters(
    capsys: pytest.CaptureFixture[str],
) -> None:
    terminal.say(terminal.Styled("\033[1mbest\033[0m"))
    terminal.say("\033[1mname")
    assert capsys.readouterr().out == "\033[1mbest\033[0m\n\\x1b[1mname\n"
