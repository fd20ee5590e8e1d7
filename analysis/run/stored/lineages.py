"""The part of a run that a panda adds: edited trainings beside the one that was not edited."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pyarrow as pa

from caviar.analysis.run.stored.location import Place, parts

PANDA = "panda"
"""Key of `study.json` where a run is that of `caviar panda`."""

INTERVENTIONS = "interventions"
READINGS = "readings"
READING_LAYERS = "reading_layers"


def lineages_of(place: Place) -> Place:
    """Where the tables of edited trainings lie, with the schemas of the run's own."""
    return replace(place, path=f"{place.path}/lineages")


def is_panda(study: Mapping[str, Any]) -> bool:
    """Whether a run is that of one training which may be edited while it runs; `study` is the
    content of `study.json`."""
    return PANDA in study


def with_lineages(place: Place, table: str) -> list[pa.Table]:
    """The parts of a table, those of the run and those of its edited trainings."""
    return [*parts(place, table), *parts(lineages_of(place), table)]
