"""The figure of readers."""

from __future__ import annotations

import pandas as pd

from caviar.analysis.figures.readers import reader_costs, reader_losses


def test_one_panel_per_facet_with_a_line_per_reader() -> None:
    rows = [
        {"facet": f, "level": m, "reader": r, "mean": c / m, "low": 0.0, "high": 2 * c / m}
        for f in ("hidden = 2", "hidden = 8")
        for r, c in (("population", 0.0), ("unbiased, decay 0.9", 1.0))
        for m in (4, 64)
    ]
    figure = reader_costs(pd.DataFrame(rows), "norm batch size m")
    assert [axes.get_title() for axes in figure.axes] == ["hidden = 2", "hidden = 8"]
    for axes in figure.axes:
        names = axes.get_legend_handles_labels()[1]
        assert names == ["population", "unbiased, decay 0.9"]
        lines = [c[0].get_ydata().tolist() for c in axes.containers]
        assert lines == [[0, 0], [1 / 4, 1 / 64]]


def test_readers_that_coincide_are_one_line_with_both_names() -> None:
    rows = [
        {"facet": "", "level": m, "reader": r, "name": r.title(), "rule": "", "mean": c / m}
        for r, c in (("population", 1.0), ("precise", 1.0001), ("batch", 4.0))
        for m in (4, 64)
    ]
    table = pd.DataFrame(rows).assign(low=0.0, high=2.0)
    (axes,) = reader_losses(table, "m").axes
    assert axes.get_legend_handles_labels()[1] == ["Population = Precise", "Batch"]
