"""Tables of a watched training: its averages at the end and on the way, and its batch noise."""

from __future__ import annotations

import numpy as np
import pandas as pd

from caviar.analysis.run.read import Run, last_rows

NORMAL = 1.96
"""Half a 95 % interval in standard errors."""

ERRORS = ["mean_error", "variance_error"]


def error_over_layers(statistics: pd.DataFrame) -> pd.DataFrame:
    """Errors of every average at every measured step: root mean square over the layers."""
    if statistics.empty:
        return pd.DataFrame(columns=["step", "tracker", "rule", "tracker_decay", *ERRORS])
    keys = ["step", "tracker", "rule", "tracker_decay"]
    squares = statistics[ERRORS].astype(float) ** 2
    means = squares.groupby([statistics[key] for key in keys], dropna=False).mean()
    rooted: pd.DataFrame = np.sqrt(means)
    return rooted.reset_index()


def averages(run: Run) -> pd.DataFrame:
    """Every average at the end: its errors, and what it adds to the loss over population statistics
    on the probe's examples, with a 95 % interval over them."""
    at_end = error_over_layers(last_rows(run.statistics)).drop(columns="step")
    return at_end.merge(added(run, "running"), how="left", on="tracker")


def added(run: Run, statistics: str) -> pd.DataFrame:
    """What statistics of a kind add to the loss at the last probe, by tracker and split."""
    rows = last_rows(run.evaluations)
    columns = ["tracker", "split", "examples", "added", "low", "high"]
    if rows.empty:
        return pd.DataFrame(columns=columns)
    exact = rows[rows["statistics"] == "population"].set_index("split")["loss"]
    kind = rows[rows["statistics"] == statistics]
    difference = kind["loss"].astype(float) - kind["split"].map(exact).astype(float)
    half = NORMAL * kind["excess_error"].astype(float)
    told = kind.assign(added=difference, low=difference - half, high=difference + half)
    return told[columns].reset_index(drop=True)


def batch_noise(run: Run) -> pd.DataFrame:
    """Noise of batch statistics at the end, a row per layer and size, the network's first."""
    columns = ["layer", "probe_batch_size", "noise_penalty", "noise_to_signal", "mean_variance"]
    rows = last_rows(run.noise)
    if rows.empty:
        return pd.DataFrame(columns=columns)
    network = rows["layer"] == "network"
    return pd.concat([rows[network], rows[~network]])[columns].reset_index(drop=True)


def probe_error(run: Run) -> float:
    """The error of the population mean itself, in deviations: root mean square over the layers.

    Of n examples drawn independently, m times the variance of a batch's mean over n.
    """
    rows = last_rows(run.noise)
    trained = rows[rows["probe_batch_size"] == rows["norm_batch_size"]] if len(rows) else rows
    examples = run.study["model"].get("train_examples")
    if trained.empty or not examples:
        return float("nan")
    return float(
        np.sqrt((trained["mean_variance"] * trained["probe_batch_size"]).mean() / examples)
    )
