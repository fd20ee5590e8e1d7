"""Text of Chinese, Japanese, Korean and emoji takes the columns that a terminal gives it."""

from __future__ import annotations

import pytest
from rich.cells import cell_len

from caviar.analysis.terminal_width import columns, padded, wrapped

WORDS = ("m = 4", "批次归一化", "データ", "데이터", "😀 noise", "e\u0301té", "ｆｕｌｌ", "−0.5")


@pytest.mark.parametrize("word", WORDS)
def test_columns_are_those_of_another_library(word: str) -> None:
    assert columns(word) == cell_len(word)
    assert cell_len(padded(word, 16)) == 16


@pytest.mark.parametrize("width", range(4, 40))
def test_no_line_is_wider_and_no_character_is_lost(width: int) -> None:
    text = f"wide on 数据集😀{'批' * 40}.csv (400 examples): 4 networks, {' '.join(WORDS)}."
    lines = wrapped(text, width)
    assert max(map(cell_len, lines)) <= width
    assert "".join(lines).replace(" ", "") == text.replace(" ", "")


def test_plain_text_breaks_at_hyphens_where_it_may() -> None:
    assert wrapped("one two-three", 8) == ["one two-", "three"]
    assert wrapped("one two-three", 9, break_on_hyphens=False) == ["one", "two-three"]
