"""HTML for notebooks: a title, lines of text and small tables, all of it escaped."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape


def block(title: str, lines: Iterable[str] = (), table: Sequence[Sequence[object]] = ()) -> str:
    """A title, a paragraph per line, and a table whose first row is its header."""
    parts = [f"<strong>{escape(title)}</strong>", *(f"<p>{escape(line)}</p>" for line in lines)]
    if table:
        header, *rows = table
        parts.append(f"<table><thead>{_row(header, 'th')}</thead><tbody>")
        parts += [_row(row, "td") for row in rows]
        parts.append("</tbody></table>")
    return f"<div>{''.join(parts)}</div>"


def _row(cells: Iterable[object], tag: str) -> str:
    return f"<tr>{''.join(f'<{tag}>{escape(str(cell))}</{tag}>' for cell in cells)}</tr>"
