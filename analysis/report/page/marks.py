"""What every mark of a figure stands for: its series by name, and its numbers as a title."""

from __future__ import annotations

from collections.abc import Iterator
from html import escape
from typing import Any, NamedTuple

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.collections import Collection
from matplotlib.colors import to_hex
from matplotlib.container import ErrorbarContainer
from matplotlib.lines import Line2D

from caviar.analysis.figures.axes import SEEDS
from caviar.analysis.number_format import number
from caviar.analysis.report.page.legend import plain
from caviar.analysis.report.page.svg import SERIES

POINTS = 72
NEAR = 7
"""Points within which the pointer meets a mark."""


class _Bars(NamedTuple):
    """A series with intervals: its name, the seeds behind each point, where each point lies, what
    it belongs to, its value and the ends of its interval."""

    name: str
    seeds: list[str]
    x: list[float]
    y: list[float]
    of: list[str]
    values: list[float]
    ends: list[tuple[float, float]]


def named_series(axes: Axes) -> None:
    """Give every artist of a series its name as an id; what has no name joins by colour."""
    by_colour: dict[str, str] = {}
    taken: set[Artist] = set()
    for container in axes.containers:
        if isinstance(container, ErrorbarContainer) and (name := _name(container)):
            line, caps, bars = container.lines
            line.set_label(str(line.get_gid() or ""))  # The seeds, which `marks_of` reads.
            by_colour.setdefault(_colour(line), name)
            for artist in (line, *caps, *bars):
                artist.set_gid(SERIES + name)
                taken.add(artist)
    for artist in (*axes.lines, *axes.collections):
        if artist in taken:
            continue
        name = _name(artist) or by_colour.get(_colour(artist), "")
        if name:
            artist.set_gid(SERIES + name)


def _name(artist: Any) -> str:
    label = str(artist.get_label() or "")
    return "" if label.startswith("_") else plain(label)


def _colour(artist: Artist) -> str:
    if isinstance(artist, Line2D):
        colour: Any = artist.get_color()
        return to_hex(colour)
    if isinstance(artist, Collection) and len(artist.get_facecolor()):
        face: Any = artist.get_facecolor()[0]
        return to_hex(face)
    return ""


def marks_of(axes: Axes) -> str:
    """A circle that is not seen on every point with an interval, with its numbers as a title."""
    groups = []
    for bars in _series(axes):
        circles = "".join(_circles(axes, bars))
        named = f' data-s="{escape(bars.name)}"' if bars.name else ""
        groups.append(f'<g class="hits"{named}>{circles}</g>' if circles else "")
    return "".join(groups)


def _series(axes: Axes) -> Iterator[_Bars]:
    for container in axes.containers:
        if not isinstance(container, ErrorbarContainer):
            continue
        line, _, (bars, *_) = container.lines
        segments: list[Any] = list(bars.get_segments())
        gid = str(line.get_gid() or "")
        seeds = next((w for w in (gid, str(line.get_label())) if w.startswith(SEEDS)), "")
        x, y = (np.asarray(v, float).tolist() for v in (line.get_xdata(), line.get_ydata()))
        across = int(not container.has_xerr)  # 0 where the intervals lie along x
        ends = [(s[0, across], s[-1, across]) if len(s) else (np.nan, np.nan) for s in segments]
        of, values = (_row_names(axes, y), x) if container.has_xerr else (list(map(number, x)), y)
        yield _Bars(_name(container), seeds.removeprefix(SEEDS).split(), x, y, of, values, ends)


def rows_of(axes: Axes) -> bool:
    """Whether a mark stands in a row with a name, and its interval lies along x."""
    return any(c.has_xerr for c in axes.containers if isinstance(c, ErrorbarContainer))


def _row_names(axes: Axes, heights: list[float]) -> list[str]:
    """The names of the rows at these heights: a tick stands in the middle of each row."""
    names = [plain(label.get_text()) for label in axes.get_yticklabels()]
    return [names[round(height)] for height in heights]


def _circles(axes: Axes, bars: _Bars) -> Iterator[str]:
    scale = POINTS / axes.figure.dpi
    height = scale * axes.figure.bbox.height
    for i, (x, y) in enumerate(zip(bars.x, bars.y, strict=True)):
        if not (np.isfinite(x) and np.isfinite(y)):
            continue
        across, up = scale * axes.transData.transform((x, y))
        if not (np.isfinite(across) and np.isfinite(up)):
            continue
        place = f'cx="{across:.0f}" cy="{height - up:.0f}" r="{NEAR}"'
        yield f"<circle {place}><title>{escape(_words(bars, i))}</title></circle>"


def _words(bars: _Bars, i: int) -> str:
    """`8: 0.058 [0.05, 0.066], 6 seeds`; the words of both axes are beside it."""
    low, high = bars.ends[i] if i < len(bars.ends) else (np.nan, np.nan)
    known = np.isfinite(low) and np.isfinite(high) and low < high
    ends = f" [{number(low)}, {number(high)}]" if known else ""
    seeds = f", {bars.seeds[i]} seeds" if i < len(bars.seeds) else ""
    return f"{bars.of[i]}: {number(bars.values[i])}{ends}{seeds}"
