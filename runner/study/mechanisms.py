"""Which arm of a study shows what one mechanism of batch norm does, for those who report it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from caviar.model.norms.kind import Mechanism
from caviar.model.norms.registry import NORMS
from caviar.runner.study.study_file import Study

PARTITIONS = Mechanism("partition diffusion", "removed")
CLASSES = Mechanism("class composition", "removed")


class Shown(NamedTuple):
    """A mechanism, and which settings of an arm show it: a field and a test of its value."""

    mechanism: Mechanism
    field: str
    by: Callable[[Any], bool]


def mechanisms_of(study: Study) -> list[dict[str, str]]:
    """For each mechanism the first arm that differs from the study's others in it alone.

    As `study.json` keeps it: `mechanism`, `arm` and `contrast`, which is `removed` where batch
    norm less the arm is the mechanism's share, `alone` where the arm less population statistics
    is.
    """
    shown: dict[str, dict[str, str]] = {}
    for (name, contrast), field, by in _known():
        for arm, settings in study.arms.items():
            if settings.keys() == {field} and by(settings[field]):
                row = {"mechanism": name, "arm": arm, "contrast": contrast}
                shown.setdefault(name, row)
    return list(shown.values())


def _known() -> Iterator[Shown]:
    for kind in NORMS.values():
        if kind.mechanism is not None:
            yield Shown(kind.mechanism, "norm", kind.name.__eq__)
    yield Shown(PARTITIONS, "partitions", lambda count: count > 1)
    yield Shown(CLASSES, "ghosts", "stratified".__eq__)
