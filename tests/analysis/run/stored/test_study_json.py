from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from caviar.analysis.run.stored.location import DamagedError, place_at
from caviar.analysis.run.stored.study_json import study_in

STUDY: dict[str, Any] = {"study": {"scientific": {}, "nuisance": {}}}


@pytest.mark.parametrize(
    "wrong",
    [
        {},
        {"study": {"scientific": {}}},
        STUDY | {"mechanisms": [{"arm": "noise"}]},
        STUDY | {"not_trained_with": [{"field": "m", "decided_by": "norm", "values": "none"}]},
    ],
)
def test_what_describes_no_study_is_damaged(wrong: dict[str, Any], tmp_path: Path) -> None:
    (tmp_path / "study.json").write_text(json.dumps(wrong), encoding="utf-8")
    with pytest.raises(DamagedError, match=r"study\.json in .* is damaged"):
        study_in(place_at(tmp_path))


def test_what_describes_one_is_read(tmp_path: Path) -> None:
    (tmp_path / "study.json").write_text(json.dumps(STUDY), encoding="utf-8")
    assert study_in(place_at(tmp_path)) == STUDY
