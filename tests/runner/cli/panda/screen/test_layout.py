"""The panels fill the window exactly, from 80 x 24 on."""

from __future__ import annotations

import pytest

from caviar.runner.cli.panda.screen.contrast import KINDS
from caviar.runner.cli.panda.screen.layout import FIXED, layout, plots_of, too_small


@pytest.mark.parametrize("height", range(24, 90))
def test_the_panels_have_the_height_of_the_window(height: int) -> None:
    sizes = layout(80, height)
    assert sizes is not None
    assert FIXED + sizes.plot * sizes.rows + sizes.lower == height
    assert sizes.plot >= 7 and sizes.lower >= 5


@pytest.mark.parametrize(("width", "height"), [(79, 24), (80, 23), (1, 1)])
def test_a_window_too_small_is_told_the_size_needed(width: int, height: int) -> None:
    assert layout(width, height) is None
    assert f"{width} x {height}" in too_small(width, height)
    assert "80 x 24" in too_small(width, height)


@pytest.mark.parametrize("kind", KINDS)
def test_a_tall_window_has_four_different_plots(kind: str) -> None:
    assert plots_of(kind, 1) == [(kind, "loss"), (kind, "accuracy")]
    assert len(set(plots_of(kind, 2))) == 4
