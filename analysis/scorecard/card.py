"""The card of one run: a row for each claim that it has the data for."""

from __future__ import annotations

import math
from typing import Any

import pandas as pd

from caviar.analysis.number_format import number
from caviar.analysis.run.comparison import Comparison
from caviar.analysis.scorecard.claim import TAGS, Claim
from caviar.analysis.scorecard.registry import CLAIMS
from caviar.analysis.scorecard.seedwise import Seedwise, seedwise
from caviar.analysis.scorecard.tuned import rates_in_words, untuned
from caviar.analysis.scorecard.verdicts import (
    NOT_DECIDED,
    Verdict,
    in_words,
    parts_of_the_axis,
    verdict,
)
from caviar.analysis.statistics.multiplicity import holm


def scorecard(comparison: Comparison) -> pd.DataFrame:
    """One row per claim that the run has the data for, with its verdict.

    Empty where seeds are not paired, other fields are crossed, or the first arm is not batch norm.
    """
    measured = seedwise(comparison)
    if measured is None:
        return pd.DataFrame()
    rows = [row for claim in CLAIMS if (row := _row(claim, measured)) is not None]
    return with_page_p(pd.DataFrame(rows))


def with_page_p(table: pd.DataFrame) -> pd.DataFrame:
    """The rows with `p_page`: their p-values, corrected for the number of all rows (Holm 1979).

    A row without a decision has p = 1 and counts among the rows.
    """
    return table.assign(p_page=holm(table["p"].to_numpy())) if len(table) else table


def decided(claim: Claim, measured: Seedwise) -> tuple[Verdict, Seedwise] | None:
    """What a run says of one claim, and the places it was read from; None where it lacks the data.

    Losses of an arm are those at its own learning rate, which must lie inside the range tried.
    """
    measured = measured.afresh()
    parts = claim.measure(measured)
    if parts is None:
        return None
    premises = claim.premise(measured)
    return verdict(claim, parts, premises, untuned(measured.tuned, measured.asked)), measured


def _row(claim: Claim, measured: Seedwise) -> dict[str, Any] | None:
    one = decided(claim, measured)
    if one is None:
        return None
    outcome, read = one
    return {
        "key": claim.key,
        "paper": claim.source,
        "claim": claim.text,
        "tag": TAGS[claim.tag],
        "quote": claim.quote,
        **outcome._asdict(),
        "unit": claim.unit,
        "smallest": claim.smallest,
        "rates": rates_in_words(read.tuned, read.asked),
        "steps": steps_of(read),
        "choosing": len(read.choosing),
        "sentence": sentence(claim, outcome),
        "differs": claim.differs,
        "not_tested": claim.not_tested,
    }


def steps_of(measured: Seedwise) -> str:
    """`160`, or `160 to 10240` where the arms asked for differ."""
    trials = measured.run.trials
    steps = sorted(set(trials.loc[trials["norm"] == "batch", "steps"].tolist()))
    return f"{steps[0]}" if len(steps) == 1 else f"{steps[0]} to {steps[-1]}"


def sentence(claim: Claim, outcome: Verdict) -> str:
    """What was measured, what the claim requires, and the value whose bound is worst for it."""
    asked = f"{claim.quantity}: claimed {in_words(claim)} ({claim.unit})"
    sized = outcome.place.startswith(("m =", "B ="))
    where = f"at {outcome.place}" if sized else f"({outcome.place})"
    text = f"{asked}; {where} it is {number(outcome.effect)}"
    parts = parts_of_the_axis(claim).values()
    edges = tuple(edge for part in parts for ends in part for edge in ends)
    if not math.isnan(outcome.low):
        text += f" [{number(outcome.low, edges)}, {number(outcome.high, edges)}]"
    if outcome.places > 1:
        text += f", over {outcome.places} places {number(outcome.least)} to {number(outcome.most)}"
    return f"{text}; {NOT_DECIDED}: {outcome.why}" if outcome.why else text
