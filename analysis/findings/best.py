"""Which configuration is best, and by how much that looks better than it is."""

from __future__ import annotations

import pandas as pd

from caviar.analysis.findings.columns import ends
from caviar.analysis.findings.finding import Column, Finding
from caviar.analysis.number_format import number, with_interval
from caviar.analysis.run.read import Run
from caviar.analysis.statistics.intervals import FEWEST
from caviar.analysis.tables.configurations.ranking import QUANTITY, ranking


def sentences(run: Run, table: pd.DataFrame, by: str = "validation_loss") -> list[str]:
    """The winner, what its choice is worth, and what is not ranked; nothing for an empty table."""
    if table.empty:
        return []
    return [_winner(table, by), *_curse(table, by), *_facts(run, table)]


def _winner(table: pd.DataFrame, by: str) -> str:
    best = table.iloc[0]
    of = f"Of {len(table):,} configurations" if len(table) > 1 else "Of a single configuration"
    return (
        f"{of}, trial {best['trial_id']} is best by {QUANTITY[by]}: "
        f"{with_interval(best)}. Its test loss is {number(best['test_mean'])} nats and its test "
        f"accuracy {100 * best['test_accuracy']:.1f} %."
    )


def _curse(table: pd.DataFrame, by: str) -> list[str]:
    """What the best is worth at seeds that did not choose it."""
    count = len(table)
    if count < 2:
        return []
    flattered = f"The best of {count:,} looks better than it is, because it was chosen for it. "
    chosen = table[table["choosing_rank"] == 1]
    if chosen.empty:
        return [
            f"{flattered}With one seed nothing is left to estimate it on again: run the study that "
            "`caviar best --toml` prints, whose seeds are new."
        ]
    row = chosen.iloc[0]
    again = {"mean": row["other_mean"], "low": row["other_low"], "high": row["other_high"]}
    same = row["rank"] == 1
    which = "the same trial" if same else f"trial {row['trial_id']} (rank {row['rank']} of all)"
    few = (
        f" These are too few seeds for an interval, which needs {FEWEST}: the study that "
        "`caviar best --toml` prints has more, and new ones."
        if pd.isna(row["other_low"])
        else ""
    )
    value = number(row["other_mean"]) if few else with_interval(again)
    return [
        f"{flattered}A third of the seeds alone choose {which}, whose {QUANTITY[by]} at the other "
        f"seeds is {value}.{few}"
    ]


def _facts(run: Run, table: pd.DataFrame) -> list[str]:
    """Trials with diverged seeds, and those that have not finished."""
    told = []
    diverged = int((table["diverged_seeds"] > 0).sum())
    if diverged:
        which = "1 of them has seeds that diverged, and comes"
        if diverged > 1:
            which = f"{diverged} of them have seeds that diverged, and come"
        told.append(f"{which} last: its finite seeds are not all that it does.")
    early = run.counts["stopped"]
    if early:
        which = "1 trial was" if early == 1 else f"{early} trials were"
        told.append(
            f"{which} stopped early, above the median of those before, and not ranked: a loss "
            "after fewer updates says nothing about the last one."
        )
    missing = run.trials["trial_id"].nunique() - len(table) - early
    if missing:
        told.append(
            "1 trial has not finished, and is not ranked."
            if missing == 1
            else f"{missing} trials have not finished, and are not ranked."
        )
    return told


BEST = Finding(
    name="best",
    part="run",
    compute=lambda results: ranking(results.run),
    columns=(
        Column("rank", "count", "The rank by validation loss, a mean over seeds.", "1 or more"),
        Column("trial_id", "text", "The name of the trial, a hash of its config."),
        Column("mean", "nats", "Validation loss at the last step, a mean over seeds."),
        *ends("nats"),
        Column("test_mean", "nats", "Test loss of the same networks."),
        Column("test_low", "nats", "The lower end of its 95 % interval."),
        Column("test_high", "nats", "The upper end of its 95 % interval."),
        Column("test_accuracy", "share", "Test accuracy, a mean over seeds."),
        Column("seeds", "count", "Seeds with a finite loss."),
        Column("diverged_seeds", "count", "Seeds whose loss became infinite or NaN."),
        Column(
            "choosing_rank",
            "count",
            "The rank by a third of the seeds alone; empty with one seed.",
            "1 or more",
        ),
        Column("other_mean", "nats", "Validation loss at the other seeds."),
        Column("other_low", "nats", "The lower end of its 95 % interval."),
        Column("other_high", "nats", "The upper end of its 95 % interval."),
    ),
    fields="After these, one column per config field that differs between trials.",
    title="Which configuration is best",
    says="Every trial that trained to its end, ranked by its mean validation loss at the last "
    "step, under population statistics, with test loss and accuracy beside it.",
    more="The best of many looks better than it is: it was chosen for a loss that is partly luck. "
    "The row with choosing_rank 1 is what a third of the seeds choose; its other_mean, at the "
    "other seeds, is not flattered. Trials with diverged seeds come last. Intervals are given "
    "for the first 100 rows.",
)
