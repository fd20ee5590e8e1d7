"""Entries of a legend: one per name, as its line is drawn."""

from __future__ import annotations

from matplotlib.figure import Figure

from caviar.analysis.figures.axes import legend_below
from caviar.analysis.report.page.legend import BAR, SHAPES, Key, keys_of


def test_a_name_has_one_entry_whatever_the_number_of_panels() -> None:
    figure = Figure()
    for axes in figure.subplots(1, 2):
        axes.errorbar([1], [2], yerr=[[1], [1]], label=r"cost \$x", color="#0072b2", marker="s")
        axes.plot([1], [2], "--", label="theory", color="#123456")
        axes.fill_between([1, 2], [1, 1], [2, 2], label="gap", color="#ffffff")
        axes.plot([1], [2], linestyle="none", marker="*", color="#c24e00", label="best")
        axes.barh([0, 1], [1, 2], color="#0072b2", label="lag")
    legend_below(figure, figure.axes[0])
    by_name = {key.name: key for key in keys_of(figure)}
    assert by_name == {
        "cost $x": Key("cost $x", "var(--c0)", "", SHAPES["s"], joined=True),
        "theory": Key("theory", "#123456", "5 2", "", joined=True),
        "gap": Key("gap", "var(--paper)", "", "", joined=False, area=True),
        "best": Key("best", "var(--c2)", "", SHAPES["*"], joined=False),
        "lag": Key("lag", "var(--c0)", "", BAR, joined=False),
    }
