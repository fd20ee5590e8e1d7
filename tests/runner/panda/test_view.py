"""A view is one frozen value, so that a screen can keep it while training goes on."""

from __future__ import annotations

from dataclasses import FrozenInstanceError

import pytest

from caviar.runner.panda.view import LineageView, View

TWIN = LineageView(0, -1, 0, "", 400, "training")
EDITED = LineageView(1, 0, 200, "200: learning_rate = 0.03", 390, "training")
VIEW = View(
    name="digits",
    where="runs/panda-digits",
    about="digits, 64-64, batch norm, m = 16",
    steps=800,
    steps_per_epoch=40,
    seeds=(0, 1),
    lineages=(TWIN, EDITED),
    current=1,
    settings={"learning_rate": "0.03"},
    learning_rate=0.02,
    steps_per_second=100.0,
    pace=None,
    paused=False,
    ended=False,
    series={},
    layers={},
    log=(),
    snapshots=(),
)


def test_a_lineage_is_looked_up_by_its_number() -> None:
    assert VIEW.lineage(VIEW.current) is EDITED
    assert VIEW.lineage(EDITED.parent) is TWIN


def test_nothing_of_a_view_can_be_changed() -> None:
    with pytest.raises(FrozenInstanceError):
        VIEW.paused = True  # type: ignore[misc]
