"""A figure of matplotlib as parts of a page: one SVG per panel, a legend, data on every mark."""

from __future__ import annotations

import io
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure

from caviar.analysis.figures.axes import TALL, WHOLE, style
from caviar.analysis.report.page.legend import Key, keys_of, plain
from caviar.analysis.report.page.marks import marks_of, named_series, rows_of
from caviar.analysis.report.page.svg import panels_of

PANEL = (4.6, 3.1)
"""Inches of a panel, at most so high: on a phone its text is 10 pixels high."""
POINTS = 72
PIXELS_PER_POINT = 96 / 72


class Panel(NamedTuple):
    """One SVG: title, what its marks are of and what they are worth, view box, natural width in
    pixels, what it holds."""

    title: str
    x: str
    y: str
    view: str
    width: int
    inner: str


class Picture(NamedTuple):
    """Panels that may stand below each other, and the legend of all; a whole figure is one.

    `files` are the formats in which the figure lies beside the page.
    """

    panels: tuple[Panel, ...]
    keys: tuple[Key, ...]
    whole: bool
    files: tuple[str, ...] = ()


Drawing = Callable[[Callable[[Any], Figure], Any, Path], Picture | None]
"""Draws a figure of some results for the page; the path says its name and where its files go."""


def picture_of(draw: Callable[[Any], Figure], results: Any, path: Path) -> Picture:
    """The figure for the page; no file is written."""
    with style(), warnings.catch_warnings():
        # A user's name may have letters that the font lacks: a browser has them.
        warnings.filterwarnings("ignore", message=r"Glyph \d+")
        return _picture(draw(results), path.name)


def _picture(figure: Figure, name: str) -> Picture:
    keys, whole = keys_of(figure), figure.get_gid() == WHOLE
    _remove_legends(figure)
    shown = [axes for axes in figure.axes if axes.get_visible()]
    if not whole:
        _as_panels(figure, shown)
    layout = figure.get_layout_engine()
    if layout is not None:
        layout.execute(figure)
    figure.set_layout_engine("none")
    for i, axes in enumerate(shown):
        axes.set_gid(f"panel{i}")
        named_series(axes)
    inner = panels_of(_svg(figure), f"{name}-")
    panels = [
        f"{clips}{inner.get(f'panel{i}', '')}{marks_of(axes)}"
        for i, (axes, clips) in enumerate(zip(shown, _first(inner[""], len(shown)), strict=True))
    ]
    if whole:
        width, height = (POINTS * side for side in figure.get_size_inches())
        view, pixels = f"0 0 {width:.0f} {height:.0f}", round(PIXELS_PER_POINT * width)
        return Picture((Panel("", "", "", view, pixels, "".join(panels)),), keys, whole)
    views, pixels = _views(figure, shown)
    made = zip(shown, views, panels, strict=True)
    return Picture(tuple(_panel(a, view, pixels, p) for a, view, p in made), keys, whole)


def _panel(axes: Axes, view: str, pixels: int, inner: str) -> Panel:
    x, y = plain(axes.get_xlabel()), plain(axes.get_ylabel())
    if rows_of(axes):
        x, y = y, x
    title = plain(" ".join(axes.get_title().split("\n"))) or y
    return Panel(title, x, y, view, pixels, inner)


def _first(text: str, count: int) -> list[str]:
    return [text, *[""] * (count - 1)]


def _remove_legends(figure: Figure) -> None:
    figure.legends.clear()
    for axes in figure.axes:
        legend = axes.get_legend()
        if legend is not None:
            legend.remove()


def _as_panels(figure: Figure, shown: list[Axes]) -> None:
    """Panels of one width, each with the numbers and words at its axes that a neighbour had."""
    rows = _rows(shown)
    height = figure.get_figheight() / rows
    height = height if figure.get_gid() == TALL else min(PANEL[1], height)
    figure.set_size_inches(PANEL[0] * _columns(shown), height * rows)
    for across in _by_row(shown).values():
        for axes in across:
            axes.tick_params(labelbottom=True, labelleft=True)
            axes.set_ylabel(axes.get_ylabel() or across[0].get_ylabel())


def _spec(axes: Axes) -> Any:
    return axes.get_subplotspec()


def _columns(shown: list[Axes]) -> int:
    return max((_spec(axes).get_gridspec().ncols for axes in shown), default=1)


def _rows(shown: list[Axes]) -> int:
    return max((_spec(axes).get_gridspec().nrows for axes in shown), default=1)


def _by_row(shown: list[Axes]) -> dict[int, list[Axes]]:
    rows: dict[int, list[Axes]] = {}
    for axes in shown:
        rows.setdefault(_spec(axes).rowspan.start, []).append(axes)
    return rows


def _views(figure: Figure, shown: list[Axes]) -> tuple[list[str], int]:
    """A view box per panel, all of one size: that of the largest with its words."""
    boxes = list(_boxes(figure, shown))
    width = max(box[2] - box[0] for box in boxes)
    height = max(box[3] - box[1] for box in boxes)
    size = f"{width:.1f} {height:.1f}"
    views = [f"{box[2] - width:.1f} {box[3] - height:.1f} {size}" for box in boxes]
    return views, round(PIXELS_PER_POINT * width)


def _boxes(figure: Figure, shown: list[Axes]) -> Iterator[tuple[float, float, float, float]]:
    """Left, top, right and bottom of every panel in points, a point wider on every side."""
    dpi, height = figure.get_dpi(), POINTS * figure.get_figheight()
    canvas: Any = FigureCanvasAgg(figure)
    for axes in shown:
        box: Any = axes.get_tightbbox(canvas.get_renderer())
        scale = POINTS / dpi
        yield (
            scale * box.x0 - 1,
            height - scale * box.y1 - 1,
            scale * box.x1 + 1,
            height - scale * box.y0 + 1,
        )


def _svg(figure: Figure) -> bytes:
    canvas: Any = FigureCanvasSVG(figure)
    buffer = io.BytesIO()
    canvas.print_svg(buffer, metadata={"Date": None})
    return buffer.getvalue()
