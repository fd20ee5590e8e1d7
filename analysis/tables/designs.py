"""Several designs on one axis: how much of a naive effect is left when less moves at once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pandas as pd

from caviar.analysis.run.design import Design, design_of
from caviar.analysis.run.read import Run
from caviar.analysis.statistics.intervals import Interval
from caviar.analysis.tables.comparisons import contrasts, readings
from caviar.analysis.tables.control_arms import first_arm
from caviar.analysis.tables.regularization import final_values

QUANTITIES = ("train_loss", "test_loss")
COLUMNS = ["study", "axis", "reading", "quantity", "facet", "level", *Interval._fields, "left_out"]


def designs_beside(runs: Sequence[Run]) -> pd.DataFrame:
    """Train and test loss at every size less those at one size that all the designs have.

    The reference is the largest size that all runs have, so that the lines of, say, a naive
    study (batch and statistics together), a ghost study (statistics alone) and one of the batch
    at equal steps can be read on one axis. By study and reading of its draws; only designs
    paired by seed. Raises ValueError where the runs have no size in common.
    """
    designs = [(first_arm(run), design_of(first_arm(run))) for run in runs]
    paired = [(run, design) for run, design in designs if design is not None and design.paired]
    if len(paired) < 2:
        raise ValueError("two runs that compare sizes by seed are needed to set beside each other")
    common = set.intersection(*(set(map(float, design.levels)) for _, design in paired))
    if not common:
        sizes = "; ".join(_sizes(run, design) for run, design in paired)
        raise ValueError(f"the runs have no size in common: {sizes}")
    reference = max(common)
    parts = [
        contrasts(
            rows, replace(design, levels=(*design.levels, reference)), quantity, reading
        ).assign(study=_name(run), axis=design.axis, reading=reading, quantity=quantity)
        for run, design in paired
        for reading, rows in readings(run, design, final_values(run, design)).items()
        for quantity in QUANTITIES
    ]
    return pd.concat(parts, ignore_index=True)[COLUMNS]


def _name(run: Run) -> str:
    return str(run.study["study"]["name"])


def _sizes(run: Run, design: Design) -> str:
    return f"{_name(run)} has {', '.join(f'{level:g}' for level in design.levels)}"
