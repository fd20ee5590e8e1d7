"""How far running statistics are from the population's, and what that costs."""

from __future__ import annotations

import numpy as np
import pandas as pd

from caviar.analysis.figures import overview as figures
from caviar.analysis.findings.columns import (
    FACET,
    LAYER,
    LEFT_OUT,
    LEVEL,
    QUANTITY,
    READING,
    RULE,
    TRACKER_DECAY,
    interval,
)
from caviar.analysis.findings.finding import Finding, Results
from caviar.analysis.findings.test_time.trackers import in_words, usual_errors, usual_tracker
from caviar.analysis.findings.wording import at_level, by_facet, first_and_last
from caviar.analysis.number_format import with_interval
from caviar.analysis.tables import running_statistics as test_time


def _off_by(results: Results) -> list[str]:
    """How far the usual average is from the population in the last layer, mean and variance."""
    errors, damage = usual_errors(results), results.reading("running_damage")
    if errors.empty or damage.empty:
        return []
    layer = errors["layer"].iloc[0]
    name = in_words(usual_tracker(results, damage).iloc[0])
    means = by_facet(errors[errors["quantity"] == "mean_error"])
    variances = dict(by_facet(errors[errors["quantity"] == "variance_error"]))
    return [
        f"{facet}In layer {layer}, the mean of {name} is off by "
        f"{first_and_last(results, rows, ' standard deviations of the input')}. The log of its "
        "variance, where 0.1 is about 10 %, is off by "
        f"{first_and_last(results, variances[facet], '')}."
        for facet, rows in means
    ]


def _costs(results: Results) -> list[str]:
    damage = results.reading("running_damage")
    return [] if damage.empty else [_worst(results, _together(results, damage))]


def _together(results: Results, damage: pd.DataFrame) -> pd.DataFrame:
    """The damage with intervals that hold for all averages and sizes together, where seeds are
    paired: the largest is picked from them."""
    if not results.design.paired:
        return damage
    bands = test_time.damage_bands(results.comparison)
    if bands.empty:
        return damage.assign(low=np.nan, high=np.nan)
    keys = ["facet", "rule", "tracker_decay", "level"]
    table = damage.merge(bands, how="inner", on=keys)
    return table.assign(low=table["band_low"], high=table["band_high"])


def _worst(results: Results, damage: pd.DataFrame) -> str:
    if damage["low"].isna().all():
        return "There are too few seeds to say which running average costs most."
    costly = damage[damage["low"] > 0]
    if costly.empty:
        return (
            "No running average that was kept raises test loss significantly over population "
            "statistics."
        )
    worst = costly.loc[costly["mean"].idxmax()]
    facet = f" ({worst['facet']})" if worst["facet"] else ""
    return (
        "Of all running averages kept, the one that raises test loss most over population "
        f"statistics is {in_words(worst)}, by {with_interval(worst, ' nats')} at "
        f"{at_level(results, worst['level'])}{facet}{_paid(results)}."
    )


def _paid(results: Results) -> str:
    return "; that interval holds for all of them together" if results.design.paired else ""


STATISTICS_ERROR = Finding(
    name="statistics_error",
    part="test time",
    compute=lambda results: test_time.statistics_error(results.comparison),
    columns=(
        READING,
        QUANTITY,
        FACET,
        LAYER,
        RULE,
        TRACKER_DECAY,
        LEVEL,
        *interval("deviations; variance_error and variance_bias: log ratio"),
        LEFT_OUT,
    ),
    title="How far running statistics are from the population's",
    says="Root mean square over features of the running mean's error in population "
    "deviations, and of the log ratio of variances, at the end of training.",
    caption="Lower is better; every tracker watched the same training. Bars, or ± half their "
    "width, are 95 % intervals; where a map is too dense for numbers, they are in the table.",
    alt="Error of running mean and variance against mini-batch size for every tracker.",
    draw=lambda results: figures.statistics_error(
        results.reading("statistics_error"), results.design.label
    ),
    sentences=_off_by,
)

RUNNING_DAMAGE = Finding(
    name="running_damage",
    part="test time",
    compute=lambda results: test_time.running_damage(results.comparison),
    columns=(
        READING,
        FACET,
        RULE,
        TRACKER_DECAY,
        LEVEL,
        *interval("nats", "Test loss under the running average less that of the population."),
        LEFT_OUT,
    ),
    title="What that costs at test time",
    says="Test loss under each running average less that under population statistics, at the "
    "same weights.",
    caption="Above zero, evaluating with running statistics raises test loss. Bars, or ± half "
    "their width, are 95 % intervals; where a map is too dense for numbers, they are in the "
    "table.",
    alt="Test loss under running less population statistics for every tracker.",
    draw=lambda results: figures.running_damage(
        results.reading("running_damage"), results.design.label
    ),
    sentences=_costs,
)
