"""What a norm declares about itself for configuration, building and reports."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

from caviar.model.norms.norm import Norm, Normaliser

Settings = Mapping[str, Any]
"""Plain values by the name of the config field."""

GHOSTS = frozenset({"norm_batch_size", "epsilon", "ghosts", "partitions", "ghost_update"})
"""Settings of every norm whose statistics come from ghost batches."""


def ghosts_of_the_batch(batch_size: int, norm_batch_size: int, train: int) -> int:
    """The batch, or one ghost if that is larger: examples without a loss are added."""
    return max(batch_size, norm_batch_size)


def the_batch(batch_size: int, norm_batch_size: int, train: int) -> int:
    """The batch alone: no other examples are needed."""
    return batch_size


def nothing_to_refuse(settings: Settings) -> str:
    """Every combination of settings is allowed."""
    return ""


class Mechanism(NamedTuple):
    """The part of batch norm that an arm isolates.

    `contrast`: the mechanism is `removed` from batch norm while all else is kept, or it acts
    `alone` on population statistics.
    """

    name: str
    contrast: Literal["removed", "alone"]


@dataclass(frozen=True)
class NormKind:
    """One value of a study's `norm`.

    `make` builds an instance of `normaliser` (None: no norm) from the `settings`, which are all the
    config fields that this norm reads, and `steps`. `forward_examples` maps batch size, norm batch
    size and training examples to the number of examples in a training step's forward pass,
    including those without a loss. `refusal` says in a sentence what is wrong with settings
    (`hidden` among them), and is empty if nothing is. `mechanism` is the part of batch norm that
    this arm isolates. `draws`: training draws noise, anew for every partition of a batch.
    """

    name: str
    normaliser: type[Normaliser] | None
    make: Callable[[Settings], Normaliser | None]
    settings: frozenset[str] = GHOSTS
    smallest_norm_batch_size: int = 2
    forward_examples: Callable[[int, int, int], int] = ghosts_of_the_batch
    refusal: Callable[[Settings], str] = nothing_to_refuse
    mechanism: Mechanism | None = None
    draws: bool = False

    @property
    def uses_batch_statistics(self) -> bool:
        """Whether training normalises by the batch, and evaluation by the population."""
        return self.normaliser is not None and self.normaliser.uses_batch_statistics

    def build(self, settings: Settings) -> Norm | None:
        """The layer. It cannot read a setting that this norm does not declare."""
        made = self.make({key: settings[key] for key in ("steps", *self.settings)})
        return None if made is None else Norm(made)
