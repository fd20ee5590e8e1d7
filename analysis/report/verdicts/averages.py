"""Whether running averages are safe at test time, in plain words."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from caviar.analysis.findings.finding import Results
from caviar.analysis.findings.wording import opening
from caviar.analysis.report.verdicts.told_averages import told_averages
from caviar.analysis.report.verdicts.verdict import MARGIN, Verdict, nats, short, too_few
from caviar.analysis.tables.families import ALPHA

LONG_MEMORY = 4
"""An average over more than the fourth part of a training remembers its start."""


def can_averages_be_trusted(results: Results) -> Verdict:
    """For every told decay, at which sizes it reads test loss as population statistics do."""
    told = told_averages(results)
    if told.empty:
        return Verdict("No network that was compared has running statistics.")
    if told["low"].isna().all():
        return Verdict(f"Not known: {too_few(results, int(told['units'].max()))}")
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
    Costs, helps: beyond the margin, above or below zero by its interval, which is shown, and
    where seeds are paired adjusted over the sizes too (`p_family`). Signs of seeds may agree where
    an interval holds zero, if one seed is far from the others.
    """
    apart = (rows["low"] > 0) | (rows["high"] < 0)
    apart &= rows["p_family"].isna() | rows["p_family"].le(ALPHA)
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
        return f"{'+' if row['mean'] > 0 else ''}{nats(row['mean'], row['low'], row['high'])}"
    least, most = here["mean"].min(), here["mean"].max()
    return f"{'+' if least > 0 else ''}{short(least)} to {short(most)} nats"


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
