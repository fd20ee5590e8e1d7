"""The help names every key and every request, and fits the narrowest screen."""

from __future__ import annotations

from caviar.analysis.terminal_width import columns
from caviar.runner.cli.panda.screen.help_text import help_lines
from caviar.runner.cli.panda.screen.keys import KEYS
from caviar.runner.panda.requests import FORMS


def test_every_key_and_request_is_named() -> None:
    lines = [line.plain for line in help_lines(79)]
    assert all(any(line.startswith(f"  {key.shown} ") for line in lines) for key in KEYS)
    assert all(f"  {form}" in lines for form in FORMS.values())
    assert max(map(columns, lines)) <= 79
