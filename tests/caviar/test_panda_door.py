"""`caviar.control`: the panda of a run, from Python."""

from __future__ import annotations

from pathlib import Path

import pytest

import caviar
from tests.runner.panda.live import live
from tests.runner.panda.pandas import plan_of_one


def test_a_panda_is_asked_from_python(tmp_path: Path) -> None:
    out = tmp_path / "run"
    with live(plan_of_one(), out) as panda:
        answer = caviar.control(out, "set momentum=0.5 --at 30", note="it's slow")
        assert (answer.accepted, answer.step, answer.lineage) == (True, 30, 1)
        refused = caviar.control(str(out), "select 9")
        assert (refused.accepted, refused.says) == (
            False,
            "there is no lineage 9, only lineages 0 to 1",
        )
        first, second = panda.view().log
        assert first.text == "momentum 0.9 → 0.5 (it's slow)"
        assert first.asked_by.startswith("python ") and not second.accepted
        with pytest.raises(caviar.RequestError, match="did you mean 'select'"):
            caviar.control(out, "selct 1")
    with pytest.raises(caviar.RequestError, match="no panda is training"):
        caviar.control(out, "go")
