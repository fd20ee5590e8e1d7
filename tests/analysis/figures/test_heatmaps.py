"""Many running averages as colours."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest

from caviar.analysis.figures import overview as figures
from caviar.analysis.number_format import MINUS
from tests.analysis.plotted import (
    MANY,
    drawn,
    labelled,
    panels,
    part,
    table,
    ticks,
)


def test_many_decays_are_a_map_of_damage() -> None:
    rows = table(rule=["biased", "unbiased"], tracker_decay=MANY)
    rows["mean"] *= np.where(rows["tracker_decay"] > 0.9, -1, 1)
    figure = figures.running_damage(rows, "norm batch size m")
    drawn(figure)
    shown = panels(figure)
    assert [axes.get_title().split(": ")[1] for axes in shown] == ["biased", "unbiased"]
    for axes, rule in zip(shown, ("biased", "unbiased"), strict=True):
        wide = part(rows, rule=rule).pivot(index="tracker_decay", columns="level", values="mean")
        (image,) = axes.images
        assert np.array_equal(np.asarray(image.get_array()), wide.to_numpy())
        low, high = image.get_clim()
        assert low == -high and high >= abs(wide).max(axis=None)
        assert image.origin == "lower"
        assert ticks(axes) == ["8", "64", "256"] and labelled(axes)
        assert [t.get_text() for t in axes.get_yticklabels()] == [f"{decay:g}" for decay in MANY]
        (here,) = part(rows, rule=rule, tracker_decay=0.99, level=64.0).to_dict("records")
        half = (here["high"] - here["low"]) / 2
        written = {(t.get_position(), t.get_text()) for t in axes.texts}
        words = f"{wide.loc[0.99, 64.0]:.2g}\n±{half:.1g}".replace("-", MINUS)
        assert ((1, 3), words) in written
        assert len(axes.texts) == 15


@pytest.mark.parametrize("decays, numbers", [(50, 300), (51, 0)])
def test_a_map_too_dense_for_numbers_has_none(decays: int, numbers: int) -> None:
    many = list(np.linspace(0, 0.99, decays))
    rows = table(rule=["biased", "unbiased"], tracker_decay=many)
    figure = figures.running_damage(rows, "m")
    assert sum(len(axes.texts) for axes in panels(figure)) == numbers
    assert all(len(axes.images) == 1 for axes in panels(figure))


def test_many_decays_are_a_map_of_the_last_layers_errors() -> None:
    rows = table(
        layer=["norm1", "norm2"],
        quantity=["mean_error", "variance_error", "variance_bias"],
        rule=["biased", "unbiased"],
        tracker_decay=MANY,
    )
    figure = figures.statistics_error(rows, "m")
    drawn(figure)
    shown = panels(figure)
    assert len(shown) == 4
    for axes, (quantity, rule) in zip(
        shown,
        [(q, r) for q in ("mean_error", "variance_error") for r in ("biased", "unbiased")],
        strict=True,
    ):
        of_map = part(rows, layer="norm2", quantity=quantity, rule=rule)
        wide = of_map.pivot(index="tracker_decay", columns="level", values="mean")
        assert np.array_equal(np.asarray(axes.images[0].get_array()), wide.to_numpy())
        assert axes.get_title() == f"norm2, {quantity.split('_')[0]}: {rule}"


def with_cumulative(rows: pd.DataFrame) -> pd.DataFrame:
    """A cumulative average beside the others: it has no decay."""
    cumulative = table(rule=["cumulative"], tracker_decay=[math.nan])
    return pd.concat([rows, cumulative.assign(mean=7.0)], ignore_index=True)


def test_a_rule_without_decay_is_not_on_the_map_of_decays() -> None:
    rows = with_cumulative(table(rule=["biased", "unbiased"], tracker_decay=MANY))
    figure = figures.running_damage(rows, "m")
    drawn(figure)
    titles = [axes.get_title() for axes in panels(figure)]
    assert titles == ["test loss: biased", "test loss: unbiased"]


def test_many_rules_are_one_map_of_all_averages() -> None:
    rules = ["biased", "debiased", "pytorch", "unbiased"]
    rows = with_cumulative(table(rule=rules, tracker_decay=[0.9, 0.99]))
    figure = figures.running_damage(rows, "norm batch size m")
    drawn(figure)
    (axes,) = panels(figure)
    assert axes.get_title() == "test loss" and axes.get_xlabel() == "norm batch size m"
    names = [t.get_text() for t in axes.get_yticklabels()]
    every = [f"{rule} {decay}" for rule in rules for decay in (0.9, 0.99)]
    assert sorted(names) == sorted(["cumulative", *every])
    shown = np.asarray(axes.images[0].get_array())
    for name, line in zip(names, shown, strict=True):
        rule, _, decay = name.partition(" ")
        of_line = part(rows, rule=rule)
        of_line = part(of_line, tracker_decay=float(decay)) if decay else of_line
        assert line.tolist() == of_line["mean"].tolist()
