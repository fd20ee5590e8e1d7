from __future__ import annotations

from caviar.analysis.models.watched_sections import sections
from caviar.analysis.models.watched_tables import averages, batch_noise
from tests.analysis.models.made import watched_run


def test_a_section_stands_for_every_table_with_rows() -> None:
    run = watched_run()
    shown = sections(run, averages(run), batch_noise(run))
    assert [one.name for one in shown] == [
        "losses",
        "averages",
        "averages_over_time",
        "batch_noise",
    ]
    assert all(hasattr(run, one.rows) and one.draw is not None for one in shown)
    assert all(set(one.units) <= set(one.table.columns) for one in shown)
