"""Every way to read the test set, and the two variances that frameworks store."""

from __future__ import annotations

from typing import Any

import pandas as pd

from caviar.analysis.figures.readers import reader_costs
from caviar.analysis.findings.columns import (
    FACET,
    LEFT_OUT,
    LEVEL,
    READING,
    RULE,
    TRACKER_DECAY,
    interval,
)
from caviar.analysis.findings.finding import Column, Finding, Results
from caviar.analysis.findings.test_time.trackers import in_words, usual_tracker
from caviar.analysis.findings.wording import at_level, behind, by_facet, first_and_last
from caviar.analysis.number_format import number, with_interval
from caviar.analysis.run.design import in_order
from caviar.analysis.run.stored.changes import in_the_end
from caviar.analysis.tables import running_statistics as tables

WORDS = {
    "population": "population statistics",
    "precise": "precise statistics",
    "evalnorm": "EvalNorm",
    "own": "the averages that the norm itself carries",
}

MOST_LAYERS = 3
"""Of deeper networks the first two layers and the last are told; the table has all."""


def _named(row: Any) -> str:
    return in_words(row) if row["statistics"] == "running" else WORDS[row["reader"]]


def _against_best(results: Results) -> list[str]:
    """The best statistics at the smallest size, and what those without an average cost there.

    The best were chosen by validation loss on other seeds, so another may have a lower test loss.
    """
    sentences = []
    for facet, whole in by_facet(results.reading("readers")):
        table = whole[whole["low"].notna()]
        if not (table["statistics"] == "running").any():
            continue
        level = table["level"].min()
        rows = table[table["level"] == level].set_index("reader", drop=False).to_dict("index")
        best = rows[next(iter(rows.values()))["best"]]
        costs = [
            f" With {WORDS[name]} instead, test loss changes by "
            f"{with_interval(rows[name], ' nats', signed=True)}."
            for name in WORDS
            if name in rows and name != best["reader"]
        ]
        sentences.append(
            f"{facet}Of all statistics that this run has, those of lowest validation loss at "
            f"{at_level(results, level)} are {_named(best)}.{''.join(costs)}"
        )
    return sentences


def _usual(results: Results, table: pd.DataFrame) -> pd.DataFrame:
    return usual_tracker(results, table[table["statistics"] == "running"])


def _headline(results: Results) -> str:
    """What the usual average costs over the chosen reader at the smallest and largest size."""
    table = results.reading("readers")
    table = table[table["mean"].notna()] if len(table) else table
    if table.empty or table["facet"].nunique() > 1:
        return ""
    usual = _usual(results, table).sort_values("level")
    first, last = usual.iloc[0], usual.iloc[-1]
    text = (
        f"Reading the test set with {in_words(first)} costs {with_interval(first, ' nats')} at "
        f"{at_level(results, first['level'])} over the statistics of lowest validation loss"
    )
    if len(usual) > 1:
        end = at_level(results, last["level"])
        text += f". At {end} it costs {with_interval(last, ' nats')}"
    fewest, most = int(usual["units"].min()), int(usual["units"].max())
    return f"{text} ({behind(results, fewest, most)})."


def _two_variances(results: Results) -> list[str]:
    sentences = []
    for facet, table in by_facet(results.reading("variance_estimators")):
        trained = in_the_end(results.run.trials, "decay").unique()
        decays = table["tracker_decay"].dropna().unique()
        decay = (
            trained[0]
            if len(trained) == 1 and trained[0] in decays
            else table["tracker_decay"].iloc[0]
        )
        same = table["tracker_decay"].isna() if pd.isna(decay) else table["tracker_decay"] == decay
        rows = table[same]
        named = "the drawn decay" if pd.isna(decay) else f"decay {decay:g}"
        sentences.append(
            f"{facet}Storing the biased variance, as Keras does, in place of the unbiased one, as "
            f"PyTorch does, changes test loss at {named} by "
            f"{first_and_last(results, rows, ' nats', signed=True)}."
            f"{_by_layer(results, rows.iloc[0], decay)}"
        )
    return sentences


def _by_layer(results: Results, row: pd.Series, decay: float) -> str:
    """How far both variances are from the population's in every layer at the smallest size."""
    errors = results.reading("statistics_error")
    here = (errors["quantity"] == "variance_bias") & (errors["tracker_decay"] == decay)
    here &= (errors["level"] == row["level"]) & (errors["facet"] == row["facet"])
    wide = errors[here].pivot(index="layer", columns="rule", values="mean")
    if not {"biased", "unbiased"} <= set(wide):
        return ""
    layers = in_order(errors[here]["layer"])
    parts = [
        f"In {layer} it is {number(wide.loc[layer, 'biased'])} biased and "
        f"{number(wide.loc[layer, 'unbiased'])} unbiased."
        for layer in (layers if len(layers) <= MOST_LAYERS else [*layers[:2], layers[-1]])
    ]
    return (
        f" The error of the stored variance at {at_level(results, row['level'])} is the log of its "
        f"ratio to the population's. {' '.join(parts)}"
    )


READERS = Finding(
    name="readers",
    part="test time",
    compute=lambda results: tables.readers(results.comparison),
    columns=(
        READING,
        FACET,
        LEVEL,
        Column("reader", "text", "What normalises the test set."),
        Column("statistics", "text", "Kind of statistics; `running` for running averages."),
        RULE,
        TRACKER_DECAY,
        Column("best", "text", "The available reader that the choosing seeds rate best."),
        *interval("nats", "Test loss under this reader less that under the best available one."),
        LEFT_OUT,
    ),
    title="Every reader against the best one",
    says="Test loss of the same weights under each kind of statistics, less that under the best "
    "kind available.",
    more="The kinds are population statistics (layer by layer over the training set), precise "
    "statistics, EvalNorm, and every running average that the run kept. Population statistics are "
    "no neutral zero: at small sizes others may read better. The first third of the seeds chooses "
    "the best on validation loss, and costs are those at the other seeds, so that no interval "
    "rests on seeds that chose. The statistics of the test batch are shown too, but are no "
    "candidate: an example alone does not have them.",
    caption="Zero is the best available reader at each size, as other seeds choose it.",
    alt="Test loss by reader less that of the best available reader, against size.",
    draw=lambda results: reader_costs(results.reading("readers"), results.design.label),
    sentences=_against_best,
    headline=_headline,
)

VARIANCE_ESTIMATORS = Finding(
    name="variance_estimators",
    part="test time",
    compute=lambda results: tables.biased_less_unbiased(results.comparison),
    columns=(
        READING,
        FACET,
        TRACKER_DECAY,
        LEVEL,
        *interval(
            "nats", "Test loss with the biased variance stored less that with the unbiased one."
        ),
        LEFT_OUT,
    ),
    title="Which variance to store",
    says="Frameworks differ in the variance that a running average keeps: PyTorch the unbiased "
    "one (divided by m - 1), Keras the biased one (divided by m). The unbiased one is right where "
    "inputs do not depend on the batch, as in the first layer; deeper layers see inputs that the "
    "batch below has normalised, so that neither is right there. Shown is the difference of test "
    "loss at the same weights and decay: below zero, the biased variance does better. "
    "statistics_error has the bias of both in every layer.",
    sentences=_two_variances,
)
