"""What each way to read the test set costs over the best one."""

from __future__ import annotations

import pandas as pd
from matplotlib.figure import Figure

from caviar.analysis.figures.axes import (
    facets_of,
    grid_of,
    legend_below,
    line,
    signed_axis,
    size_axis,
)
from caviar.analysis.figures.palette import of_reader


def reader_costs(table: pd.DataFrame, label: str) -> Figure:
    """One panel per facet, one line per reader."""
    facets = facets_of(table)
    figure, grid = grid_of(len(facets), sharey=True)
    figure.set_size_inches(max(6.0, 4.6 * len(facets)), 5.2)
    for axes, facet in zip(grid[0], facets, strict=True):
        rows = table[table["facet"] == facet]
        for i, reader in enumerate(table["reader"].unique()):
            line(axes, rows[rows["reader"] == reader], i, str(reader), of_reader(reader))
        signed_axis(axes, table)
        size_axis(axes, table["level"], label)
        axes.set_title(facet)
    grid[0, 0].set_ylabel("test loss over the best reader (nats)")
    legend_below(figure, grid[0, 0])
    return figure
