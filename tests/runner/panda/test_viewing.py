"""The words of a view: what is trained, what is in force, and the lines of the log."""

from __future__ import annotations

from caviar.runner.panda.viewing import about, log_lines, settings
from tests.runner.helpers import plan_of, tiny
from tests.runner.panda.pandas import Driven, plan_of_one

PLAN = plan_of_one()


def test_what_is_trained() -> None:
    assert about(PLAN.trials[0]) == "wine, 6, batch norm, m = 4, decay 0.9"
    layer = plan_of(*tiny("norm=layer", "norm_batch_size=16"), trials=1).trials[0]
    assert about(layer) == "wine, 6, layer norm"


def test_settings_are_those_in_force_after_a_step() -> None:
    panda = Driven(PLAN)
    panda.ask("set momentum=0.5 --at 10")
    config = panda.worker.tree.now.config
    assert settings(config, 9)["momentum"] == "0.9"
    assert settings(config, 10)["momentum"] == "0.5"
    assert settings(config, 10)["norm_batch_size"] == "4"


def test_lines_of_the_log() -> None:
    panda = Driven(PLAN)
    for text in (
        "set momentum=0.5 decay=0.95 --at 10 --note slow",
        "reset dense1 --at 20",
        "recompute --at 20",
        "set momentum=5 --at 20",
        "undo",
        "pace 5",
        "snapshot a --at 30",
    ):
        panda.ask(text)
    lines = [(line.step, line.lineage, line.accepted, line.text) for line in log_lines(panda.rows)]
    assert lines[:3] == [
        (10, 1, True, "momentum 0.9 → 0.5, decay 0.9 → 0.95 (slow)"),
        (20, 2, True, "reset dense1"),
        (20, 3, True, "running statistics recomputed"),
    ]
    assert lines[3][2] is False and lines[3][3].startswith("set momentum 5: change")
    assert lines[4:] == [
        (0, 2, True, "undo: lineage 2 after step 0"),
        (0, 2, True, "pace off → 5"),
        (30, 2, True, "snapshot a"),
    ]
