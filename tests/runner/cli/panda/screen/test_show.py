"""Where there is no terminal that can be drawn on, one sentence names what to do."""

from __future__ import annotations

import sys
from types import SimpleNamespace

import pytest

from caviar.runner.cli.panda.screen.show import must_be_a_terminal
from caviar.runner.errors import RequestError


def stream(is_terminal: bool) -> SimpleNamespace:
    return SimpleNamespace(isatty=lambda: is_terminal)


@pytest.mark.parametrize(
    ("keys", "drawn", "term", "says"),
    [
        (False, True, "xterm", "no terminal"),
        (True, False, "xterm", "no terminal"),
        (True, True, "dumb", "TERM='dumb'"),
        (True, True, None, "TERM=''"),
    ],
)
def test_without_a_terminal_it_says_what_to_do(
    keys: bool, drawn: bool, term: str | None, says: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "stdin", stream(keys))
    monkeypatch.setattr(sys, "stderr", stream(drawn))
    with pytest.raises(RequestError, match=says) as raised:
        must_be_a_terminal({} if term is None else {"TERM": term})
    assert "--no-screen" in str(raised.value)


def test_a_terminal_will_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", stream(True))
    monkeypatch.setattr(sys, "stderr", stream(True))
    must_be_a_terminal({"TERM": "xterm-256color"})
