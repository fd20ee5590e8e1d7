"""Which arm of a study isolates which mechanism of batch norm; reports read it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from caviar.model.norms.kind import Mechanism
from caviar.model.norms.registry import NORMS
from caviar.runner.study.study import Study

PARTITIONS = Mechanism("partition diffusion", "removed")
CLASSES = Mechanism("class composition", "removed")


class Shown(NamedTuple):
    """A mechanism, and the setting of an arm that shows it: a field and a test of its value."""

    mechanism: Mechanism
    field: str
    by: Callable[[Any], bool]


def mechanisms_of(study: Study) -> list[dict[str, str]]:
    """For each mechanism, the first arm that differs from the study's other arms in it alone.

    The rows have the form that `study.json` keeps: `mechanism`, `arm` and `contrast`. The contrast
    is `removed` if the mechanism's share is batch norm minus the arm, and `alone` if it is the arm
    minus population statistics.
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
