"""The style of every page, for light and dark, and the hash by which a browser lets it in."""

from __future__ import annotations

import base64
import hashlib
from pathlib import Path

from caviar.analysis.figures.palette import style_sheet

PAGE = Path(__file__).parent
EXPLORER = PAGE.parent / "explorer"

LIGHT = (
    "--ink:#1c2024;--soft:#57606a;--paper:#fff;--card:#f3f5f7;--line:#d9dde1;--accent:#0060a0;"
    "--fault:#b34700;"
)
DARK = (
    "--ink:#e8eaed;--soft:#a9b2bb;--paper:#16191c;--card:#1f2428;--line:#3a4148;--accent:#6cc0f5;"
    "--fault:#ff9d5c;"
)


def page_style() -> str:
    """The rules of every page, that of its table of trials among them."""
    dark, light = (f":root{{color-scheme:light dark;{style_sheet(dark)}" for dark in (True, False))
    media = "@media screen and (prefers-color-scheme:dark)"
    rules = text_of(PAGE / "page.css") + text_of(EXPLORER / "explorer.css")
    return f"{light}{LIGHT}}}{media}{{{dark}{DARK}}}}}\n{rules}"


def sha256(text: str) -> str:
    """The hash of a style or script, as a content security policy names it."""
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def text_of(file: Path) -> str:
    """The content of a file that is part of a page."""
    return file.read_text(encoding="utf-8")
