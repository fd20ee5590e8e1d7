"""Which arms of a study show which mechanism, as its run records it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from caviar.analysis.tables.control_arms import EARLIER, shown_by_arms
from caviar.runner.study.mechanisms import mechanisms_of
from caviar.runner.study.study_file import read_study

STUDIES = Path(__file__).parents[3] / "studies"
HEAD = 'name = "arms"\ndataset = { name = "wine" }\nbudget = { epochs = 1 }\n'


def noted(tmp_path: Path, arms: str) -> list[tuple[str, ...]]:
    file = tmp_path / "study.toml"
    file.write_text(f"{HEAD}[arms]\nbatch = {{}}\n{arms}", encoding="utf-8")
    return [tuple(row.values()) for row in mechanisms_of(read_study(file, ()))]


def test_the_arms_of_the_study_of_mechanisms_show_what_they_did_by_name() -> None:
    """A run made now then gives the same table as one whose study.json has no mechanisms."""
    rows = mechanisms_of(read_study(STUDIES / "mechanisms.toml", ()))
    shown = shown_by_arms(json.loads(json.dumps({"mechanisms": rows})))
    for contrast in ("alone", "removed"):
        assert [s for s in shown if s.contrast == contrast] == [
            s for s in EARLIER if s.contrast == contrast
        ]
    assert shown_by_arms({}) == EARLIER


def test_an_arm_is_known_by_its_settings_not_by_its_name(tmp_path: Path) -> None:
    arms = 'mine = { norm = "leave-one-out" }\nhalves = { partitions = 2 }\n'
    assert noted(tmp_path, arms) == [
        ("self-influence", "mine", "removed"),
        ("partition diffusion", "halves", "removed"),
    ]


@pytest.mark.parametrize(
    "arms",
    [
        'changed = { norm = "leave-one-out", dropout = 0.1 }',
        "one = { partitions = 1 }",
        'sorted = { ghosts = "class-sorted" }',
        'momentum = { norm = "momentum-batch" }',
    ],
)
def test_an_arm_that_changes_something_else_shows_no_mechanism(tmp_path: Path, arms: str) -> None:
    assert noted(tmp_path, arms) == []
