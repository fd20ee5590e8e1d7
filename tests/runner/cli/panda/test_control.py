"""`caviar control`: its exit codes are the answer."""

from __future__ import annotations

import json
from pathlib import Path

from tests.runner.helpers import caviar
from tests.runner.panda.live import live
from tests.runner.panda.pandas import plan_of_one


def test_accepted_refused_and_wrong(tmp_path: Path) -> None:
    with live(plan_of_one(), tmp_path / "run") as panda:
        words = ("set", "momentum=0.5", "--at", "30", "--note", "it is; too fast")
        done = caviar("control", "run", *words, cwd=tmp_path)
        assert (done.returncode, done.stderr) == (0, "")
        assert done.stdout == "momentum 0.9 → 0.5, from the end of step 30 on (now 0): lineage 1\n"
        (line,) = panda.view().log
        assert line.text == "momentum 0.9 → 0.5 (it is; too fast)"
        assert line.asked_by.startswith("control ")
        refused = caviar("control", "run", "rewind", "home", cwd=tmp_path)
        assert refused.returncode == 1
        assert refused.stdout.startswith("refused: there is no snapshot to rewind to")
        told = caviar("control", "run", "undo", "--json", cwd=tmp_path)
        assert json.loads(told.stdout) == {
            "accepted": True,
            "says": "back to lineage 0 after step 0, without momentum = 0.5",
            "step": 0,
            "lineage": 0,
        }
        wrong = caviar("control", "run", "rewnd", "home", cwd=tmp_path)
        assert (wrong.returncode, wrong.stdout) == (2, "")
        assert "did you mean 'rewind'?" in wrong.stderr
    nobody = caviar("control", "run", "go", cwd=tmp_path)
    assert (nobody.returncode, nobody.stdout) == (2, "")
    assert "no panda is training in 'run'; go on with: caviar panda --resume run" in nobody.stderr
