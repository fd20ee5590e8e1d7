"""The first screen: what a run did, its sizes in a table, a verdict per question, what next."""

from __future__ import annotations

import re
from typing import Literal, NamedTuple

import numpy as np
import pandas as pd

from caviar.analysis.findings.finding import Results
from caviar.analysis.interventions.schedule_results import QUESTION
from caviar.analysis.interventions.schedules import effects_of_schedules, told_of_schedules
from caviar.analysis.number_format import CONTROLS, MINUS
from caviar.analysis.report.verdicts.averages import can_averages_be_trusted
from caviar.analysis.report.verdicts.sizes import does_smaller_help
from caviar.analysis.report.verdicts.told_averages import told_averages
from caviar.analysis.report.verdicts.verdict import Verdict
from caviar.analysis.run.comparison import NoComparison
from caviar.analysis.run.overlap import overlap_of
from caviar.analysis.run.read import Run

GROWN = re.compile(r" (?:--set[ =]replicas=\d+|--shard[ =]\d+/\d+)(?= |$)")
"""What the next command sets anew, or has no more."""

MOST_FACETS = 3
"""Of more combinations of crossed fields the first are shown."""

Weight = Literal["", "best", "worse"]

LABELS = {
    "m = B": "m: examples of a mini-batch",
    "m": "m: examples normalised together",
    "B": "B: examples of one update",
}


class Cell(NamedTuple):
    """A value, and whether its size is the best or significantly worse than the best."""

    text: str
    weight: Weight = ""


class Row(NamedTuple):
    """A line of the table: what it is, the same for a narrow column, and a cell per size."""

    label: str
    short: str
    cells: tuple[Cell, ...]


class FirstScreen(NamedTuple):
    """What a terminal shows first, before it is laid out: the first row holds the sizes.

    The first of `verdicts` come with what may be left out where it does not fit, in `more`.
    """

    opening: str
    rows: tuple[Row, ...]
    verdicts: tuple[Verdict, ...]
    closing: tuple[str, ...]


def first_screen(results: Results | NoComparison, shown: str) -> FirstScreen:
    """The first screen of a run; `shown` is how a reader names the run on the command line."""
    note = [results.run.note] if results.run.note else []
    first = " ".join([*note, opening(results.run)])
    full, following = f"In full: caviar report {shown} --full", f"Next: {next_step(results, shown)}"
    if isinstance(results, NoComparison):
        why = Verdict(results.why, results.diverged[1:])
        return FirstScreen(first, (), (why,), (full, following))
    verdicts = tuple(
        verdict._replace(says=f"{i} {question} {verdict.says}")
        for i, (question, verdict) in enumerate(answered(results), start=1)
    )
    edits = told_of_schedules(effects_of_schedules(results.run))
    if edits:
        verdicts += (Verdict(f"{len(verdicts) + 1} {QUESTION} {edits[0]}", tuple(edits[1:])),)
    closing = (f"Careful: {careful(results)} {full}", following)
    return FirstScreen(first, tuple(rows_of(results)), verdicts, closing)


def answered(results: Results) -> tuple[tuple[str, Verdict], ...]:
    """Both questions, each with its verdict."""
    return (
        (f"Does a smaller {results.design.symbol} help?", does_smaller_help(results)),
        ("Are running averages safe at test time?", can_averages_be_trusted(results)),
    )


def opening(run: Run) -> str:
    """`quickstart on digits (1,797 examples): 28 networks x 8 seeds, all finished.`"""
    counts, seeds = run.counts, len(run.trials["seeds"].iloc[0])
    ended = counts["completed"] + counts["diverged"] + counts["stopped"]
    whole = f"{ended} of " if ended < counts["planned"] else ""
    bad = [f"{counts[name]} {name}" for name in ("diverged", "failed", "lost") if counts[name]]
    bad += [f"{counts['stopped']} stopped early"] if counts["stopped"] else []
    how = ", ".join(bad) or ("all finished" if not whole else "none failed so far")
    data = str(run.trials["dataset"].iloc[0]).translate(CONTROLS)
    examples = "" if run.evaluations.empty else f" ({overlap_of(run).examples:,} examples)"
    return (
        f"{run.name.translate(CONTROLS)} on {data}{examples}: {whole}{counts['planned']} networks "
        f"x {seeds} {'seed' if seeds == 1 else 'seeds'}, {how}."
    )


def rows_of(results: Results) -> list[Row]:
    """The sizes, test loss (one line per facet), accuracy, and what running averages add."""
    design, levels = results.design, results.design.levels
    label = LABELS["m = B" if "= B" in design.label else design.symbol]
    rows = [Row(label, design.symbol, tuple(Cell(f"{level:g}") for level in levels))]
    table = results.reading("losses")
    facets = sorted(table["facet"].unique())
    for facet in facets[:MOST_FACETS]:
        words = f"test loss, {facet}" if facet else "test loss (lower is better)"
        rows.append(Row(words, "loss", _losses(results, facet)))
    if len(facets) == 1:
        accuracy = _by_level(table, "test_accuracy", facets[0])
        cells = tuple(_cell(100 * accuracy.get(level, np.nan), 1) for level in levels)
        rows.append(Row("test accuracy, %", "%", cells))
        rows += _averages(results)
    return rows


def _averages(results: Results) -> list[Row]:
    told = told_averages(results)
    rows = []
    for decay, of_decay in told.groupby("tracker_decay", dropna=False, sort=True):
        added = dict(zip(of_decay["level"], of_decay["mean"], strict=True))
        named = "running average" if pd.isna(decay) else f"average of decay {decay:g}"
        cells = tuple(_cell(added.get(level, np.nan), 3) for level in results.design.levels)
        short = "+ average" if pd.isna(decay) else f"+d {decay:g}"
        rows.append(Row(f"added by {named}", short, cells))
    return rows


def _losses(results: Results, facet: str) -> tuple[Cell, ...]:
    """Test loss by size: the best one, and those that are significantly worse than the best."""
    losses = _by_level(results.reading("losses"), "test_loss", facet)
    best = results.reading("best_size")
    best = best[best["facet"] == facet]
    cells = []
    for level in results.design.levels:
        weight: Weight = ""
        if len(best):
            row = best.iloc[0]
            outside = level < row["low"] or level > row["high"]
            weight = "best" if level == row["level"] else "worse" if outside else ""
        cells.append(_cell(losses.get(level, np.nan), 3)._replace(weight=weight))
    return tuple(cells)


def _by_level(table: pd.DataFrame, quantity: str, facet: str) -> dict[float, float]:
    rows = table[(table["quantity"] == quantity) & (table["facet"] == facet)]
    return dict(zip(rows["level"].astype(float), rows["mean"].astype(float), strict=True))


def _cell(value: float, decimals: int) -> Cell:
    """A value with fixed decimals, so that a row can be compared; `?` where nothing is known."""
    if not np.isfinite(value):
        return Cell("?")
    text = f"{value:.{decimals}f}" if abs(value) < 1000 else f"{value:.0e}"
    zero = float(text) == 0
    return Cell(text.lstrip("-") if zero else text.replace("-", MINUS))


MORE = 20
"""Seeds that the next run has, if those of this one left something open."""


def careful(results: Results) -> str:
    """The most serious of what limits the verdicts, in one sentence."""
    counts = results.run.counts
    missing = counts["planned"] - counts["completed"] - counts["stopped"]
    if missing:
        return f"{missing} of {counts['planned']} networks diverged, failed or have not ended."
    at_edge = _at_edge(results)
    if at_edge:
        return f"the best {at_edge} lies at the edge of those tried."
    rates = results.comparison.run.trials["learning_rate"].nunique()
    if results.design.paired and rates == 1:
        return "one learning rate, tuned for no size."
    if not results.design.paired:
        return "trials differ in more than the size."
    return "one data set."


def next_step(results: Results | NoComparison, shown: str) -> str:
    """A command, or a change to the study, that would settle what is open: seeds come first where
    there are too few for any interval."""
    if isinstance(results, NoComparison):
        if results.diverged:
            return "lower the learning rates of the study."
        return "norm_batch_size in [scientific], with two sizes or more."
    if not results.design.paired:
        return f"caviar best {shown}, which ranks the trials."
    at_edge = _at_edge(results)
    if at_edge and results.reading("best_size")["low"].notna().any():
        return f"widen the range of {at_edge.replace(' ', '_')} in [nuisance]."
    seeds = max(len(seeds) for seeds in results.run.trials["seeds"])
    more = max(MORE, 2 * seeds)
    # Nothing joins a registered run.
    where = f"{shown}-{more}" if "registered" in results.run.study else f"{shown} --extend"
    return f"{_again(results)} --set replicas={more} --out {where}"


def _at_edge(results: Results) -> str:
    """The drawn field whose best value, at a size that is told, is the lowest or highest drawn."""
    chosen: pd.DataFrame = results["chosen_draws"]
    if not results.comparison.chooses or chosen.empty:
        return ""
    best = results.reading("best_size")["level"].tolist()
    told = chosen["level"].isin([*best, results.design.reference])
    fields = chosen.loc[told & chosen["at_edge"], "field"]
    return str(fields.iloc[0]).replace("_", " ") if len(fields) else ""


def _again(results: Results) -> str:
    """The command that made the run, without where; in words where it had settings of its own."""
    command = str(results.run.study["sessions"][-1]["command"])
    words = GROWN.sub("", command).split()
    study = words[2:3] if len(words) > 2 and words[2].endswith(".toml") else []
    plain = words[:2] == ["caviar", "run"] and "--set" not in words
    return " ".join(["caviar run", *study]) if plain else "the same command with"
