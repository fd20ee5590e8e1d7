"""A section of the page: words, and a table that simulations fill."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

Rows = list[tuple[str, ...]]


@dataclass(frozen=True)
class Section:
    """`text` says how something is computed, in plain words; `rows` are its table, header first.

    `rows` takes the number of simulations for a cell.
    """

    title: str
    text: str
    rows: Callable[[int], Rows]

    def markdown(self, simulations: int) -> str:
        """The section as Markdown, its table filled."""
        header, *rows = self.rows(simulations)
        lines = [header, ("---",) * len(header), *rows]
        table = "\n".join(f"| {' | '.join(line)} |" for line in lines)
        return f"## {self.title}\n\n{self.text.strip()}\n\n{table}\n"


def percent(share: float, digits: int = 1) -> str:
    """`2.5 %`."""
    return f"{100 * share:.{digits}f} %"


def both(above: float, below: float) -> str:
    """`2.4 / 2.6 %`."""
    return f"{percent(above)[:-2]} / {percent(below)}"
