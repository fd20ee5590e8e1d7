"""The figure of training curves: a line and a band per size, a panel per loss."""

from __future__ import annotations

import numpy as np
import pandas as pd

from caviar.analysis.figures.palette import of_size
from caviar.analysis.figures.training_curves import QUANTITIES, training_curves
from tests.analysis.plotted import drawn


def test_a_line_per_size_in_its_colour() -> None:
    rows = pd.MultiIndex.from_product(
        [[""], QUANTITIES, [8.0, 64.0], [1, 2]], names=["facet", "quantity", "level", "step"]
    ).to_frame(index=False)
    rows["median"] = rows["level"] / rows["step"]
    figure = training_curves(
        rows.assign(lower_quartile=rows["median"] / 2, upper_quartile=2 * rows["median"]), "m"
    )
    drawn(figure)
    assert [axes.get_title() for axes in figure.axes] == list(QUANTITIES.values())
    for axes in figure.axes:
        assert [line.get_label() for line in axes.lines] == ["m = 8", "m = 64"]
        assert [line.get_color() for line in axes.lines] == [of_size(8), of_size(64)]
        assert [np.asarray(line.get_ydata()).tolist() for line in axes.lines] == [[8, 4], [64, 32]]
        assert len(axes.collections) == 2
