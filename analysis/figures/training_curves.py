"""Losses while training, a line per size."""

from __future__ import annotations

import pandas as pd
from matplotlib.figure import Figure

from caviar.analysis.figures.axes import facets_of, grid_of, legend_below, powers
from caviar.analysis.figures.palette import of_size
from caviar.analysis.number_format import literal

QUANTITIES = {
    "batch_loss": "loss of the batch that trains",
    "test_loss": "test loss, population statistics",
}


def training_curves(table: pd.DataFrame, symbol: str) -> Figure:
    """Medians with their bands: one row of panels per facet, a panel per loss that was measured."""
    facets = facets_of(table)
    quantities = [name for name in QUANTITIES if (table["quantity"] == name).any()]
    figure, grid = grid_of(len(quantities), rows=len(facets), sharex=False)
    for across, facet in zip(grid, facets, strict=True):
        for axes, quantity in zip(across, quantities, strict=True):
            rows = table[(table["facet"] == facet) & (table["quantity"] == quantity)]
            for level, of_level in rows.groupby("level"):
                colour = of_size(float(str(level)))
                curve = of_level.sort_values("step")
                name = f"{symbol} = {float(str(level)):g}"
                axes.plot(curve["step"], curve["median"], color=colour, linewidth=1.4, label=name)
                ends = (curve["step"], curve["lower_quartile"], curve["upper_quartile"])
                axes.fill_between(*ends, color=colour, alpha=0.15, linewidth=0)
            if (rows["lower_quartile"] > 0).any():
                powers(axes)
            title = ", ".join(filter(None, (literal(str(facet)), QUANTITIES[quantity])))
            axes.set(title=title, xlabel="update", ylabel="nats")
    legend_below(figure, grid[0, 0])
    return figure
