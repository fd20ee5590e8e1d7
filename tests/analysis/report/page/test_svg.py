"""The SVG of a figure made small: text, colours and places stay."""

from __future__ import annotations

from caviar.analysis.report.page.svg import panels_of

SVG = b"""<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink">
<defs><style>*{}</style></defs><g id="figure_1"><g id="patch_1"></g>
<g id="panel0"><g id="series:a"><path d="M 1.26 -0.01
L 2 3
" style="fill: none; stroke: #0072b2; stroke-width: 1.4"/><path d="M 4 5
" style="fill: none; stroke: #0072b2; stroke-width: 1.4"/></g>
<g id="line2d_1"><defs><path id="m1" d="M 0 0
"/></defs><g clip-path="url(#p1)"><use xlink:href="#m1" x="1" y="2" style="fill: #000000"/>
<use xlink:href="#m1" x="3" y="4" style="fill: #000000"/></g></g>
<g id="text_1"><text style="font-size: 10px; font-family: 'DejaVu'; text-anchor: middle" x="1"
 y="2" transform="rotate(-0 1 2)">a &lt; b</text></g></g></g>
<defs>
 <clipPath id="p1"><rect x="0" y="0" width="9" height="9"/></clipPath></defs></svg>"""


def test_a_panel_keeps_its_lines_marks_and_words() -> None:
    assert panels_of(SVG, "f-")["panel0"] == (
        '<g data-s="a"><path d="M1.3 0L2 3M4 5" fill="none" stroke="var(--c0)" stroke-width="1.4"'
        '/></g><defs><path id="f-m1" d="M0 0"/></defs><g clip-path="url(#f-p1)">'
        '<g fill="currentColor"><use href="#f-m1" x="1" y="2"/><use href="#f-m1" x="3" y="4"/></g>'
        '</g><text x="1" y="2" text-anchor="middle">a &lt; b</text>'
    )


def test_clip_paths_are_given_apart() -> None:
    box = '<rect x="0" y="0" width="9" height="9"/>'
    assert panels_of(SVG, "f-")[""] == f'<defs><clipPath id="f-p1">{box}</clipPath></defs>'
