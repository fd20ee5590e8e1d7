"""The sections of a watched training's page: a table each, with words and a figure."""

from __future__ import annotations

import pandas as pd

from caviar.analysis.models.model_results import ModelTable
from caviar.analysis.models.watched_figures import (
    added_by_decay,
    errors_while_training,
    losses_while_training,
    noise_by_size,
)
from caviar.analysis.models.watched_tables import error_over_layers
from caviar.analysis.run.read import Run

ERRORS = {"mean_error": "population deviations", "variance_error": "log ratio"}


def sections(run: Run, averages: pd.DataFrame, noise: pd.DataFrame) -> tuple[ModelTable, ...]:
    """Those whose table has rows."""
    every = (_losses(run), _averages(averages), _over_time(run), _noise(noise))
    return tuple(section for section in every if len(section.table))


def _losses(run: Run) -> ModelTable:
    columns = ["step", "loss", "weight_norm"]
    return ModelTable(
        "losses",
        "Losses while training",
        "Train-mode loss, and the loss of the probe's examples under population statistics.",
        run.curves.reindex(columns=columns),
        dict(zip(columns, ("updates", "nats", "units of weight"), strict=True)),
        "curves",
        lambda: losses_while_training(run.curves, run.evaluations),
        alt="Train-mode loss and losses of the probe against updates.",
    )


def _averages(table: pd.DataFrame) -> ModelTable:
    return ModelTable(
        "averages",
        "Every running average at the end",
        "What each average would have added to the loss over population statistics, and how "
        "far its mean and variance are from the population's.",
        table,
        {**ERRORS, **dict.fromkeys(("added", "low", "high"), "nats")},
        "statistics",
        (lambda: added_by_decay(table)) if table["added"].notna().any() else None,
        "Bars are 95 % intervals over examples; zero is population statistics.",
        "Loss added by every running average against its memory.",
    )


def _over_time(run: Run) -> ModelTable:
    table = error_over_layers(run.statistics)
    return ModelTable(
        "averages_over_time",
        "Errors of running averages while training",
        "Root mean square over the layers, of the model's own average and of PyTorch's rule.",
        table,
        {**ERRORS, "step": "updates"},
        "statistics",
        lambda: errors_while_training(table),
        alt="Errors of running averages against updates.",
    )


def _noise(table: pd.DataFrame) -> ModelTable:
    units = {"noise_penalty": "nats", "noise_to_signal": "1"}
    return ModelTable(
        "batch_noise",
        "Noise of batch statistics at these weights",
        "R_in is the loss in train mode less that under population statistics. A normalised "
        "value scatters with the other examples of its batch; its own variance is 1.",
        table,
        {**units, "mean_variance": "population variance"},
        "noise",
        lambda: noise_by_size(table),
        alt="R_in and the scatter of normalised values against batch size.",
    )
