"""Test loss itself under every kind of statistics."""

from __future__ import annotations

import pandas as pd

from caviar.analysis.run.comparison import Comparison
from caviar.analysis.run.final_rows import final
from caviar.analysis.run.stored.changes import of_trained_size
from caviar.analysis.tables.estimates import level_means
from caviar.analysis.tables.running_statistics import READER, ordered, own_decay_as_one, reader_of


def reader_losses(comparison: Comparison) -> pd.DataFrame:
    """Test loss at the last step, by reading, facet, level and `reader`.

    `statistics` and, for running averages, `rule` and `tracker_decay` tell readers apart. Empty
    where the run kept no running average.
    """
    rows = own_decay_as_one(comparison.run, final(comparison.run.evaluations, comparison.design))
    rows = rows[rows["split"] == "test"]
    rows = rows[of_trained_size(rows, comparison.run.trials)]
    if not (rows["statistics"] == "running").any():
        return pd.DataFrame()
    rows = rows.assign(reader=reader_of(rows), rule=rows["rule"].fillna(""))
    by = ["reader", *READER]
    parts = [
        level_means(kept, comparison.design, "loss", by, reading).assign(reading=reading)
        for reading, kept in comparison.readings(rows).items()
    ]
    return ordered(parts, ["reading", "facet", "level", *by])
