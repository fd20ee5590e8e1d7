"""One colour means one thing, and is seen on light and on dark paper."""

from __future__ import annotations

import pytest

from caviar.analysis.figures.palette import GRID, NAMED, of_draw, of_reader, of_size, style_sheet

PAPER = {"light": "#ffffff", "dark": "#16191c"}


def luminance(colour: str) -> float:
    """Relative luminance of WCAG 2."""
    shares = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [s / 12.92 if s <= 0.04045 else ((s + 0.055) / 1.055) ** 2.4 for s in shares]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    high, low = sorted((luminance(one), luminance(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


def test_no_two_things_share_a_colour() -> None:
    for mode in (0, 1):
        colours = [colour[mode] for colour in NAMED.values()]
        assert len(colours) == len(set(colours))


@pytest.mark.parametrize(("mode", "paper"), [(0, PAPER["light"]), (1, PAPER["dark"])])
def test_lines_are_seen(mode: int, paper: str) -> None:
    """A contrast of 3, as WCAG 2.1 asks of graphics; the grid and what is grey lies behind."""
    faint = [
        (name, colour[mode])
        for name, colour in NAMED.items()
        if colour is not GRID and name != "grey" and contrast(colour[mode], paper) < 3
    ]
    assert not faint


def test_a_size_and_a_decay_keep_their_colour() -> None:
    assert of_size(8) != of_size(16) != of_size(32)
    assert of_reader("unbiased, decay 0.9") == of_reader("unbiased 0.9") == of_reader("x decay 0.9")
    assert of_reader("unbiased, decay 0.99") != of_reader("unbiased, decay 0.9")
    assert len({of_reader(name) for name in ("population", "batch", "precise", "evalnorm")}) == 4
    assert len({of_draw(i, 4) for i in range(4)}) == 4 and of_draw(0, 1)


def test_both_modes_have_every_variable() -> None:
    names = [
        {part.split(":")[0] for part in style_sheet(dark).split(";") if part}
        for dark in (False, True)
    ]
    assert names[0] == names[1] == {f"--{name}" for name in NAMED}
