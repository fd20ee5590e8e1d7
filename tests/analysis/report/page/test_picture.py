"""A figure in parts: panels of one size with their own words, or one that stays whole."""

from __future__ import annotations

from pathlib import Path

import pytest
from matplotlib.figure import Figure

from caviar.analysis.figures.axes import WHOLE, grid_of, legend_below
from caviar.analysis.findings.finding import Results
from caviar.analysis.report.page.picture import Picture, picture_of
from tests.analysis.synthetic import crossed, results_in, run_of


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Results:
    levels = {"norm_batch_size": [8, 64]}
    return results_in(run_of(tmp_path_factory.mktemp("run"), crossed(levels), scientific=levels))


def two_panels(results: Results) -> Figure:
    """Panels that share an axis, the left with the words of both; a name of two dollar signs."""
    figure, grid = grid_of(2, sharey=True)
    for axes, title in zip(grid[0], ("left", "right"), strict=True):
        axes.plot([8, 64], [1, 2], label=r"\$a\$", color="#0072b2")
        axes.set(title=title, xlabel="m")
    grid[0, 0].set_ylabel("nats")
    legend_below(figure, grid[0, 0])
    return figure


def drawn(results: Results) -> Picture:
    return picture_of(two_panels, results, Path("two"))


def test_each_panel_stands_alone(results: Results) -> None:
    picture = drawn(results)
    assert [panel.title for panel in picture.panels] == ["left", "right"]
    assert [key.name for key in picture.keys] == ["$a$"] and not picture.whole
    for panel in picture.panels:
        assert (panel.x, panel.y) == ("m", "nats")
        assert panel.inner.count(">nats</text>") == 1 and ">1.0</text>" in panel.inner
        assert 'data-s="$a$"' in panel.inner


def test_panels_are_of_one_size_and_fit_a_phone(results: Results) -> None:
    views = [panel.view.split()[2:] for panel in drawn(results).panels]
    assert views[0] == views[1]
    # A phone gives a figure 358 pixels: ten points are nine pixels in a panel of 397.
    assert float(views[0][0]) <= 397


def test_a_whole_figure_is_one_picture(results: Results) -> None:
    def whole(results: Results) -> Figure:
        figure = two_panels(results)
        figure.set_gid(WHOLE)
        return figure

    picture = picture_of(whole, results, Path("whole"))
    (panel,) = picture.panels
    assert picture.whole and panel.view.startswith("0 0 ")
    assert ">left</text>" in panel.inner and ">right</text>" in panel.inner
