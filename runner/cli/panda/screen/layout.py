"""Which panel has which size, from the size of the window alone."""

from __future__ import annotations

from typing import NamedTuple

from caviar.runner.cli.panda.screen.contrast import KINDS

LEAST = (80, 24)
"""Columns and lines below which the panels do not fit."""

FIXED = 12
"""Lines that do not grow: title, status, the sentence (2), the table (6), the message, the keys."""

TALL = 40
"""From this height on there are two rows of plots."""

LEAST_PLOTS = 7
LAYERS = 47
"""Columns of the layers where the window is narrow."""

WIDEST_LAYERS = 60


class Layout(NamedTuple):
    """Lines of a row of plots, rows of plots, lines below the table, columns of the layers."""

    plot: int
    rows: int
    lower: int
    layers: int


def layout(width: int, height: int) -> Layout | None:
    """The sizes of the panels, or None where the window is too small."""
    if width < LEAST[0] or height < LEAST[1]:
        return None
    rows = 2 if height >= TALL else 1
    room = height - FIXED
    plot = max(LEAST_PLOTS, round(0.6 * room / rows))
    return Layout(plot, rows, room - rows * plot, min(max(LAYERS, width // 2), WIDEST_LAYERS))


def too_small(width: int, height: int) -> str:
    """What is said in place of the panels."""
    return (
        f"This terminal has {width} x {height} characters and the screen needs {LEAST[0]} x "
        f"{LEAST[1]}: please enlarge it. The training goes on; q quits."
    )


def plots_of(kind: str, rows: int) -> list[tuple[str, str]]:
    """Kind and metric of every plot; with room, the train-mode loss and the other statistics
    too."""
    first = [(kind, "loss"), (kind, "accuracy")]
    if rows == 1:
        return first
    split = kind.partition(" ")[0]
    others = [k for k in KINDS if k != kind and (k.startswith(split) or k.endswith("train-mode"))]
    if kind == "train train-mode":
        others = ["train population", "train running"]
    return [*first, *((k, "loss") for k in others[:2])]
