"""The program in terminals and behind streams as people have them; each case really starts it."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import signal
import struct
import subprocess
import termios
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest

from caviar.runner.cli import terminal
from caviar.runner.store.open import storage_at
from caviar.runner.verify.run import verify_run
from tests.runner.helpers import TINY, command, eventually, settings_of, started, well

RUN = ("run", *settings_of(TINY), "--on", "inline", "--no-report", "--out", "run")
STYLE = re.compile(rb"\x1b\[[0-9;]*m")
SHOW_CURSOR = b"\x1b[?25h"


class Terminal:
    """A program in a pseudo-terminal of its own, of which it is the foreground."""

    def __init__(self, words: Sequence[str], folder: Path, columns: int, **variables: str) -> None:
        self.screen, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
        environment = {**os.environ, "TERM": "xterm-256color", **variables}
        for name in {"COLUMNS", "NO_COLOR"} - set(variables):
            environment.pop(name, None)
        self.process = subprocess.Popen(
            words,
            cwd=folder,
            env=environment,
            stdin=slave,
            stdout=slave,
            stderr=slave,
            start_new_session=True,
            preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),
        )
        os.close(slave)
        self.shown = b""

    def read(self) -> bool:
        """Read on; false once the program has left the terminal."""
        try:
            more = os.read(self.screen, 2**16)
        except OSError:
            return False
        self.shown += more
        return bool(more)

    def until(self, text: bytes) -> None:
        while text not in self.shown:
            assert self.read(), self.shown

    def ended(self) -> int:
        while self.read():
            pass
        return self.process.wait(timeout=120)


@contextmanager
def opened(
    words: Sequence[str], folder: Path, columns: int = 80, **variables: str
) -> Iterator[Terminal]:
    one = Terminal(words, folder, columns, **variables)
    try:
        yield one
    finally:
        one.process.kill()
        one.process.wait()
        os.close(one.screen)


def is_whole(root: Path) -> None:
    assert not verify_run(storage_at(root)).faults


def test_a_narrow_terminal_without_colours(tmp_path: Path) -> None:
    with opened(command(*RUN), tmp_path, columns=40, NO_COLOR="1") as shown:
        assert shown.ended() == 0
    assert not [s for s in STYLE.findall(shown.shown) if s not in (b"\x1b[0m", b"\x1b[m")]
    assert shown.shown.rindex(SHOW_CURSOR) < shown.shown.index(b"\nrows: run")
    is_whole(tmp_path / "run")


def test_a_dumb_terminal_of_ascii_alone(tmp_path: Path) -> None:
    """No control sequence, and no sign beyond ASCII."""
    ascii_alone = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    with opened(command(*RUN), tmp_path, 80, TERM="dumb", **ascii_alone) as shown:
        assert shown.ended() == 0, shown.shown
    assert b"\x1b" not in shown.shown and shown.shown.isascii()
    assert b"4/4 trials | 0 running | 0 failed" in shown.shown
    is_whole(tmp_path / "run")


def test_names_in_utf_8_where_the_locale_has_another_encoding(tmp_path: Path) -> None:
    """Python takes `réseau` for another name there, of the study, its data and its run."""
    folder = tmp_path / "réseau"
    folder.mkdir()
    (folder / "étude.toml").write_text(
        'name = "named"\ndataset = { path = "données.csv", label = "y" }\n'
    )
    rows = [f"{i / 7:.3f},{i % 2}" for i in range(60)]
    (folder / "données.csv").write_text("\n".join(["a,y", *rows]))
    ascii_alone = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    words = ("réseau/étude.toml", "--on", "inline", "--no-report", "--out", "réseau/été")
    small = settings_of(["hidden=[4]", "batch_size=8", "budget.steps=4", "replicas=1"])
    shown = well(started("run", *words, *small, cwd=tmp_path, **ascii_alone))
    assert "\nrows: r?seau/?t?\n" in shown and "| 0 failed |" in shown
    is_whole(folder / "été")


def test_ctrl_c_twice_gives_the_terminal_back(tmp_path: Path) -> None:
    endless = ("--set", "budget.epochs=1000000")
    with opened(command(*RUN, *endless), tmp_path) as shown:
        assert eventually(lambda: (tmp_path / "run" / "trials").exists())
        os.write(shown.screen, b"\x03\x03")  # As typed: the terminal sends SIGINT to the group.
        assert shown.ended() == 130
    assert b"Traceback" not in shown.shown
    assert b"\x1b[?25l" not in shown.shown or SHOW_CURSOR in shown.shown


def test_errors_go_to_a_file_while_the_terminal_shows_the_rest(tmp_path: Path) -> None:
    words = ["sh", "-c", 'exec "$@" 2>errors', "sh", *command("report", "run")]
    with opened(words, tmp_path) as shown:
        assert shown.ended() == 2
    assert shown.shown == b""
    assert (tmp_path / "errors").read_text() == "caviar: 'run' is not a run: it has no study.json\n"


@pytest.mark.parametrize("closed", [">&-", "2>&-", "<&- >&- 2>&-"])
def test_streams_that_the_shell_closed(closed: str, tmp_path: Path) -> None:
    """No file of the run takes the number of a stream."""
    words = ["sh", "-c", f'exec "$@" {closed}', "sh", *command(*RUN)]
    done = subprocess.run(words, cwd=tmp_path, capture_output=True, timeout=300, check=False)
    assert (done.returncode, done.stderr) == (0, b"")
    assert (b"rows: run" in done.stdout) == (closed == "2>&-")
    is_whole(tmp_path / "run")


@pytest.mark.parametrize("columns", ["abc", "0", "-3", ""])
def test_a_width_that_is_none(columns: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", columns)
    assert terminal.width() >= 1


@pytest.mark.parametrize("words", [("--help",), ("conventions", "--json")])
def test_a_reader_that_left_before_the_first_word(words: tuple[str, ...], tmp_path: Path) -> None:
    """As with `caviar --help | head -1`."""
    read, write = os.pipe()
    os.close(read)
    with os.fdopen(write, "wb") as closed:
        done = subprocess.run(
            command(*words), cwd=tmp_path, stdout=closed, stderr=subprocess.PIPE, check=False
        )
    assert (done.returncode, done.stderr) == (0, b"")


def test_a_pager_that_is_quit(tmp_path: Path) -> None:
    """`caviar fields | head -1`, whose pipe is closed after the first line."""
    with subprocess.Popen(
        command("fields"), cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        assert process.stdout and process.stdout.readline()
        process.stdout.close()
        assert process.stderr and process.stderr.read() == b""
    assert process.returncode in (0, 128 + signal.SIGINT)
