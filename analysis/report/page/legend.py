"""The legend of a figure as values that the page sets in its own words and lines."""

from __future__ import annotations

from typing import Any, NamedTuple

from matplotlib.colors import to_hex
from matplotlib.container import BarContainer, ErrorbarContainer
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from caviar.analysis.figures.palette import VARIABLES

DASHES = {"--": "5 2", ":": "1.5 2", "-.": "7 2 1.5 2"}
SHAPES = {
    "o": "M14 2.2a2.8 2.8 0 1 0 .01 0z",
    "s": "M11.5 2.5h5v5h-5z",
    "D": "M14 1.4l3.6 3.6-3.6 3.6-3.6-3.6z",
    "^": "M14 2l3 5.6h-6z",
    "v": "M14 8l-3-5.6h6z",
    "P": "M13 2h2v2h2v2h-2v2h-2V6h-2V4h2z",
    "X": "M12 2l2 2 2-2 1 1-2 2 2 2-1 1-2-2-2 2-1-1 2-2-2-2z",
    "x": "M11.5 2.5l5 5m-5 0l5-5",
    "*": "M14 .6l1.3 2.8 3 .4-2.2 2.1.6 3-2.7-1.5-2.7 1.5.6-3-2.2-2.1 3-.4z",
}
"""Markers of matplotlib, in a box of 28 by 10."""

BAR = "M4 1h20v8H4z"


class Key(NamedTuple):
    """An entry: its name, colour, dashes, the shape of its marker, whether joined or an area."""

    name: str
    colour: str
    dashes: str
    shape: str
    joined: bool
    area: bool = False
    hollow: bool = False


def keys_of(figure: Figure) -> tuple[Key, ...]:
    """One entry per name, of every axes whose lines have one and of the figure's own legend."""
    keys: dict[str, Key] = {}
    for axes in figure.axes:
        for artist, name in zip(*axes.get_legend_handles_labels(), strict=True):
            keys.setdefault(name, _key(artist, name))
    for legend in figure.legends:
        for handle, text in zip(legend.legend_handles, legend.get_texts(), strict=True):
            if text.get_text() not in keys:
                keys[text.get_text()] = _key(handle, text.get_text())
    return tuple(keys.values())


def plain(label: str) -> str:
    """A label as text: `literal` protects `$` from matplotlib."""
    return label.replace(r"\$", "$")


def variable(colour: Any) -> str:
    """A colour of matplotlib as that of the page."""
    return VARIABLES.get(to_hex(colour), to_hex(colour))


def _key(artist: Any, label: str) -> Key:
    name = plain(label)
    if isinstance(artist, ErrorbarContainer):
        artist = artist.lines[0]
    if isinstance(artist, BarContainer):
        return Key(name, variable(artist.patches[0].get_facecolor()), "", BAR, joined=False)
    if not isinstance(artist, Line2D):
        return Key(name, variable(artist.get_facecolor()[0]), "", "", joined=False, area=True)
    style = str(artist.get_linestyle())
    shape, face = SHAPES.get(str(artist.get_marker()), ""), artist.get_markerfacecolor()
    hollow = bool(shape) and to_hex(face) == "#ffffff"
    colour = variable(artist.get_markeredgecolor() if hollow else artist.get_color())
    if style == "None" and shape and not hollow:
        colour = variable(face)
    return Key(name, colour, DASHES.get(style, ""), shape, style != "None", hollow=hollow)
