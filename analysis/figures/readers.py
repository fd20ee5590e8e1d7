"""Test loss by what normalises the test set: itself, and over the best reader."""

from __future__ import annotations

import pandas as pd
from matplotlib.figure import Figure

from caviar.analysis.figures.axes import (
    MARKERS,
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


ALIKE = 0.004
"""Readers whose means differ by less than this share of the range are one line with both names."""
SOLID = ("unbiased", "biased", "debiased")
"""Rules by their dashes."""


def reader_losses(table: pd.DataFrame, label: str) -> Figure:
    """Test loss by reader, one panel per facet; readers that coincide are one line.

    `name` is what a reader is called.
    """
    facets = facets_of(table)
    figure, grid = grid_of(min(2, len(facets)), rows=(len(facets) + 1) // 2, sharey=True)
    for axes, facet in zip(grid.flat, facets, strict=False):
        rows = table[table["facet"] == facet]
        for i, readers in enumerate(_alike(rows)):
            first = rows[rows["reader"] == readers[0]]
            names = rows[rows["reader"].isin(readers)].drop_duplicates("reader")["name"]
            dashes = SOLID.index(rule) if (rule := first["rule"].iloc[0]) in SOLID else 0
            place = i % len(MARKERS) + len(MARKERS) * dashes
            line(axes, first, place, " = ".join(names), of_reader(readers[0]))
        size_axis(axes, table["level"], label)
        axes.set(title=facet, ylabel="test loss (nats)")
    legend_below(figure, grid[0, 0])
    return figure


def _alike(rows: pd.DataFrame) -> list[list[str]]:
    """Readers in groups of equal means."""
    wide = rows.pivot(index="reader", columns="level", values="mean")
    wide = wide.reindex(dict.fromkeys(rows["reader"]))
    near = ALIKE * (wide.max().max() - wide.min().min())
    groups: list[list[str]] = []
    for reader, means in wide.iterrows():
        same = (g for g in groups if (wide.loc[g[0]] - means).abs().max() <= near)
        group = next(same, None)
        groups.append([str(reader)]) if group is None else group.append(str(reader))
    return groups
