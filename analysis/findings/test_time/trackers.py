"""The running average that sentences are about."""

from __future__ import annotations

from typing import Any

import pandas as pd

from caviar.analysis.findings.finding import Results
from caviar.analysis.run.design import in_order
from caviar.analysis.run.stored.changes import in_the_end


def usual_tracker(results: Results, table: pd.DataFrame) -> pd.DataFrame:
    """The rows of the tracker that sentences are about: `unbiased` at the study's own decay."""
    rules = table["rule"].unique()
    of_study = results.run.trials["convention"].dropna().unique().tolist()
    usual = (*of_study[:1], "unbiased", "unbiased, drawn decay", "pytorch")
    rule = next((name for name in usual if name in rules), rules[0])
    rows = table[table["rule"] == rule]
    decays = sorted(rows["tracker_decay"].dropna().unique())
    if not decays:
        return rows
    trained = in_the_end(results.run.trials, "decay")
    decay = trained.iloc[0] if trained.nunique() == 1 and trained.iloc[0] in decays else decays[0]
    return rows[rows["tracker_decay"] == decay]


def usual_errors(results: Results) -> pd.DataFrame:
    """Errors of the usual tracker in the last batch-norm layer; empty without batch norm."""
    errors = results.reading("statistics_error")
    if errors.empty:
        return pd.DataFrame(columns=["quantity", "facet", "level", "layer"])
    errors = usual_tracker(results, errors)
    return errors[errors["layer"] == in_order(errors["layer"])[-1]]


KINDS = {
    "unbiased": "a running average of unbiased variances (PyTorch's kind, {decay})",
    "biased": "a running average of biased variances (Keras's kind, {decay})",
    "debiased": "a running average with its start taken out (debiased, {decay})",
    "cumulative": "the plain mean of all batches (cumulative)",
}


def in_words(row: Any) -> str:
    """`a running average of unbiased variances (PyTorch's kind, decay 0.9)`."""
    decay = row["tracker_decay"]
    words = "drawn decay" if pd.isna(decay) else f"decay {decay:g}"
    rule = str(row["rule"]).removesuffix(", drawn decay")
    kind = KINDS.get(rule, f"a running average by the rule {rule} of `caviar conventions`")
    return kind.format(decay=words)


def tracker_name(row: Any) -> str:
    """`unbiased, decay 0.9`, as words."""
    decay = row["tracker_decay"]
    return str(row["rule"]) + ("" if pd.isna(decay) else f", decay {decay:g}")
