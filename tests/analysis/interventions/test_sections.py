from __future__ import annotations

from caviar.analysis.interventions.effects import effects_of_edits
from caviar.analysis.interventions.sections import sections
from caviar.analysis.interventions.tree import tree_of
from tests.analysis.interventions.made import Made, panda


def test_a_section_stands_for_every_table_with_rows() -> None:
    run = panda([Made(0, 20, "learning_rate = 0.03")])
    shown = sections(run, tree_of(run), effects_of_edits(run))
    assert [one.name for one in shown] == ["losses_with_edits", "effects_of_edits", "requests"]
    assert all(hasattr(run, one.rows) and set(one.units) <= set(one.table) for one in shown)
    without = panda([], refused=2)
    names = [one.name for one in sections(without, tree_of(without), effects_of_edits(without))]
    assert names == ["losses_with_edits", "requests"]
