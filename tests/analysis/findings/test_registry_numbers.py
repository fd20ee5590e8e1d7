"""Every number of every table of one invented run, as before findings were one value each.

`fingerprints.json` was written by the code before; it changes only where a number is meant to.
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from caviar.analysis.findings.finding import Results
from tests.analysis.findings.fingerprints import fingerprint

WRITTEN = json.loads((Path(__file__).parent / "fingerprints.json").read_text(encoding="utf-8"))


def test_every_table_is_what_it_was(findings: Results) -> None:
    assert set(WRITTEN) == set(findings)
    for name, columns in WRITTEN.items():
        # A trial's name follows its config; all else is fixed here.
        table = findings[name].drop(columns="trial_id", errors="ignore")
        assert list(columns) == list(table.columns), name
        for column, numbers in fingerprint(table).items():
            if isinstance(columns[column][-1], str):
                assert numbers == columns[column], (name, column)
            else:
                assert numbers == pytest.approx(columns[column], rel=1e-13, abs=1e-13), (
                    name,
                    column,
                )
