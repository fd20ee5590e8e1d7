"""Numbers at the ticks of axes."""

from __future__ import annotations

import io
from typing import Any

import matplotlib
import pytest
from cycler import cycler
from matplotlib.figure import Figure

from caviar.analysis.figures import decompositions
from caviar.analysis.figures import overview as figures
from caviar.analysis.figures.axes import Powers, powers, style
from tests.analysis.plotted import (
    MANY,
    table,
)

THEIRS: Any = {
    "text.usetex": True,
    "figure.facecolor": "red",
    "figure.autolayout": True,
    "lines.markersize": 20,
    "savefig.bbox": "tight",
    "savefig.transparent": True,
    "axes.prop_cycle": cycler(color="kc"),
    "svg.id": "theirs",
}
"""What a user's matplotlibrc may say."""


def png() -> bytes:
    with style():
        figure = Figure(dpi=50)
        figure.subplots().plot([1, 2], label="$x$ in 10")
        figure.axes[0].legend()
        buffer = io.BytesIO()
        figure.savefig(buffer)
    return buffer.getvalue()


def test_a_figure_does_not_depend_on_the_users_settings() -> None:
    before = png()
    with matplotlib.rc_context(THEIRS):
        assert png() == before
        assert matplotlib.rcParams["figure.facecolor"] == "red"


def test_no_number_of_a_figure_is_parsed_as_a_formula(monkeypatch: pytest.MonkeyPatch) -> None:
    """Not on logarithmic axes, either way, nor beside colours of one sign or of both."""
    monkeypatch.setattr("matplotlib.mathtext.MathTextParser.parse", None)
    averages: dict[str, Any] = {"rule": ["biased", "unbiased"], "tracker_decay": MANY}
    damage = table(**averages)
    errors = table(layer=["norm1"], quantity=["mean_error", "variance_error"], **averages)
    errors["mean"] *= errors["level"] ** -2
    parts = table(part=["sampling"], layer=["norm1"]).assign(memory=[10.0, 100.0, 1000.0])
    for figure in (
        figures.running_damage(damage, "m"),
        figures.statistics_error(errors, "m"),
        decompositions.error_parts_over_decay(parts),
    ):
        figure.draw_without_rendering()


def test_powers_of_ten_are_characters() -> None:
    """Of both signs, whole and not: what matplotlib would write as formulas."""
    figure = Figure()
    wide, narrow, signed = figure.subplots(1, 3)
    for axes, values in ((wide, (1e-4, 1.0)), (narrow, (2e-3, 7e-3))):
        axes.plot([0, 1], values)
        powers(axes)
    signed.plot([0, 1], [-1.0, 1.0])
    powers(signed, linear_below=0.1)
    figure.draw_without_rendering()
    assert {"10⁻⁴", "10⁻²", "10⁰"} <= {text.get_text() for text in wide.get_yticklabels()}
    minor = {text.get_text() for text in narrow.get_yticklabels(minor=True)}
    assert {"2×10⁻³", "6×10⁻³"} <= minor
    assert {"−10⁰", "−10⁻¹", "0", "10⁰"} <= {text.get_text() for text in signed.get_yticklabels()}


@pytest.mark.parametrize(
    ("value", "text"), [(1e-3, "10⁻³"), (1e12, "10¹²"), (-100.0, "\N{MINUS SIGN}10²")]
)
def test_powers_are_characters_and_no_formulas(value: float, text: str) -> None:
    formatter = Powers()
    formatter.create_dummy_axis(minpos=1e-5)
    assert formatter(value) == text
