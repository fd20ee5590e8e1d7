"""Which drawn field of a search matters, and where its best trials lie."""

from __future__ import annotations

import pandas as pd
from matplotlib.figure import Figure

from caviar.analysis.figures.parallel import parallel_coordinates
from caviar.analysis.findings.finding import Column, Finding, Results
from caviar.analysis.number_format import number, with_interval
from caviar.analysis.tables.configurations.drawn import drawn_fields, positions
from caviar.analysis.tables.configurations.importance import (
    EXPLAINED,
    FEWEST_TRIALS,
    RESAMPLES,
    best_count,
    field_importance,
    finite,
    settings,
)

MOST_LINES = 400
"""Of more trials the best are drawn: lines beyond them hide each other."""


def told(results: Results) -> list[str]:
    """What matters, what cannot be told from luck, and which range to widen; of a search alone."""
    table = results["field_importance"]
    if table.empty:
        return []
    whole, fields = table.iloc[0], table[1:]
    if pd.isna(whole["mean"]):
        return [
            f"To tell which field matters takes {FEWEST_TRIALS} finite trials or more, with "
            "different losses."
        ]
    if whole["low"] <= 0:
        return [
            "The drawn fields do not predict the validation loss of trials that were left out "
            f"(share explained {with_interval(whole.to_dict())}): draw more trials before reading "
            "anything from one field."
        ]
    matter = fields[fields["low"] > 0]
    sentences = [
        f"{_names(matter['field'].tolist())} can be told to matter, the most important first."
        if len(matter)
        else "No single field can be told to matter."
    ]
    rest = fields.loc[fields["low"] <= 0, "field"].tolist()
    if rest and len(matter):
        sentences.append(f"What {_names(rest)} adds cannot be told from luck.")
    for row in matter[matter["edge"] != ""].to_dict("records"):
        end = row["lowest"] if row["edge"] == "low" else row["highest"]
        further = "lower" if row["edge"] == "low" else "higher"
        sentences.append(
            f"The best trials lie at the {row['edge']} end of {row['field']} (near {_value(end)}): "
            f"draw from {further} values too."
        )
    return sentences


def _names(names: list[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


def _value(value: object) -> str:
    return number(value) if isinstance(value, float) else str(value)


def _drawn(results: Results) -> Figure:
    run, known = results.run, finite(results["best"])[:MOST_LINES]
    trials = settings(run, known)
    fields = drawn_fields(run)
    places = {name: positions(run, name, trials[name]) for name in fields}
    ends = [(_value(trials[name].min()), _value(trials[name].max())) for name in fields]
    loss = known["mean"].rank().to_numpy() - 1
    places["validation loss"] = 1 - loss / max(loss.max(), 1)
    ends.append((number(known["mean"].max()), number(known["mean"].min())))
    lines = pd.DataFrame(places).to_numpy(dtype=float)
    return parallel_coordinates(lines, list(places), ends, best_count(len(known)))


FIELD_IMPORTANCE = Finding(
    name="field_importance",
    part="run",
    compute=lambda results: field_importance(results.comparison, results["best"]),
    columns=(
        Column("field", "text", f"The drawn field; first, `{EXPLAINED}`."),
        Column(
            "mean",
            "share",
            "What shuffling the field adds to a forest's squared error in the log of validation "
            "loss, as a share of its variance; in the first row the share that the forest "
            "explains. Below zero where it helps by luck.",
            "any number",
        ),
        Column(
            "low",
            "share",
            f"The lower end of the middle 95 % over {RESAMPLES} resamples of the trials.",
            "any number",
        ),
        Column("high", "share", "The upper end.", "any number"),
        Column("lowest", "that of the field", "The lowest value that was drawn."),
        Column("highest", "that of the field", "The highest value that was drawn."),
        Column("best", "that of the field", "The value of the best trial."),
        Column(
            "edge",
            "text",
            "`low` or `high` where the best tenth of the trials lie in the outer tenth of the "
            "range of a field that matters; else empty.",
            "low, high or empty",
        ),
    ),
    title="Which drawn field matters",
    says="Each line is a trial: it goes through the values that were drawn for it, each axis on "
    "the scale of its field, and ends at its rank by validation loss.",
    more="Importance: a random forest learns the log of validation loss from the fields, on a "
    "resample of the trials; at the trials left out, the values of one field are shuffled, and "
    "what that adds to the squared error is the field's importance, a share of the variance. "
    "Fields that were drawn alike share theirs. It describes this range, not the field: drawn "
    "over a narrower one it would matter less.",
    caption="The best trial is at the top of the last axis; its values are where its line crosses "
    "the others.",
    alt="Parallel coordinates: one axis per drawn field and one for the rank by validation loss, "
    "one line per trial, the best ones darker.",
    draw=_drawn,
    opened=True,
)
