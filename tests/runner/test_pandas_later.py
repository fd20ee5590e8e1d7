"""The program imports pandas for its answer, and nothing before needs it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from tests.faults.program import SMALL
from tests.runner.helpers import settings_of

ROOT = Path(__file__).resolve().parents[2]

PROGRAM = """
import sys
from caviar.runner.cli.main import main
main()
assert "pandas" not in sys.modules
import numpy, pyarrow
frame = pyarrow.table({"a": [1.5, None], "b": ["x", "y"]}).to_pandas()
import pandas
assert isinstance(frame, pandas.DataFrame)
assert pyarrow.array(pandas.Series([numpy.nan, 1.0])).null_count == 1
from caviar.runner.pandas_later import pandas_later
pandas_later()
assert sys.modules["pandas"] is pandas
"""
"""The program, then data frames from Arrow and back, in which a missing number stays one."""


def test_a_run_needs_no_pandas_and_data_frames_come_afterwards(tmp_path: Path) -> None:
    words = ("run", *settings_of(SMALL), "--on", "inline", "--no-report", "--out")
    command = [sys.executable, "-c", PROGRAM, *words, str(tmp_path / "run")]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
    assert "2/2 trials" in done.stdout
