"""The edits of a panda as a study: it plans the training that was edited, on fresh seeds."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from caviar.runner.cli.finished.schedule_text import schedule_text
from caviar.runner.config import TrialConfig
from caviar.runner.errors import RequestError
from caviar.runner.limits import HIGHEST_SEED
from caviar.runner.panda.tree import Intervention, Tree
from caviar.runner.study.plan import make_plan
from caviar.runner.study.study_file import study_from_text
from tests.runner.helpers import TINY, plan_of

WINE: dict[str, Any] = {"name": "wine", "train": 96, "validation": 40}
TWIN = plan_of(*TINY, "replicas=3", "learning_rate=0.1", trials=1).trials[0]
ASKED = Intervention(
    number=0,
    trial_id=TWIN.trial_id,
    lineage=0,
    child=1,
    child_trial_id="",
    step=3,
    asked_step=2,
    what="set",
    field="learning_rate",
    old="0.1",
    new="0.03",
    change="3: learning_rate = 0.03",
    accepted=True,
    note="too fast\n# it = 'jumps'",
    asked_by="screen",
    wall_time="2026-11-28T20:00:00Z",
)
RECOMPUTE = replace(
    ASKED,
    number=1,
    lineage=1,
    child=2,
    step=5,
    what="recompute",
    note="",
    change="5: recompute running statistics",
)
UNDO = replace(ASKED, number=2, lineage=2, child=1, what="undo", change="", step=5)


def text_of(*asked: Intervention, twin: TrialConfig = TWIN) -> str:
    return schedule_text("runs/bear", "bear", WINE, Tree.of(twin, asked), asked)


def planned(text: str) -> dict[str, TrialConfig]:
    """The trials of the study by their arms."""
    plan = make_plan(study_from_text(text, ()))
    return {trial.arm: trial for trial in plan.trials}


def test_both_arms_are_the_training_without_and_with_the_edits_on_fresh_seeds() -> None:
    arms = planned(text_of(ASKED, RECOMPUTE))
    assert list(arms) == ["unedited", "edited"]
    fresh = {"seeds": tuple(range(3, 11))}
    changes = ("3: learning_rate = 0.03", "5: recompute running statistics")
    for arm, changed in (("unedited", ()), ("edited", changes)):
        expected = TWIN.model_copy(update={**fresh, "changes": changed})
        assert arms[arm].trial_id == expected.trial_id


def test_every_edit_says_where_it_came_from_on_its_line() -> None:
    lines = text_of(ASKED, RECOMPUTE).splitlines()
    (set_,) = [line for line in lines if line.startswith('    "3: ')]
    assert set_ == (
        '    "3: learning_rate = 0.03",  # edit 1, screen, 2026-11-28T20:00:00Z: too fast '
        "# it = 'jumps'"
    )
    (recompute,) = [line for line in lines if line.startswith('    "5: ')]
    assert recompute.endswith("  # edit 2, screen, 2026-11-28T20:00:00Z")
    assert "on 0 to 2, where the edits were made" in lines[1] and "from 3 on" in lines[1]


def test_two_fields_of_one_request_are_two_changes_of_one_edit() -> None:
    both = replace(ASKED, field="decay", new="0.5", change="3: decay = 0.5", note="")
    text = text_of(ASKED, both)
    assert len(planned(text)["edited"].changes) == 2 and text.count("# edit 1, screen, ") == 2


def test_what_was_undone_is_left_out_and_with_nothing_left_there_is_no_study() -> None:
    assert planned(text_of(ASKED, RECOMPUTE, UNDO))["edited"].changes == (
        "3: learning_rate = 0.03",
    )
    back = replace(UNDO, child=0)
    with pytest.raises(
        RequestError, match=r"no edit is left in 'runs/bear'.*caviar panda --resume"
    ):
        text_of(ASKED, back)


def test_changes_of_the_study_itself_stay_in_both_arms() -> None:
    twin = TWIN.model_copy(update={"changes": ("2: decay = 0.5",)})
    arms = planned(text_of(replace(ASKED, trial_id=twin.trial_id), twin=twin))
    assert arms["unedited"].changes == ("2: decay = 0.5",)
    assert arms["edited"].changes == ("2: decay = 0.5", "3: learning_rate = 0.03")


def test_seeds_that_end_at_the_highest_begin_anew() -> None:
    seeds = tuple(range(HIGHEST_SEED - 2, HIGHEST_SEED + 1))
    twin = TWIN.model_copy(update={"seeds": seeds})
    assert planned(text_of(ASKED, twin=twin))["edited"].seeds[0] == 0
