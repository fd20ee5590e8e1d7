"""A position of a study becomes a trial, checked against the data."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

from pydantic import ValidationError

from caviar.model.averages.frameworks import ALL
from caviar.runner.config import ALL_FIELDS, TrialConfig
from caviar.runner.data.splits import Data, check_pools, split_sizes
from caviar.runner.errors import RequestError, shown
from caviar.runner.fields.changes import never_read
from caviar.runner.fields.dataset import DatasetConfig
from caviar.runner.fields.trial import TrialFields
from caviar.runner.limits import MOST_WEIGHTS
from caviar.runner.study.grid import Position
from caviar.runner.study.study import Study
from caviar.runner.study.validation_message import explain
from caviar.runner.trial.build import too_large
from caviar.runner.trial.changing.with_change import check_changes

DEFAULT_EPSILON = 1e-5
DEFAULTS = {name: field.default for name, field in TrialFields.model_fields.items()}

WHOLE = "train"
"""The `norm_batch_size` of the whole training split."""


class Placed(NamedTuple):
    """The trial at a position; fields that it does not read have their default values.

    `idle` holds the values that the study gives to such fields, where they differ.
    """

    position: Position
    trial: TrialConfig
    idle: dict[str, Any]


@dataclass(frozen=True)
class Bench:
    """What every trial of a study is built from: the study, its data and their sizes."""

    study: Study
    dataset: DatasetConfig
    examples: int
    train: int
    features: int
    classes: int
    data: Data

    @classmethod
    def of(cls, study: Study, data: Data) -> Bench:
        examples = len(data.labels)
        check_pools(data, study.dataset, study.replicas)
        train, _, _ = split_sizes(study.dataset, examples, data.given_test)
        dataset = study.dataset.model_copy(update={"fingerprint": data.fingerprint})
        return cls(study, dataset, examples, train, data.features.shape[1], len(data.classes), data)

    @cached_property
    def seeds(self) -> tuple[int, ...]:
        return tuple(range(self.study.seed, self.study.seed + self.study.replicas))

    def trial(self, position: Position) -> TrialConfig:
        """The trial at a position, checked against the data; raises RequestError."""
        return self.as_trained(self.given(position))

    def place(self, position: Position) -> Placed:
        """The same, together with what the study gives to fields that the trial does not read."""
        given = self.given(position)
        trial = self.as_trained(given)
        fields, settled = vars(given), vars(trial)
        idle = {name: value for name, value in fields.items() if value != settled[name]}
        return Placed(position, trial, idle)

    def given(self, position: Position) -> TrialConfig:
        """The trial as the study has it, fields that it does not read included."""
        try:
            fields = self._fields(position)
            given = TrialConfig(**self._resolved(fields), arm=position.arm, draw=position.draw)
        except ValidationError as error:
            raise RequestError(explain(error) + _place(position)) from None
        self._check(given)
        if given.changes:
            try:
                check_changes(given, self.data)
            except RequestError as error:
                raise RequestError(f"{error}{_place(position)}") from None
        return given

    def as_trained(self, given: TrialConfig) -> TrialConfig:
        """The trial, with the default in place of every field that it does not read."""
        fields = {name: value for name, value in vars(given).items() if name in ALL_FIELDS}
        idle = [name for name in never_read(fields) if fields[name] != DEFAULTS[name]]
        if idle:
            fields = self._filled({**fields, **{name: DEFAULTS[name] for name in idle}})
        if given.seeds == self.seeds:
            fields["seeds"] = self.seeds  # All trials share one tuple.
        return TrialConfig.of_checked(fields)

    def _fields(self, position: Position) -> TrialFields:
        given = {**self.study.fixed, **position.level, **position.point}
        if given.get("convention") is not None and given.get("epsilon") is not None:
            raise RequestError(
                f"convention {given['convention']!r} brings its own epsilon; leave epsilon out"
            )
        fields = TrialFields(**given)
        if fields.batch_size > self.train:
            raise RequestError(
                f"batch_size {fields.batch_size} is above the {self.train} examples of the "
                "training split; lower it, or give the training split more"
            )
        return fields

    def _resolved(self, fields: TrialFields) -> dict[str, Any]:
        """The fields, with those filled in that depend on the data or on other fields."""
        resolved = self._filled(dict(fields))
        resolved["dataset"], resolved["seeds"] = self.dataset, self.seeds
        resolved["steps"] = self.study.budget.steps_for(self.train // fields.batch_size)
        return resolved

    def _filled(self, fields: Mapping[str, Any]) -> dict[str, Any]:
        """The fields, with those filled in that depend on others or on the training split."""
        size, convention = fields["norm_batch_size"], fields["convention"]
        filled = dict(fields)
        filled["norm_batch_size"] = (self.train if size == WHOLE else size) or fields["batch_size"]
        filled["epsilon"] = fields["epsilon"] or own_epsilon(convention)
        if convention is not None:
            filled["conventions"] = tuple(dict.fromkeys((convention, *fields["conventions"])))
        sizes = fields["probe_batch_sizes"]
        filled["probe_batch_sizes"] = tuple(m for m in sizes if m <= self.train)
        return filled

    def _check(self, config: TrialConfig) -> None:
        refusal = too_large(config, self.train)
        if refusal:
            raise RequestError(refusal)
        widths, seeds = (self.features, *config.hidden, self.classes), len(config.seeds)
        weights = seeds * sum(a * b for a, b in itertools.pairwise(widths))
        if weights > MOST_WEIGHTS:
            raise RequestError(
                f"layers of {', '.join(map(str, widths))} are {weights:,} weights over the "
                f"{seeds} seeds of a trial, above the {MOST_WEIGHTS:,} that one may have; lower "
                "hidden or replicas"
            )
        if seeds * self.examples > MOST_WEIGHTS:
            raise RequestError(
                f"{seeds} seeds that each split {self.examples:,} examples are above the "
                f"{MOST_WEIGHTS:,} that one trial may have; lower replicas"
            )


def _place(position: Position) -> str:
    """The position in words, behind a sentence about its trial."""
    varied = {**position.level, **position.point}
    place = ", ".join(f"{k} = {shown(v)}" for k, v in varied.items() if k != "changes")
    return f" (at {place})" if place else ""


def own_epsilon(convention: str | None) -> float:
    """The epsilon of a convention, or the default."""
    return DEFAULT_EPSILON if convention is None else ALL[convention].epsilon
