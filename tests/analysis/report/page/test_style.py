"""The style of pages: every colour for light and dark, and hashes as browsers compute them."""

from __future__ import annotations

import re

from caviar.analysis.report.page.style import PAGE, page_style, sha256, text_of


def test_every_variable_that_is_used_is_set_for_light_and_dark() -> None:
    style = page_style()
    used = set(re.findall(r"var\((--[\w-]+)\)", style))
    light, dark = style.partition("@media screen and (prefers-color-scheme:dark)")[::2]
    for rules in (light, dark.partition("\n")[0]):
        assert used <= set(re.findall(r"(--[\w-]+):", rules))
    assert text_of(PAGE / "page.css") in style


def test_the_hash_is_that_of_the_policy() -> None:
    """The example of the standard's own text: `alert('Hello, world.');`."""
    assert sha256("alert('Hello, world.');") == (
        "sha256-qznLcsROx4GACP2dm0UCKCzCG+HiZ1guq6ZZDob/Tng="
    )
