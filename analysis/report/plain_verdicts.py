"""One verdict per question in plain words; every word is licensed by a band for all sizes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from caviar.analysis.findings.finding import Results
from caviar.analysis.findings.wording import at_level, drawn_fields, opening
from caviar.analysis.number_format import number
from caviar.analysis.report.told_averages import told_averages
from caviar.analysis.statistics.intervals import FEWEST
from caviar.analysis.tables.families import ALPHA, MARGINS
from caviar.analysis.tables.regularization import FALLS, RISES, STAYS

MARGIN = MARGINS["test_loss"]
LONG_MEMORY = 4
"""An average over more than the fourth part of a training remembers its start."""


class Verdict(NamedTuple):
    """The answer to a question, and sentences after it that may be left out for want of room."""

    says: str
    more: tuple[str, ...] = ()


def does_smaller_help(results: Results) -> Verdict:
    """Whether sizes below the largest lower test loss, by how much, and what train loss does."""
    effects = results.reading("effect_of_size")
    effects = effects[effects["quantity"] == "test_loss"]
    if effects.empty:
        return Verdict("Not known: there are not two sizes with a finite test loss.")
    if not results.design.paired:
        return _between_trials(results, effects)
    facets = sorted(effects["facet"].unique())
    of_facets = [_of_facet(results, facet, effects) for facet in facets]
    if len(facets) == 1:
        return of_facets[0]
    told = [f"{opening(f)}{one.says}" for f, one in zip(facets, of_facets, strict=True)]
    return Verdict(told[0], tuple(told[1:]))


def _between_trials(results: Results, effects: pd.DataFrame) -> Verdict:
    row = effects.sort_values("level").iloc[0]
    return Verdict(
        "A random search cannot tell: its trials differ in every field. Test loss at "
        f"{at_level(results, row['level'])} less that at {_reference(results)} is "
        f"{_nats(row['mean'], row['low'], row['high'])}."
    )


def _of_facet(results: Results, facet: str, effects: pd.DataFrame) -> Verdict:
    rows = effects[(effects["facet"] == facet) & effects["mean"].notna()].sort_values("level")
    known = rows[rows["band_low"].notna()]
    if known.empty:
        return Verdict(f"Not known: {_too_few(results, int(rows['units'].max()))}")
    better, worse = known[known["band_high"] < 0], known[known["band_low"] > 0]
    if len(better):
        return _yes(results, facet, better, known)
    if len(worse):
        row = worse.loc[worse["mean"].idxmax()]
        return Verdict(
            f"No: {_change(results, facet, row)}, and no size does significantly better."
        )
    if known["equivalent"].eq(True).all():
        return Verdict(f"No: every size stays within {MARGIN:g} nats of {_reference(results)}.")
    row = known.loc[known["mean"].idxmin()]
    return Verdict(
        f"Not decided: no size differs significantly from {_reference(results)}. Lowest is "
        f"{at_level(results, row['level'])}, by {_nats(row['mean'], *_band(row))}."
    )


def _yes(results: Results, facet: str, better: pd.DataFrame, known: pd.DataFrame) -> Verdict:
    """The lowest of the sizes that are significantly better than the largest, and its limits."""
    row = better.loc[better["mean"].idxmin()]
    level, smallest = float(row["level"]), float(known["level"].min())
    if abs(row["mean"]) <= MARGIN:
        return Verdict(
            f"Hardly: {_change(results, facet, row)}, less than the {MARGIN:g} nats that count."
        )
    text = f"Yes: {_change(results, facet, row)}; {_accuracy(results, facet, level)}."
    best = results.reading("best_size")
    best = best[best["facet"] == facet]
    more = [_train(results, facet, level)]
    if len(best) and smallest < best["low"].iloc[0]:
        lowest = at_level(results, float(best["level"].iloc[0]))
        more.insert(0, f"{at_level(results, smallest)} is significantly worse than {lowest}.")
    return Verdict(text, tuple(filter(None, more)))


def _change(results: Results, facet: str, row: pd.Series) -> str:
    """`m = 16 against 256 cuts test loss by 26 % (0.02 nats, 95 % in [0.001, 0.07])`."""
    losses = results.reading("losses")
    here = (losses["facet"] == facet) & (losses["quantity"] == "test_loss")
    reference = losses.loc[here & (losses["level"] == results.design.reference), "mean"].iloc[0]
    low, high = _band(row)
    verb, ends = ("cuts", (-high, -low)) if row["mean"] < 0 else ("raises", (low, high))
    share = f"{100 * abs(row['mean']) / reference:.0f} % (" if reference > 0 else "("
    return (
        f"{at_level(results, row['level'])} against {results.design.reference:g} {verb} test loss "
        f"by {share}{_short(abs(row['mean']))} nats, 95 % in [{_ends(*ends)}])"
    )


def _accuracy(results: Results, facet: str, level: float) -> str:
    """`accuracy +0.84 points [0.26, 1.6]`."""
    effects = results.reading("effect_of_size")
    here = (effects["facet"] == facet) & (effects["level"] == level)
    row = effects[here & (effects["quantity"] == "test_accuracy")].iloc[0]
    mean, low, high = (100 * row[name] for name in ("mean", "band_low", "band_high"))
    return f"accuracy {'+' if mean > 0 else ''}{_short(mean)} points [{_ends(low, high)}]"


WORDS = {
    STAYS: f"Train loss stays within {MARGIN:g} nats.",
    RISES: "Train loss rises.",
    FALLS: "Train loss falls too.",
}


def _train(results: Results, facet: str, level: float) -> str:
    """What train loss does, read at one learning rate for all sizes; empty if not decided."""
    shared = results["effect_at_shared_draw"]
    effects = shared if len(shared) else results.reading("effect_of_size")
    here = (effects["facet"] == facet) & (effects["level"] == level)
    moved = effects.loc[here & (effects["quantity"] == "train_loss"), "moved"]
    return WORDS.get(moved.iloc[0], "") if len(moved) else ""


def can_averages_be_trusted(results: Results) -> Verdict:
    """For every told decay, at which sizes it reads test loss as population statistics do."""
    told = told_averages(results)
    if told.empty:
        return Verdict("No network that was compared has running statistics.")
    if told["low"].isna().all():
        return Verdict(f"Not known: {_too_few(results, int(told['units'].max()))}")
    by_decay = [
        _of_decay(results, str(facet), decay, rows)
        for (facet, decay), rows in told.groupby(["facet", "tracker_decay"], dropna=False)
    ]
    if told["facet"].nunique() > 1:
        first, *others = (verdict.says for verdict in by_decay)
        return Verdict(first, tuple(others))
    more = (sentence for verdict in by_decay for sentence in verdict.more)
    return Verdict(" ".join(verdict.says for verdict in by_decay), tuple(more))


class Judged(NamedTuple):
    """The sizes at which a running average is harmless, costs, helps, or is not decided."""

    harmless: tuple[float, ...]
    costs: tuple[float, ...]
    helps: tuple[float, ...]
    undecided: tuple[float, ...]


def judged(rows: pd.DataFrame) -> Judged:
    """Each size by what its seeds license.

    Harmless: its interval lies within the margin, so that all such sizes are (intersection-union).
    Costs, helps: beyond the margin, and significantly above or below zero, adjusted over the sizes
    (`p_family`); where nothing is paired by its own interval.
    """
    apart = rows["p_family"].le(ALPHA)
    apart |= rows["p_family"].isna() & ((rows["low"] > 0) | (rows["high"] < 0))
    harmless = (rows["low"] > -MARGIN) & (rows["high"] < MARGIN)
    costs = ~harmless & apart & (rows["mean"] > MARGIN)
    helps = ~harmless & apart & (rows["mean"] < -MARGIN)
    rest = ~(harmless | costs | helps)
    kinds = (rows.loc[kind, "level"] for kind in (harmless, costs, helps, rest))
    return Judged(*(tuple(map(float, levels)) for levels in kinds))


def _of_decay(results: Results, facet: str, decay: Any, rows: pd.DataFrame) -> Verdict:
    """`Decay 0.9: yes from m = 8 on (within 0.005 nats), no at m = 4 (+0.009 nats [0.006, 0.02]).`

    What is not decided, and how long the average remembers, may be left out.
    """
    rows, name = (
        rows.sort_values("level"),
        "The study's average" if pd.isna(decay) else f"Decay {decay:g}",
    )
    sizes, levels = judged(rows), rows["level"].tolist()
    parts, more = [], []
    if sizes.harmless:
        parts.append(f"yes {_where(results, sizes.harmless, levels)} (within {MARGIN:g} nats)")
    if sizes.costs:
        parts.append(f"no {_where(results, sizes.costs, levels)} ({_added(rows, sizes.costs)})")
        more.append(_memory(results, decay))
    if sizes.helps:
        parts.append(f"better {_where(results, sizes.helps, levels)} ({_added(rows, sizes.helps)})")
    open_ = f"not decided {_where(results, sizes.undecided, levels)}" if sizes.undecided else ""
    if not parts:
        return Verdict(f"{opening(facet)}{name}: {open_}.")
    more.append(f"{name}: {open_}." if open_ else "")
    return Verdict(f"{opening(facet)}{name}: {', '.join(parts)}.", tuple(filter(None, more)))


def _added(rows: pd.DataFrame, sizes: Sequence[float]) -> str:
    """`+0.009 nats [0.006, 0.02]` of one size; of several the range of their means."""
    here = rows[rows["level"].isin(sizes)]
    if len(here) == 1:
        row = here.iloc[0]
        return f"{'+' if row['mean'] > 0 else ''}{_nats(row['mean'], row['low'], row['high'])}"
    least, most = here["mean"].min(), here["mean"].max()
    return f"{'+' if least > 0 else ''}{_short(least)} to {_short(most)} nats"


def _memory(results: Results, decay: Any) -> str:
    """How much of the training an average remembers, where that is much."""
    steps = int(results.comparison.run.outcomes["steps"].max())
    memory = np.inf if pd.isna(decay) else 1 / (1 - decay)
    if not np.isfinite(memory) or LONG_MEMORY * memory < steps:
        return ""
    return f"Decay {decay:g} averages over some {memory:.0f} of {steps} updates."


def _where(results: Results, sizes: Sequence[float], levels: Sequence[float]) -> str:
    """`at every m`, `from m = 8 on`, `at m = 8 to 32` or `at m = 4, 16`."""
    symbol, places = results.design.symbol, [levels.index(size) for size in sizes]
    if len(sizes) == len(levels):
        return f"at every {symbol}"
    joined = places == list(range(places[0], places[-1] + 1)) and len(sizes) > 1
    if joined and places[-1] == len(levels) - 1:
        return f"from {symbol} = {sizes[0]:g} on"
    if joined:
        return f"at {symbol} = {sizes[0]:g} to {sizes[-1]:g}"
    return f"at {symbol} = {', '.join(f'{size:g}' for size in sizes)}"


def _band(row: pd.Series) -> tuple[float, float]:
    return float(row["band_low"]), float(row["band_high"])


def _nats(mean: float, low: float, high: float) -> str:
    if pd.isna(low):
        return f"{_short(mean)} nats (too few for an interval)"
    return f"{_short(mean)} nats [{_ends(low, high)}]"


def _ends(low: float, high: float) -> str:
    """Both ends in two digits, or in as many as show on which side of 0 and the margin they lie."""
    return f"{_short(low)}, {_short(high)}"


def _short(value: float) -> str:
    """Two significant digits, or as many as show on which side of 0 and the margin it lies."""
    rounded = float(f"{value:.2g}")
    sides = all((rounded < bound) == (value < bound) for bound in (0.0, MARGIN, -MARGIN))
    return number(rounded if sides else value, (0.0, MARGIN, -MARGIN))


def _reference(results: Results) -> str:
    return at_level(results, results.design.reference)


def _too_few(results: Results, seeds: int) -> str:
    comparison = results.comparison
    every = comparison.final_values["seed"].nunique()
    chose = every - comparison.chosen_draws["seed"].nunique() if comparison.chooses else 0
    if not chose:
        few = "1 seed is" if seeds == 1 else f"{seeds} seeds are"
        return f"{few} too few for an interval, which takes {FEWEST}."
    others = "the other one is" if seeds == 1 else f"the other {seeds} are"
    return (
        f"{chose} of the {every} seeds {'chooses' if chose == 1 else 'choose'} the "
        f"{drawn_fields(results)}, and {others} too few for an interval, which takes {FEWEST}."
    )
