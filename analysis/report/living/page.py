"""The living page: what a run does now, and how it comes to be shown anew."""

from __future__ import annotations

import html
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

import jinja2
from markupsafe import Markup

from caviar.analysis.number_format import CONTROLS
from caviar.analysis.report.explorer.explorer import as_json
from caviar.analysis.report.page.style import EXPLORER, page_style, sha256, text_of

HERE = Path(__file__).parent

Refresh = Literal["fetch", "reload", "none"]
"""How a page follows: it asks the server that sent it, it loads its own file again, or neither."""


def living_page(snapshot: Mapping[str, Any], refresh: Refresh) -> str:
    """The page of a `snapshot`, which loads nothing from elsewhere.

    Only a page that asks its server may open a connection, and that to its own origin.
    """
    style = page_style() + text_of(HERE / "living.css")
    script = f'"use strict";\n{text_of(EXPLORER / "explorer.js")}{text_of(HERE / "living.js")}'
    environment = jinja2.Environment(autoescape=True, undefined=jinja2.StrictUndefined)
    page = environment.from_string(text_of(HERE / "living.html.j2")).render(
        name=snapshot["study"],
        data=Markup(html.escape(as_json(snapshot), quote=False)),
        refresh=refresh,
        style=Markup(style),
        script=Markup(script),
        hash_of={"style": sha256(style), "script": sha256(script)},
    )
    return page.translate(CONTROLS)
