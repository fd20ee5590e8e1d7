"""Blocks of HTML for notebooks."""

from __future__ import annotations

from caviar.analysis.notebook import block


def test_every_text_is_escaped() -> None:
    html = block("<a>", ["b & c"], [["<th>"], ["<td>"]])
    assert html == (
        "<div><strong>&lt;a&gt;</strong><p>b &amp; c</p><table><thead><tr><th>&lt;th&gt;</th></tr>"
        "</thead><tbody><tr><td>&lt;td&gt;</td></tr></tbody></table></div>"
    )


def test_without_rows_there_is_no_table() -> None:
    assert block("run") == "<div><strong>run</strong></div>"
