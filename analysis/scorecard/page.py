"""The scorecard of many runs: one table over data sets and budgets, and its page in Markdown."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import pandas as pd

from caviar.analysis.number_format import number
from caviar.analysis.scorecard.card import with_page_p
from caviar.analysis.scorecard.claim import TAGS, Claim
from caviar.analysis.scorecard.registry import CLAIMS
from caviar.analysis.scorecard.verdicts import ALPHA, NOT_DECIDED, OUTCOMES, in_words, slack_of

NOT_RUN = "not run at this budget"
BUDGETS = ("short", "long")
FOR_PRACTICE = (
    "noise-lowers-test-loss",
    "ghosts-help-medium",
    "group-norm-small",
    "precise-while-moving",
    "large-batch-harmless",
)
"""The five rows of the README: what somebody who trains networks asks first."""


class Cell(NamedTuple):
    """Where a run stands in the grid: its data, its budget, and the design that it ran."""

    data: str
    budget: str
    design: str


def page_table(cards: Sequence[tuple[Cell, pd.DataFrame]]) -> pd.DataFrame:
    """The rows of all cards that their claim's own design has decided, corrected over the page.

    Their order, and so every number, depends on what the runs are and not on the order in which
    they come. Raises ValueError where two runs are of one cell.
    """
    designs = {claim.key: claim.design for claim in CLAIMS}
    order = {claim.key: place for place, claim in enumerate(CLAIMS)}
    cells = [cell for cell, _ in cards]
    twice = [cell for cell in cells if cells.count(cell) > 1]
    if twice:
        data, budget, design = twice[0]
        raise ValueError(f"two runs are of {design} on {data}, {budget}; give one of them")
    rows = [
        card[card["key"].map(designs) == cell.design].assign(**cell._asdict())
        for cell, card in cards
        if len(card)
    ]
    if not rows:
        return pd.DataFrame({"key": [], "data": [], "budget": []})
    table = pd.concat(rows, ignore_index=True)
    keys = pd.DataFrame(
        {
            "claim": table["key"].map(order),
            "data": table["data"],
            "budget": table["budget"].map(BUDGETS.index),
        }
    )
    return with_page_p(table.loc[keys.sort_values(list(keys)).index].reset_index(drop=True))


def summary(table: pd.DataFrame, data_sets: Sequence[str]) -> list[str]:
    """The page's first table: a line for each claim, a column for each data set."""
    heads = ["source", "ordering", "known", *data_sets, "range", "worst bound"]
    lines = [_line(heads), _line(["---"] * len(heads))]
    for claim in CLAIMS:
        rows = table[table["key"] == claim.key]
        cells = [_both(rows[rows["data"] == data]) for data in data_sets]
        lines.append(
            _line([claim.source, claim.text, TAGS[claim.tag], *cells, *_over_grid(claim, rows)])
        )
    return lines


def for_practice(lines: Sequence[str]) -> list[str]:
    """The heading and the README's rows of `summary`'s lines, word for word."""
    chosen = {claim.text for claim in CLAIMS if claim.key in FOR_PRACTICE}
    return [*lines[:2], *(line for line in lines[2:] if line.split(" | ")[1] in chosen)]


def _both(rows: pd.DataFrame) -> str:
    """`short: seen here, 0.021 [0.017, 0.024]*; long: not run at this budget`."""
    if rows.empty:
        return NOT_RUN
    return "; ".join(f"{budget}: {_short(rows[rows['budget'] == budget])}" for budget in BUDGETS)


def _short(cell: pd.DataFrame) -> str:
    if cell.empty:
        return NOT_RUN
    row = cell.iloc[0]
    star = "*" if row["p_page"] <= ALPHA else ""
    return f"{row['verdict']}, {_with_ends(row)}{star}"


def _over_grid(claim: Claim, rows: pd.DataFrame) -> tuple[str, str]:
    """The range of effects over the grid, and the cell whose bound is worst for the claim."""
    if rows.empty or rows["effect"].isna().all():
        return "–", "–"
    rows = rows[rows["effect"].notna()]
    span = f"{number(rows['least'].min())} to {number(rows['most'].max())} {claim.unit}"
    slacks = [
        slack_of(low, high, claim) for low, high in zip(rows["low"], rows["high"], strict=True)
    ]
    worst = rows.iloc[slacks.index(min(slacks))]
    return span, f"{_with_ends(worst)}, {worst['data']}, {worst['budget']}, {worst['place']}"


def _with_ends(row: pd.Series, unit: str = "") -> str:
    if pd.isna(row["effect"]):
        return "no value"
    ends = f"{number(row['effect'])} [{number(row['low'])}, {number(row['high'])}]"
    return f"{ends} {unit}".rstrip()


def details(table: pd.DataFrame, data_sets: Sequence[str]) -> list[str]:
    """For every claim what is claimed and tested, and a line for each cell of the grid."""
    lines: list[str] = []
    for claim in CLAIMS:
        rows = table[table["key"] == claim.key]
        lines += [
            f"### {claim.text}",
            "",
            f"{claim.source}. {TAGS[claim.tag]}: {claim.quote}.",
            f"Measured: {claim.quantity}. Claimed: {in_words(claim)} ({claim.unit}). "
            f"Tested by the design `{claim.design}`.",
            f"What differs: {claim.differs}",
            f"Not tested: {claim.not_tested}",
            "",
            _line(DETAILS),
            _line(["---"] * len(DETAILS)),
            *(_detail(rows, data, budget) for data in data_sets for budget in BUDGETS),
            "",
        ]
    return lines


DETAILS = (
    "data",
    "budget",
    "verdict",
    "effect where its bound is worst",
    "over places",
    "learning rates",
    "steps",
    "seeds: decide, left out",
    "p over the page",
    "why not decided",
)


def _detail(rows: pd.DataFrame, data: str, budget: str) -> str:
    cell = rows[(rows["data"] == data) & (rows["budget"] == budget)]
    if cell.empty:
        return _line([data, budget, NOT_RUN, *["–"] * (len(DETAILS) - 3)])
    row = cell.iloc[0]
    return _line(
        [
            data,
            budget,
            row["verdict"],
            f"{_with_ends(row, row['unit'])} ({row['place']})",
            _places(row),
            row["rates"],
            row["steps"],
            f"{row['seeds']}, {row['left_out']}",
            number(row["p_page"]) if row["verdict"] != NOT_DECIDED else "–",
            row["why"] or "–",
        ]
    )


def _places(row: pd.Series) -> str:
    """`0.0031 to 0.0062, 3`: the range of effects over so many places."""
    if pd.isna(row["least"]):
        return f"–, {row['places']}"
    return f"{number(row['least'])} to {number(row['most'])}, {row['places']}"


def counted(table: pd.DataFrame) -> str:
    """`12 cells: 5 seen here, 1 the opposite seen here, ...`."""
    counts = [f"{int((table['verdict'] == word).sum())} {word}" for word in OUTCOMES]
    return f"{len(table)} cells: {', '.join(counts)}"


def _line(cells: Sequence[object]) -> str:
    return f"| {' | '.join(str(cell).replace('|', '/') for cell in cells)} |"
