"""The scorecard of many runs: one order, one correction, and no verdict on a paper."""

from __future__ import annotations

from itertools import permutations

import pandas as pd
import pytest

from caviar.analysis.scorecard.page import (
    FOR_PRACTICE,
    NOT_RUN,
    Cell,
    counted,
    details,
    for_practice,
    page_table,
    summary,
)
from caviar.analysis.scorecard.registry import CLAIMS
from caviar.analysis.scorecard.verdicts import NOT_DECIDED, SEEN

DATA = ("digits", "letters")
CLAIM_OF = {claim.key: claim.text for claim in CLAIMS}


def card(*rows: tuple[str, float, float, float]) -> pd.DataFrame:
    """Rows of a card: key, effect, half width and p-value."""
    return pd.DataFrame(
        {
            "key": key,
            "verdict": SEEN if p < 1 else NOT_DECIDED,
            "effect": effect,
            "low": effect - half,
            "high": effect + half,
            "place": "m = 4",
            "places": 2,
            "least": effect,
            "most": effect + 0.5,
            "seeds": 10,
            "left_out": 0,
            "p": p,
            "why": "" if p < 1 else "places differ",
            "unit": "nats",
            "rates": "best 0.1 of 8 from 0.01 to 3, inside",
            "steps": "160",
        }
        for key, effect, half, p in rows
    )


GHOSTS, BATCH = "noise-lowers-test-loss", "large-batch-harmless"
CARDS = [
    (
        Cell("digits", "short", "ghost-size"),
        card((GHOSTS, 0.1, 0.02, 0.01), ("adaptation", 2, 1, 1)),
    ),
    (Cell("digits", "long", "ghost-size"), card((GHOSTS, 0.2, 0.6, 0.02))),
    (Cell("letters", "short", "ghost-size"), card((GHOSTS, 0.3, 0.1, 0.001))),
    (Cell("digits", "short", "batch-size"), card((BATCH, -0.1, 0.01, 0.004), (GHOSTS, 9, 1, 0.0))),
]


@pytest.mark.parametrize("order", list(permutations(range(4))))
def test_the_order_of_the_runs_decides_nothing(order: tuple[int, ...]) -> None:
    table = page_table([CARDS[i] for i in order])
    pd.testing.assert_frame_equal(table, page_table(CARDS))


def test_a_claim_is_decided_by_the_design_that_it_names_alone() -> None:
    """The batch-size run has data for a claim about ghosts too: 9 nats, which enter nothing."""
    table = page_table(CARDS)
    assert table["key"].tolist() == [GHOSTS] * 3 + [BATCH, "adaptation"]
    assert table["effect"].max() == 2
    assert table["budget"].tolist()[:3] == ["short", "long", "short"]


def test_two_runs_of_one_cell_are_refused() -> None:
    with pytest.raises(ValueError, match="two runs are of ghost-size on digits, short"):
        page_table([*CARDS, CARDS[0]])


def test_one_correction_goes_over_the_whole_page() -> None:
    """Holm by hand over five cells, one of them undecided."""
    table = page_table(CARDS)
    expected = {0.001: 0.005, 0.004: 0.016, 0.01: 0.03, 0.02: 0.04, 1.0: 1.0}
    assert table["p_page"].tolist() == pytest.approx([expected[p] for p in table["p"]])


def test_a_row_has_its_range_over_the_grid_and_the_cell_whose_bound_is_worst() -> None:
    """0.2 with an interval of 0.6 on both sides, not the smaller mean of 0.1."""
    line = next(one for one in summary(page_table(CARDS), DATA) if CLAIMS[0].text in one)
    cells = line.strip("| ").split(" | ")
    assert cells[:3] == [CLAIMS[0].source, CLAIMS[0].text, "[V] read there"]
    assert cells[3] == "short: seen here, 0.1 [0.08, 0.12]*; long: seen here, 0.2 [−0.4, 0.8]*"
    assert cells[4] == f"short: seen here, 0.3 [0.2, 0.4]*; long: {NOT_RUN}"
    assert cells[5] == "0.1 to 0.8 nats"
    assert cells[6] == "0.2 [−0.4, 0.8], digits, long, m = 4"


def test_a_cell_that_was_not_run_says_so() -> None:
    table = page_table([])
    lines = summary(table, DATA)
    assert len(lines) == len(CLAIMS) + 2
    assert lines[-1].endswith(f"| {NOT_RUN} | {NOT_RUN} | – | – |")
    assert sum(NOT_RUN in line for line in details(table, DATA)) == 4 * len(CLAIMS)


def test_every_row_says_what_it_rests_on() -> None:
    lines = details(page_table(CARDS), DATA)
    assert lines[0] == f"### {CLAIMS[0].text}"
    text = "\n".join(lines)
    for claim in CLAIMS:
        assert claim.quote in text and claim.differs in text and claim.not_tested in text
    row = next(line for line in lines if line.startswith("| digits | short | seen here"))
    assert row == (
        "| digits | short | seen here | 0.1 [0.08, 0.12] nats (m = 4) | 0.1 to 0.6, 2 | "
        "best 0.1 of 8 from 0.01 to 3, inside | 160 | 10, 0 | 0.03 | – |"
    )
    assert "| – | places differ |" in text


def test_the_readme_keeps_five_rows() -> None:
    lines = summary(page_table(CARDS), DATA)
    kept = for_practice(lines)
    assert kept[:2] == lines[:2] and len(kept) == 2 + len(FOR_PRACTICE) == 7
    assert set(kept) <= set(lines)


def test_cells_are_counted_by_their_words() -> None:
    assert counted(page_table(CARDS)) == (
        "5 cells: 4 seen here, 0 the opposite seen here, 0 too small to matter here, 1 not decided"
    )


def test_ties_do_not_hang_on_the_order_either() -> None:
    same = [
        (Cell(data, "short", "ghost-size"), card((GHOSTS, 0.1, 0.02, 0.01)))
        for data in ("a", "b", "c")
    ]
    for order in permutations(same):
        pd.testing.assert_frame_equal(page_table(list(order)), page_table(same))


def test_a_cell_whose_seeds_were_all_lost_has_no_value() -> None:
    """It is not decided, takes no part in the range, and prints no empty interval."""
    nan = float("nan")
    lost = Cell("digits", "short", "ghost-size"), card((GHOSTS, nan, nan, 1.0))
    for cards in ([lost], [lost, CARDS[2]]):
        table = page_table(cards)
        (line,) = [line for line in summary(table, DATA) if CLAIM_OF[GHOSTS] in line]
        (detail,) = [
            line
            for line in details(table, DATA)
            if line.startswith("| digits | short |") and "no value" in line
        ]
        assert "short: not decided, no value;" in line and "?" not in line + detail
        assert detail.startswith("| digits | short | not decided | no value (m = 4) | –, 2 | ")
    assert " | 0.3 to 0.8 nats | 0.3 [0.2, 0.4], letters, short, m = 4 |" in line
