"""The journal: rows come back as they went in, in order, and a damaged part is told."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from caviar.runner.errors import RequestError
from caviar.runner.panda.record.journal import interventions, written
from caviar.runner.store.local_folder import LocalFolder
from tests.runner.panda.pandas import Driven, plan_of_one

PLAN = plan_of_one()


def test_rows_come_back_in_the_order_of_their_numbers(tmp_path: Path) -> None:
    panda, storage = Driven(PLAN), LocalFolder(tmp_path)
    panda.ask("set momentum=0.5 decay=0.95 --at 10")
    panda.ask("undo")
    first, second = panda.rows[:2], panda.rows[2:]
    assert interventions(storage) == ()
    written(storage, [replace(second[0], number=1)])
    written(storage, first)
    assert interventions(storage) == (*first, *second)


def test_a_damaged_part_is_told(tmp_path: Path) -> None:
    panda, storage = Driven(PLAN), LocalFolder(tmp_path)
    panda.ask("go")
    written(storage, panda.rows)
    (part,) = (tmp_path / "interventions").iterdir()
    part.write_bytes(part.read_bytes()[:-10])
    with pytest.raises(RequestError, match="interventions/part-000000"):
        interventions(storage)
