"""The program in a real terminal: keys are sent to tmux, and what it shows is captured."""

from __future__ import annotations

import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.runner.helpers import ended_well, settings_of
from tests.runner.panda.live import until
from tests.runner.panda.pandas import STUDY

pytestmark = pytest.mark.skipif(
    shutil.which("tmux") is None, reason="tmux is not installed: no terminal to test the screen in"
)


class Terminal:
    """A terminal of 80 x 24 in a server of its own."""

    def __init__(self, folder: Path) -> None:
        self._socket = folder / "tmux"

    def tmux(self, *words: str) -> str:
        command = ["tmux", "-f", "/dev/null", "-u", "-S", str(self._socket), *words]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout

    def start(self, *words: str, cwd: Path) -> None:
        line = f"LANG=C.UTF-8 COLUMNS=80 LINES=24 {shlex.join(words)}; echo exit code $?; exec cat"
        self.tmux("new-session", "-d", "-x", "80", "-y", "24", "-c", str(cwd), line)

    def press(self, *keys: str) -> None:
        self.tmux("send-keys", *keys)

    @property
    def text(self) -> str:
        return self.tmux("capture-pane", "-p")

    def shows(self, *texts: str) -> None:
        try:
            until(lambda: all(text in self.text for text in texts), 15)
        except AssertionError:
            raise AssertionError(self.text) from None


@pytest.fixture
def terminal(tmp_path: Path) -> Iterator[Terminal]:
    opened = Terminal(tmp_path)
    yield opened
    opened.tmux("kill-server")


def test_a_training_is_edited_left_and_gone_on_with(terminal: Terminal, tmp_path: Path) -> None:
    program = [sys.executable, "-m", "caviar", "panda", "--kernels", "off"]
    terminal.start(*program, *settings_of(STUDY), "--pace", "4", "--out", "run", cwd=tmp_path)
    terminal.shows("quickstart: wine, 6, batch norm", "this is the twin", "step ")
    terminal.press("L")
    terminal.shows("lineage 1", "⠒⠒ panda")
    terminal.press(":")
    terminal.press("set learnin_rate=1", "Enter")
    terminal.shows("refused: 'learnin_rate' cannot be set")
    terminal.tmux("resize-window", "-x", "79", "-y", "20")
    terminal.shows("79 x 20", "needs 80 x")
    terminal.tmux("resize-window", "-x", "80", "-y", "24")
    terminal.shows("quickstart: wine")
    terminal.press("q")
    terminal.shows("go on with: caviar panda --resume run", "exit code 0")
    done = ended_well("panda", "--no-screen", "--resume", "run", cwd=tmp_path)
    assert "trained to the end, 1 edited training beside its twin" in done
