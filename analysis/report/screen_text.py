"""The first screen laid out for a terminal of some width, with or without colour."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from textwrap import shorten

from caviar.analysis.report.first_screen import Cell, FirstScreen, Row
from caviar.analysis.report.verdicts.verdict import Verdict
from caviar.analysis.terminal_width import wrapped

STYLES = {"best": "\033[1m", "worse": "\033[2m"}
PLAIN = "\033[0m"
GAPS = (2, 1)
"""Spaces between columns: fewer where all would not fit."""
MOST_LINES = 12
WIDE = 80
"""From this width on all is to fit into so many lines; a narrower terminal is scrolled."""
FEWEST_ROWS = 3
"""Sizes, test loss and accuracy are always shown."""
NARROWEST = 20
"""A narrower terminal wraps what is laid out for this width."""
FEWEST_SIZES = 4
"""Where fewer columns than this fit beside the labels, sizes go down the page."""


def text(
    screen: FirstScreen, width: int, *, colour: bool, clean: Callable[[str], str] = str
) -> str:
    """Lines of at most `width` columns; the best size bold, significantly worse ones dim.

    `clean` makes every word fit to be printed, before it is styled. From a width of 80 on, what
    does not fit into `MOST_LINES` is left out, the least important first: what a verdict may do
    without, then the last rows of the table.
    """
    screen, width = _cleaned(screen, clean), max(width, NARROWEST)
    longest = max((len(verdict.more) for verdict in screen.verdicts), default=0)
    shorter = [(len(screen.rows), more) for more in range(longest, -1, -1)]
    shorter += [(rows, 0) for rows in range(len(screen.rows) - 1, FEWEST_ROWS - 1, -1)]
    lines: list[str] = []
    for rows, more in shorter:
        lines = _lines(screen, rows, more, width, colour=colour)
        if len(lines) <= MOST_LINES or width < WIDE:
            break
    return "\n".join(lines)


def _cleaned(screen: FirstScreen, clean: Callable[[str], str]) -> FirstScreen:
    return FirstScreen(
        clean(screen.opening),
        tuple(row._replace(label=clean(row.label)) for row in screen.rows),
        tuple(Verdict(clean(one.says), tuple(map(clean, one.more))) for one in screen.verdicts),
        tuple(map(clean, screen.closing)),
    )


def _lines(screen: FirstScreen, rows: int, more: int, width: int, *, colour: bool) -> list[str]:
    lines = wrapped(screen.opening, width)
    if screen.rows:
        lines += _table(screen.rows[:rows], width, colour=colour)
    told = (" ".join((verdict.says, *verdict.more[:more])) for verdict in screen.verdicts)
    for part in (*told, *screen.closing):
        lines += wrapped(part, width, break_on_hyphens=False)
    return lines


def _table(rows: Sequence[Row], width: int, *, colour: bool) -> list[str]:
    """A row per line and a size per column, or turned where that does not fit or two rows would
    read alike."""
    label = min(max(len(row.label) for row in rows), width // 2)
    cells = [row.cells for row in rows]
    for gap in GAPS:
        widths = _widths(cells, gap)
        shown = _shown(widths, width - label)
        if len(shown) == len(widths):
            break
    labels = [shorten(row.label, label, placeholder="...") for row in rows]
    if len(shown) < min(FEWEST_SIZES, len(widths)) or len(set(labels)) < len(labels):
        return _turned(rows, width, colour=colour)
    kept = [widths[i] for i in shown]
    return [
        named.ljust(label) + _line([row.cells[i] for i in shown], kept, colour=colour)
        for named, row in zip(labels, rows, strict=True)
    ]


def _turned(rows: Sequence[Row], width: int, *, colour: bool) -> list[str]:
    """A size per line, below short names that are explained first."""
    names = "; ".join(f"{row.short}: {row.label.removeprefix(f'{row.short}: ')}" for row in rows)
    columns = [[Cell(row.short), *row.cells] for row in rows]
    widths = [max(len(cell.text) for cell in column) + GAPS[0] for column in columns]
    while sum(widths) > width and len(columns) > 2:
        columns, widths = columns[:-1], widths[:-1]
    lines = zip(*columns, strict=True)
    return [*wrapped(names, width), *(_line(cells, widths, colour=colour) for cells in lines)]


def _widths(rows: Sequence[Sequence[Cell]], gap: int) -> list[int]:
    return [max(len(cell.text) for cell in column) + gap for column in zip(*rows, strict=True)]


def _shown(widths: Sequence[int], room: int) -> list[int]:
    """The positions of the columns that fit: the first and the last, and others between them."""
    for count in range(len(widths), 1, -1):
        places = [round(i * (len(widths) - 1) / (count - 1)) for i in range(count)]
        if sum(widths[i] for i in places) <= room:
            return places
    return []


def _line(cells: Sequence[Cell], widths: Sequence[int], *, colour: bool) -> str:
    return "".join(
        " " * (width - len(cell.text)) + (_styled(cell) if colour else cell.text)
        for cell, width in zip(cells, widths, strict=True)
    )


def _styled(cell: Cell) -> str:
    return f"{STYLES[cell.weight]}{cell.text}{PLAIN}" if cell.weight else cell.text
