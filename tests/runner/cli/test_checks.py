"""Commands that only print: a reader that is gone is no fault of theirs."""

from __future__ import annotations

import os
import sys

import pytest

from caviar.runner.cli import checks


@pytest.mark.parametrize("as_json", [False, True])
def test_a_closed_pipe_ends_the_rules_well(as_json: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """`caviar conventions | head -1`: the text is longer than what a buffer holds back."""
    reader, writer = os.pipe()
    os.close(reader)
    with os.fdopen(writer, "w") as gone:
        monkeypatch.setattr(sys, "stdout", gone)
        checks.conventions(as_json)
        checks.conventions(as_json)
        gone.flush()


def test_every_rule_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    checks.conventions()
    assert capsys.readouterr().out.startswith("name ")
