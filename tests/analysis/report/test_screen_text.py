"""The first screen as lines: nothing is wider than the terminal, and what matters least goes."""

from __future__ import annotations

import re

import pytest
from rich.cells import cell_len

from caviar.analysis.report.first_screen import Cell, FirstScreen, Row
from caviar.analysis.report.screen_text import MOST_LINES, text
from caviar.analysis.report.verdicts.verdict import Verdict

SIZES = tuple(Cell(str(2**k)) for k in range(2, 9))
LOSSES = (Cell("0.073"), Cell("0.058"), Cell("0.055", "best"), *[Cell("0.081", "worse")] * 4)
ROWS = (
    Row("m: examples normalised together", "m", SIZES),
    Row("test loss (lower is better)", "loss", LOSSES),
    Row("test accuracy, %", "%", tuple(Cell("98.0") for _ in SIZES)),
    Row("added by average of decay 0.9", "+d 0.9", tuple(Cell("0.001") for _ in SIZES)),
)
WORDS = "of a verdict that is told in full where there is room for it."
SCREEN = FirstScreen(
    "quickstart on digits (1,797 examples): 28 networks x 8 seeds, all finished.",
    ROWS,
    (
        Verdict("1 Yes.", (f"First {WORDS}", f"Second {WORDS}")),
        Verdict("2 No.", (f"Last {WORDS}",)),
    ),
    ("Careful: one data set. In full: caviar report runs/quickstart --full", "Next: caviar run"),
)
STYLE = re.compile("\033\\[[0-9]*m")


@pytest.mark.parametrize("width", [20, 40, 60, 80, 100, 140])
@pytest.mark.parametrize("colour", [True, False])
def test_no_line_is_wider_than_the_terminal(width: int, colour: bool) -> None:
    lines = text(SCREEN, width, colour=colour).splitlines()
    assert max(len(STYLE.sub("", line)) for line in lines) <= width
    if width >= 80:
        assert len(lines) <= MOST_LINES == 12
        assert all(size.text in lines[1] for size in SIZES)


def test_wide_characters_count_as_two_columns() -> None:
    """A file named in Chinese: the opening breaks before the terminal would break it."""
    wide = SCREEN._replace(opening=f"study on {'数据集' * 20}.csv: all finished.")
    lines = text(wide, 60, colour=False).splitlines()
    assert max(map(cell_len, lines)) <= 60 and cell_len(lines[0]) > 40


def test_a_narrow_terminal_has_a_size_per_line() -> None:
    lines = text(SCREEN, 40, colour=False).splitlines()
    assert "    m   loss     %  +d 0.9" in lines
    assert "   16  0.055  98.0   0.001" in lines


def test_rows_that_would_read_alike_are_named_in_full() -> None:
    """At 40 columns both averages would be `added by average...`."""
    two = [row._replace(cells=row.cells[:2]) for row in (*ROWS, ROWS[3])]
    two[4] = two[4]._replace(label="added by average of decay 0.99", short="+d 0.99")
    lines = text(SCREEN._replace(rows=tuple(two)), 40, colour=False).splitlines()
    assert "  m   loss     %  +d 0.9  +d 0.99" in lines
    assert not [line for line in lines if "..." in line]


def test_what_matters_least_is_left_out_first() -> None:
    """Fourteen lines of a verdict leave room for neither second words nor the averages."""
    long = SCREEN._replace(verdicts=(Verdict("word " * 90, (f"More {WORDS}",)),))
    shown = text(long, 80, colour=False)
    assert "More" not in shown and "added by" not in shown and "test accuracy" in shown
    assert "Last" in text(SCREEN, 140, colour=False)


def test_the_best_is_bold_and_the_worse_are_dim() -> None:
    _, sizes, losses, *_ = text(SCREEN, 100, colour=True).splitlines()
    assert STYLE.findall(sizes) == []
    assert "  \033[1m0.055\033[0m  \033[2m0.081\033[0m" in losses
    assert losses.count("\033[2m") == 4 and losses.count("\033[1m") == 1
    plain = text(SCREEN, 100, colour=False)
    assert not STYLE.search(plain) and STYLE.sub("", text(SCREEN, 100, colour=True)) == plain


def test_every_word_is_cleaned_before_it_is_styled() -> None:
    dirty = SCREEN._replace(opening="name\033[31m on digits", closing=("\033",))
    shown = text(dirty, 80, colour=False, clean=lambda words: words.replace("\033", "?"))
    assert "\033" not in shown and "name?[31m on digits" in shown


def test_without_a_table_there_are_sentences() -> None:
    nothing = FirstScreen("a on b.", (), (Verdict("Nothing is compared."),), ("Next: this.",))
    assert text(nothing, 80, colour=True) == "a on b.\nNothing is compared.\nNext: this."
