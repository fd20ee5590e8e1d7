"""Colours that mean one thing on a whole page, each for light and for dark paper."""

from __future__ import annotations

import math
import re
from typing import NamedTuple


class Colour(NamedTuple):
    """A colour on light paper and on dark paper."""

    light: str
    dark: str


MEANINGS = {
    "test loss": Colour("#0072b2", "#5cb8f2"),
    "train loss": Colour("#00855f", "#3fd1a2"),
    "batch": Colour("#c24e00", "#ff9448"),
    "precise": Colour("#a8437e", "#f29ac8"),
    "evalnorm": Colour("#7d6608", "#dcc64a"),
    "own": Colour("#8c4a32", "#d9a48f"),
    "sampling": Colour("#882255", "#e68ab8"),
    "staleness": Colour("#117733", "#6fce8c"),
    "propagation": Colour("#5b6ee1", "#a7b3ff"),
    "statistics of other examples": Colour("#6f7f00", "#c9d93d"),
    "self-influence": Colour("#b0005e", "#ff7ab8"),
    "self-influence, predicted": Colour("#75485f", "#d3a5bd"),
    "injected noise": Colour("#d1495b", "#ff8f9d"),
    "gradient path": Colour("#2e6f95", "#8ec9ea"),
    "partition diffusion": Colour("#4f772d", "#a5d17c"),
    "class composition": Colour("#6a4c93", "#c3a6ec"),
    "below": Colour("#00798c", "#56cfe1"),
    "above": Colour("#c1121f", "#ff8080"),
}
"""What a colour stands for: statistics that normalise, parts of an error, mechanisms."""

INKS = (
    Colour("#24292f", "#e6e9ec"),
    Colour("#57606a", "#b9c1c9"),
    Colour("#7b8590", "#929ca7"),
    Colour("#3b434c", "#d0d6dc"),
    Colour("#6a737d", "#a5afb9"),
    Colour("#4a525b", "#c5cbd2"),
    Colour("#818b96", "#89939e"),
)
"""What has no colour of its own, told apart by marker and dashes."""

SIZES = (
    *(Colour("#7a8f00", "#d9f06b"), Colour("#5f8f1d", "#b9e66f"), Colour("#3c8a3a", "#95dd7b")),
    *(Colour("#1f8055", "#72d190"), Colour("#11736a", "#5bc5a6"), Colour("#146577", "#53b5bc")),
    *(Colour("#1f567e", "#5ea6cf"), Colour("#274780", "#7699dd"), Colour("#2b387c", "#9089e8")),
    *(Colour("#2c2a72", "#ab7feb"), Colour("#291e62", "#c577e6"), Colour("#23144f", "#db72df")),
)
"""Sizes, a step per doubling from 2 on."""

DECAYS = (
    *(Colour("#9d7bd8", "#e6daff"), Colour("#9170ce", "#ddcdff"), Colour("#8565c4", "#d4c0ff")),
    *(Colour("#7a5aba", "#cbb3ff"), Colour("#6e50af", "#c1a6ff"), Colour("#6345a4", "#b799ff")),
    *(Colour("#583b98", "#ad8cff"), Colour("#4d318c", "#a380f8"), Colour("#43287f", "#9a75ee")),
    *(Colour("#391f72", "#916ce3"), Colour("#301764", "#8863d8"), Colour("#271056", "#7f5bcc")),
)
"""Running averages, from short to long memory; the first also those without a decay."""

DRAWS = (
    *(Colour("#b87900", "#ffd166"), Colour("#aa6612", "#ffc06c"), Colour("#98541d", "#ffaf75")),
    *(Colour("#864525", "#ff9d80"), Colour("#73372a", "#f58c8c"), Colour("#602b2b", "#e57d98")),
    *(Colour("#4c2029", "#d370a3"), Colour("#391622", "#bf65ad")),
)
"""Draws, from the lowest to the highest value of what was drawn."""

GRID, SOFT = Colour("#e4e4e4", "#31383f"), Colour("#777777", "#98a2ac")
GREY = Colour("#9aa3ab", "#6d7781")

_FAMILIES = {"ink": INKS, "size": SIZES, "decay": DECAYS, "draw": DRAWS}
NAMED = {
    **{f"c{i}": colour for i, colour in enumerate(MEANINGS.values())},
    **{f"{name}{i}": one for name, ramp in _FAMILIES.items() for i, one in enumerate(ramp)},
    "grid": GRID,
    "soft-line": SOFT,
    "grey": GREY,
}
"""Every colour by the name of its CSS variable."""

VARIABLES = {
    "#000000": "currentColor",
    "#ffffff": "var(--paper)",
    **{colour.light: f"var(--{name})" for name, colour in NAMED.items()},
}
"""What stands in the SVG of a page in place of a colour."""

DECAY = re.compile(r"(?:decay |[a-z] )(\d*\.?\d+)")


def meaning(name: str) -> str:
    """The colour of a thing that has one; raises KeyError for others."""
    return MEANINGS[name].light


def colour_of(name: str) -> str:
    """The colour of a thing, or nothing where it has none."""
    return MEANINGS[name].light if name in MEANINGS else ""


def ink(index: int) -> str:
    """The colour of a line that is told apart by marker and dashes."""
    return INKS[index % len(INKS)].light


def of_size(level: float) -> str:
    """The colour of a size, wherever it is drawn."""
    step = round(math.log2(level)) - 1 if level > 0 else 0
    return SIZES[min(max(step, 0), len(SIZES) - 1)].light


def of_draw(index: int, count: int) -> str:
    """The colour of a draw, by its place among `count` of them in order."""
    return DRAWS[round(index / max(count - 1, 1) * (len(DRAWS) - 1))].light


def of_reader(reader: str) -> str:
    """The colour of what normalises the test set: `population`, `unbiased, decay 0.9`."""
    if reader == "population":
        return meaning("test loss")
    if reader in MEANINGS:
        return meaning(reader)
    decay = DECAY.search(reader)
    memory = 1 / (1 - min(float(decay[1]), 0.9999)) if decay else 1.0
    return DECAYS[min(round(3 * math.log10(memory)), len(DECAYS) - 1)].light


def style_sheet(dark: bool) -> str:
    """The variables of all colours on one kind of paper, as CSS declarations."""
    return "".join(f"--{name}:{one.dark if dark else one.light};" for name, one in NAMED.items())
