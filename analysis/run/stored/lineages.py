"""The part of a run that a panda adds: edited trainings beside the one that was not edited."""

from __future__ import annotations

from dataclasses import replace

import pyarrow as pa

from caviar.analysis.run.stored.location import Place, parts

INTERVENTIONS = "interventions"
READINGS = "readings"
READING_LAYERS = "reading_layers"


def lineages_of(place: Place) -> Place:
    """Where the tables of edited trainings lie, with the schemas of the run's own."""
    return replace(place, path=f"{place.path}/lineages")


def is_panda(place: Place) -> bool:
    """Whether something was asked of a training while it ran."""
    return bool(parts(place, INTERVENTIONS))


def with_lineages(place: Place, table: str) -> list[pa.Table]:
    """The parts of a table, those of the run and those of its edited trainings."""
    return [*parts(place, table), *parts(lineages_of(place), table)]
