from __future__ import annotations

from caviar.analysis.interventions.columns import EFFECTS, LOSSES
from caviar.analysis.interventions.curves import losses_while_training
from caviar.analysis.interventions.effects import effects_of_edits
from tests.analysis.interventions.made import Made, panda

RUN = panda([Made(0, 20, "learning_rate = 0.03")])


def test_every_column_is_declared_in_its_order_with_a_sentence_a_unit_and_a_range() -> None:
    for declared, table in ((EFFECTS, effects_of_edits(RUN)), (LOSSES, losses_while_training(RUN))):
        assert [column.name for column in declared.columns] == list(table.columns)
        for column in declared.columns:
            assert column.says.endswith(".") and column.unit and column.range
        numbers = set(table.select_dtypes("number").columns)
        assert set(declared.units) == numbers
