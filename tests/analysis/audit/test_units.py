"""Units that no statistics are right for."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from caviar.analysis.audit.evidence import Moments
from caviar.analysis.audit.units import unit_faults
from tests.analysis.audit.made import layer, stored


def test_units_are_counted_by_what_they_are() -> None:
    one = layer(units=6)
    variance = np.array([0.0, 1e-9, 5e-6, 1.0, np.nan, 1.0])
    one = replace(one, population=replace(one.population, moments=Moments(np.ones(6), variance)))
    one = stored(one, 0.0, np.array([1.0, 0.0, 1.0, 0.0, 1.0, -1.0]))
    assert unit_faults(one) == (6, 2, 1, 1, 2)


def test_a_layer_that_stores_nothing_stores_nothing_impossible() -> None:
    assert unit_faults(replace(layer(), stored=None)).stored_impossible == 0
