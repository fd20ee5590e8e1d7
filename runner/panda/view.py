"""What a screen shows of a training that is edited live: one frozen value per redraw."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, NamedTuple, Protocol

from caviar.model.contract import Array
from caviar.runner.panda.requests import Answer

State = Literal["waiting", "training", "paused", "parked", "ended", "diverged"]
"""`waiting`: its change takes effect at a step that its parent has not reached yet."""


class Series(NamedTuple):
    """One quantity of one lineage, with its parent's points before it was born.

    `steps` is `(points,)`, `values` is `(points, replicas)`.
    """

    steps: Array
    values: Array


@dataclass(frozen=True)
class LineageView:
    """A lineage: the training with one change more than its parent's, which took effect at the end
    of step `born`. Lineage 0, the twin, has no parent (-1) and no change; `step` is where it is."""

    number: int
    parent: int
    born: int
    change: str
    step: int
    state: State


@dataclass(frozen=True)
class LayerView:
    """A norm layer at the last reading, means over seeds; NaN where there is none."""

    layer: str
    mean_error: float
    variance_error: float
    batch_noise: float
    gamma_norm: float
    weight_norm: float


@dataclass(frozen=True)
class LogLine:
    """A request and what came of it, or something that the panda says itself."""

    step: int
    lineage: int
    text: str
    accepted: bool
    asked_by: str


@dataclass(frozen=True)
class View:
    """All of a panda at one moment.

    `settings` are those in force in the current lineage, by field. `learning_rate` is what the
    next step takes, after the schedule. `pace` is in steps per second, None at full speed.
    `series` are keyed by lineage and name: `loss` or `accuracy`, then `train`, `validation` or
    `test`, then `population` or `running`; and `loss train train-mode`. `layers` are those of the
    twin (0) and of the current lineage.
    """

    name: str
    where: str
    about: str
    steps: int
    steps_per_epoch: int
    seeds: tuple[int, ...]
    lineages: tuple[LineageView, ...]
    current: int
    settings: Mapping[str, str]
    learning_rate: float
    steps_per_second: float
    pace: float | None
    paused: bool
    ended: bool
    series: Mapping[tuple[int, str], Series]
    layers: Mapping[int, tuple[LayerView, ...]]
    log: tuple[LogLine, ...]
    snapshots: tuple[str, ...]

    def lineage(self, number: int) -> LineageView:
        """The lineage of a number."""
        return self.lineages[number]


class Panda(Protocol):
    """What a screen, a lesson and a script steer; every method may be called from any thread."""

    def ask(self, text: str, who: str) -> Answer:
        """Ask something in the grammar of `requests.py`; waits for the answer, which comes after
        the step that is under way. A wrong request is refused, not raised."""
        ...

    def view(self) -> View:
        """All there is to see now; costs nothing, so that a screen may ask twenty times a second.

        Raises the error that ended the panda, if one did.
        """
        ...

    def close(self) -> None:
        """End the training so that it can be resumed; what was measured is on disk."""
        ...
