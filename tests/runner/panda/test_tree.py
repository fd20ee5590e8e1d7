"""The tree is a pure function of the twin and the rows that were accepted."""

from __future__ import annotations

from caviar.runner.panda.tree import Snap, Tree, holder_of, last_step
from tests.runner.panda.pandas import Driven, plan_of_one

PLAN = plan_of_one()


def asked() -> Driven:
    panda = Driven(PLAN)
    for text in (
        *("set momentum=0.5 --at 10", "set momentum=7 --at 20", "snapshot a --at 12"),
        *("fork", "set decay=0.95 --at 30", "undo", "pause --at 15"),
    ):
        panda.ask(text)
    return panda


def test_the_rows_make_the_tree_again() -> None:
    panda = asked()
    tree = Tree.of(PLAN.trials[0], panda.rows)
    assert tree == panda.worker.tree
    assert [(one.parent, one.born, one.change) for one in tree.lineages] == [
        (-1, 0, ""),
        (0, 10, "10: momentum = 0.5"),
        (1, 30, "30: decay = 0.95"),
    ]
    assert tree.lineages[2].config.changes == ("10: momentum = 0.5", "30: decay = 0.95")
    assert (tree.current, tree.beside, tree.active) == (1, frozenset({1}), (0, 1))
    assert tree.snapshots == {"a": Snap(1, 12)}
    assert [one.number for one in tree.children(1)] == [2]


def test_a_training_before_its_change_is_its_parents() -> None:
    tree = asked().worker.tree
    assert [holder_of(tree, step).number for step in (9, 10, 40)] == [0, 1, 1]


def test_where_the_last_request_left_the_current_lineage() -> None:
    panda = asked()
    assert last_step([]) == 0
    panda.rest()
    panda.ask("go")
    assert last_step(panda.rows) == 15
    panda.ask("rewind a")
    assert last_step(panda.rows) == 12
