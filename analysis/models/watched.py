"""What a watched training says: whether its averages are right, and how noisy its batches are."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from caviar.analysis.models.model_results import ModelAnswer, ModelResults
from caviar.analysis.models.watched_sections import sections
from caviar.analysis.models.watched_tables import (
    added,
    averages,
    batch_noise,
    probe_error,
)
from caviar.analysis.number_format import number
from caviar.analysis.run.read import Run

MATTERS = 0.005
"""A difference of loss below this, in nats, changes nothing that anybody would act on."""

NO_DATA = (
    "Not known: no data were given to measure population statistics on (`caviar.watch(..., "
    "data=batches)`)."
)
NO_BATCHES = (
    "Not known: no norm normalised with a batch in training, since all of them were in eval mode."
)
CAREFUL = (
    "one training with one batch size was watched, so nothing here says what training with another "
    "would do."
)


def watched_results(run: Run) -> ModelResults:
    """The answers of a watched training, from its tables alone."""
    table, noise = averages(run), batch_noise(run)
    return ModelResults(
        run=run,
        opening=_opening(run),
        answers=(
            ModelAnswer("Are its running averages right?", *_of_averages(run, table), "averages"),
            ModelAnswer("How noisy are its batches?", *_of_noise(run, noise), "batch_noise"),
        ),
        careful=CAREFUL,
        following=f"caviar advise --run {run.where}",
        tables=sections(run, table, noise),
    )


def _opening(run: Run) -> str:
    model, outcome = run.study["model"], run.outcomes.iloc[0]
    steps = max(
        (int(frame["step"].max()) for frame in (run.curves, run.statistics) if len(frame)),
        default=0,
    )
    size = run.trials["norm_batch_size"].iloc[0]
    batches = "" if pd.isna(size) else f" in batches of {int(size):,}"
    how = {
        "completed": "ended in order",
        "diverged": "ended with losses that are not finite",
        "unfinished": "has not ended, or was killed",
    }.get(outcome["status"], f"was ended by {outcome.get('error') or 'an error'}")
    norms = len(model["norms"])
    return (
        f"{run.name}: a training of {model['class']} ({norms} batch norm{'s' * (norms != 1)}) was "
        f"watched for {steps:,} updates{batches}; it {how}."
    )


def _of_averages(run: Run, table: pd.DataFrame) -> tuple[str, tuple[str, ...]]:
    if table.empty:
        return NO_DATA, ()
    held = table[table["tracker"] == "own"]
    more = tuple(filter(None, (_by_momentum(table), _least(table), _errors(run, table))))
    if held.empty or held["added"].isna().all():
        return "Not known in nats: no loss was measured with what the model holds.", more
    row = held.iloc[0]
    verdict = _verdict(row, "Yes", "No")
    return (
        f"{verdict}: what the model holds changes the loss of {int(row['examples']):,} "
        f"{row['split']} examples by {_interval(row)} nats against population statistics of "
        f"{run.study['model']['train_examples']:,} training examples.",
        more,
    )


def _verdict(row: Any, good: str, bad: str) -> str:
    if row["high"] < MATTERS:
        return good
    return bad if row["low"] > MATTERS else "Not decided"


def _interval(row: Any) -> str:
    ends = (
        f" [95 %: {number(row['low'])} to {number(row['high'])}]"
        if row["low"] == row["low"]
        else ""
    )
    return f"{'+' if row['added'] > 0 else ''}{number(row['added'])}{ends}"


def in_words(row: Any) -> str:
    """An average in the words of PyTorch, or as its rule and decay."""
    if row["rule"] == "own":
        return "what the model holds"
    if row["rule"] == "unbiased":
        return f"momentum={1 - row['tracker_decay']:g}"
    decay = "" if pd.isna(row["tracker_decay"]) else f" at decay {row['tracker_decay']:g}"
    return f"the rule {row['rule']}{decay}"


def _by_momentum(table: pd.DataFrame) -> str:
    rows = table[(table["rule"] == "unbiased") & table["added"].notna()]
    if rows.empty:
        return ""
    each = [f"{_interval(row)} nats with {in_words(row)}" for _, row in rows.iterrows()]
    return f"PyTorch's rule on the same training would have changed it by {'; by '.join(each)}."


def _least(table: pd.DataFrame) -> str:
    rows = table[table["added"].notna()]
    if len(rows) < 2:
        return ""
    row = rows.loc[rows["added"].idxmin()]
    return (
        f"Of {len(rows)} averages that were read, {in_words(row)} has the lowest loss "
        f"({_interval(row)} nats). It was picked on these examples, so that others may do as well."
    )


def _errors(run: Run, table: pd.DataFrame) -> str:
    rows = table[table["rule"].isin(["own", "unbiased"])]
    each = [f"{number(row['mean_error'])} ({in_words(row)})" for _, row in rows.iterrows()]
    floor = probe_error(run)
    known = (
        ""
        if np.isnan(floor)
        else (
            f" The population mean itself is known to about {number(floor)} from the probe's "
            "examples, and errors of that size cannot be told from it."
        )
    )
    return (
        f"Error of the mean in population deviations, root mean square over the layers: "
        f"{', '.join(each)}.{known}"
    )


def _of_noise(run: Run, noise: pd.DataFrame) -> tuple[str, tuple[str, ...]]:
    size = run.trials["norm_batch_size"].iloc[0]
    if pd.isna(size):
        return NO_BATCHES, ()
    trained = noise[noise["probe_batch_size"] == size]
    more = tuple(filter(None, (_by_layer(trained), _at_other_sizes(noise, size))))
    cost = added(run, "batch")
    cost = cost[cost["split"] == "train"]
    if len(cost):
        row = cost.iloc[0]
        return (
            f"At m = {int(size):,} the statistics of a batch change the loss of "
            f"{int(row['examples']):,} training examples by {_interval(row)} nats against "
            "population statistics at the same weights (R_in).",
            more,
        )
    return (more[0], more[1:]) if more else (NO_DATA, ())


def _by_layer(trained: pd.DataFrame) -> str:
    rows = trained[trained["noise_to_signal"].notna()]
    if rows.empty:
        return ""
    values = rows["noise_to_signal"].astype(float)
    most = rows.loc[values.idxmax()]
    worth = 1 / float(most["mean_variance"]) if most["mean_variance"] > 0 else float("inf")
    span = f"{100 * values.min():.2g} to {100 * values.max():.2g} %"
    return (
        f"From batch to batch an example's normalised value scatters by {span} of its variance, "
        f"depending on the layer; most in layer {most['layer']}, where a batch mean is as good as "
        f"one of {number(worth)} independent values."
    )


def _at_other_sizes(noise: pd.DataFrame, size: float) -> str:
    rows = noise[(noise["layer"] == "network") & (noise["probe_batch_size"] != size)]
    rows = rows[rows["noise_penalty"].notna()]
    if rows.empty:
        return ""
    each = [
        f"{number(r['noise_penalty'])} at {int(r['probe_batch_size'])}" for _, r in rows.iterrows()
    ]
    return (
        f"R_in in batches of other sizes, nats: {', '.join(each)}. That is what these weights "
        "bear, not what training with that size would give."
    )
