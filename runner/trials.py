"""Many configs of one plan in little memory: each is kept as what sets it apart from the first."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple, overload

from caviar.runner.config import TrialConfig


class CompactConfig(NamedTuple):
    """A config by the fields in which it differs from `first`; its identity is not computed again.

    A config has more than forty fields, most of which no trial of a plan changes: kept whole it
    takes 1.9 KiB.
    """

    first: TrialConfig
    trial_id: str
    names: tuple[str, ...]
    values: tuple[Any, ...]

    @property
    def config(self) -> TrialConfig:
        """The config, made anew each time."""
        fields = dict(self.first.__dict__)
        fields.update(zip(self.names, self.values, strict=True))
        fields["trial_id"] = self.trial_id
        return TrialConfig.of_checked(fields)


class Compacting:
    """Makes configs compact; names of fields that several have in common are kept once."""

    def __init__(self) -> None:
        self._first: TrialConfig | None = None
        self._names: dict[tuple[str, ...], tuple[str, ...]] = {}

    def __call__(self, trial: TrialConfig) -> CompactConfig:
        first = self._first = self._first or trial
        trial_id, usual = trial.trial_id, first.__dict__
        apart = {
            name: value
            for name, value in trial.__dict__.items()
            if value is not (other := usual[name]) and _differ(value, other) and name != "trial_id"
        }
        names = tuple(apart)
        names = self._names.setdefault(names, names)
        return CompactConfig(first, trial_id, names, tuple(apart.values()))


def _differ(one: object, other: object) -> bool:
    """Whether the values are written differently: -0.0 equals 0.0, but has another identity."""
    return one != other or repr(one) != repr(other)


class Trials(Sequence[TrialConfig]):
    """The trials of a plan in its order; each config is made when it is asked for."""

    def __init__(self, trials: Iterable[TrialConfig]) -> None:
        self.compact = tuple(map(Compacting(), trials))

    def __repr__(self) -> str:
        return f"<{len(self)} trials>"

    def __eq__(self, other: object) -> bool:
        """Whether the same configs are in the same order, here and in any other sequence."""
        if not isinstance(other, Sequence):
            return NotImplemented
        return len(self) == len(other) and all(a == b for a, b in zip(self, other, strict=True))

    __hash__ = None  # type: ignore[assignment]  # As a list's: it is compared by its content.

    def __len__(self) -> int:
        return len(self.compact)

    def __iter__(self) -> Iterator[TrialConfig]:
        return (one.config for one in self.compact)

    @overload
    def __getitem__(self, place: int) -> TrialConfig: ...

    @overload
    def __getitem__(self, place: slice) -> tuple[TrialConfig, ...]: ...

    def __getitem__(self, place: int | slice) -> TrialConfig | tuple[TrialConfig, ...]:
        if isinstance(place, slice):
            return tuple(one.config for one in self.compact[place])
        return self.compact[place].config
