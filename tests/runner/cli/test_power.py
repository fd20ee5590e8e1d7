"""The line about power in a dry run."""

from __future__ import annotations

from pathlib import Path

import pytest

from caviar.runner.cli.power import power
from caviar.runner.errors import RequestError


def test_without_a_pilot_the_spread_is_assumed() -> None:
    assert power(8, None).startswith("power (spread over seeds of test-loss differences assumed")


def test_a_pilot_that_is_no_run_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RequestError, match="is not a run"):
        power(8, str(tmp_path))
