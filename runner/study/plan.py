"""A study with its data becomes the list of trials that answer it."""

from __future__ import annotations

import hashlib
import itertools
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from pydantic import ValidationError

from caviar.model.averages.frameworks import ALL
from caviar.runner.config import DatasetConfig, TrialConfig, TrialFields
from caviar.runner.data.sources import load_data
from caviar.runner.data.splits import Data, split_sizes
from caviar.runner.errors import RequestError, shown
from caviar.runner.limits import MOST_TRIALS, MOST_WEIGHTS
from caviar.runner.study.grid import Layout, Position
from caviar.runner.study.study_file import INNER, Study
from caviar.runner.study.validation_message import explain
from caviar.runner.trial.build import forward_examples

DEFAULT_EPSILON = 1e-5
ALL_FIELDS = set(TrialConfig.model_fields)

WHOLE = "train"
"""The `norm_batch_size` of the whole training split."""


EXACT = 1000
"""A plan of so many trials is laid out at once; of a larger one, a sample of so many."""


@dataclass(frozen=True)
class Plan:
    """A study with its data and the places of its trials, draw by draw.

    `sample` are trials that were laid out and checked; where the plan is `small` they are all.
    """

    study: Study
    data: Data
    layout: Layout
    limit: int | None
    sample: tuple[TrialConfig, ...]
    small: bool

    @cached_property
    def trials(self) -> tuple[TrialConfig, ...]:
        """Every trial once, in the order of the design; raises RequestError for a wrong one."""
        if self.small:
            return self.sample
        bench = Bench.of(self.study, self.data)
        return tuple(itertools.islice(_distinct(bench, self.layout), self.limit))

    @property
    def most(self) -> int:
        """So many trials at most; a small plan has exactly so many."""
        if self.small:
            return len(self.sample)
        return min(self.layout.most, self.limit or self.layout.most)

    def identity(self) -> dict[str, Any]:
        """What may not change between runs into one place; growing `draws.count` may."""
        own = self.study.model_dump(mode="json")
        own["draws"].pop("count")
        own["dataset"]["fingerprint"] = self.data.fingerprint
        own["fixed"] = _defaults_filled(self.study)
        return own

    def hash(self) -> str:
        content = self.identity()
        for key in ("path", "images", "labels", "name"):
            content["dataset"].pop(key)
        text = json.dumps(_one_kind_of_number(content), sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:12]


def _one_kind_of_number(value: Any) -> Any:
    """The same value with 1.0 written as 1, which TOML tells apart and a study does not."""
    if isinstance(value, dict):
        return {key: _one_kind_of_number(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_one_kind_of_number(inner) for inner in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _defaults_filled(study: Study) -> dict[str, Any]:
    varied = study.scientific.keys() | study.nuisance.keys()
    every = TrialFields(**study.fixed).model_dump(mode="json")
    if "convention" not in varied:
        every["epsilon"] = every["epsilon"] or _own_epsilon(every["convention"])
    return {key: value for key, value in every.items() if key not in varied}


def make_plan(study: Study, trials: int | None = None) -> Plan:
    """Load the data and see where the trials stand; those of a small plan are all checked.

    Trials go draw by draw, all levels of a draw together, so the first ones are already a
    balanced design. `trials` takes the first so many, drawing further points if it must.
    """
    layout = Layout(study, study.draws.count)
    if trials is not None:
        layout = Layout(study, -(-trials // layout.levels))
    _check_number(layout, trials)
    data = load_data(study.dataset)
    bench = Bench.of(study, data)
    if min(layout.most, trials or layout.most) <= EXACT:
        first = itertools.islice(_distinct(bench, itertools.islice(layout, EXACT)), trials)
        found = tuple(first)
        if len(found) == trials or layout.most <= EXACT:
            return Plan(study, data, layout, trials, found, small=True)
    sample = tuple(_distinct(bench, layout.spread(EXACT)))
    return Plan(study, data, layout, trials, sample, small=False)


def _check_number(layout: Layout, limit: int | None) -> None:
    if min(layout.most, limit or layout.most) > MOST_TRIALS:
        raise RequestError(
            f"{layout.levels:,} levels at {layout.draws:,} draws are {layout.most:,} trials, "
            f"above the {MOST_TRIALS:,} that a study may have; cross fewer levels, lower "
            "draws.count, or take the first ones with --trials"
        )


def _distinct(bench: Bench, positions: Iterable[Position]) -> Iterator[TrialConfig]:
    """The trials at these positions, each the first time it comes."""
    seen: set[str] = set()
    for position in positions:
        config = bench.trial(position)
        if config.trial_id not in seen:
            seen.add(config.trial_id)
            yield config


@dataclass(frozen=True)
class Bench:
    """What every trial of a study is made from: the study, and the sizes of its data."""

    study: Study
    dataset: DatasetConfig
    examples: int
    train: int
    features: int
    classes: int

    @classmethod
    def of(cls, study: Study, data: Data) -> Bench:
        examples = len(data.labels)
        train, _, _ = split_sizes(study.dataset, examples)
        dataset = study.dataset.model_copy(update={"fingerprint": data.fingerprint})
        return cls(study, dataset, examples, train, data.features.shape[1], len(data.classes))

    @cached_property
    def seeds(self) -> tuple[int, ...]:
        return tuple(range(self.study.seed, self.study.seed + self.study.replicas))

    def trial(self, position: Position) -> TrialConfig:
        """The trial at a position, checked against the data; raises RequestError."""
        try:
            fields = self._fields(position)
            config = TrialConfig(**self._resolved(fields), arm=position.arm, draw=position.draw)
        except ValidationError as error:
            varied = {**position.level, **position.point}
            at = ", ".join(f"{k} = {shown(v)}" for k, v in varied.items())
            raise RequestError(explain(error, INNER) + (f" (at {at})" if at else "")) from None
        self._check(config)
        # The seeds of all trials are one tuple, and so are the names of the fields that are set.
        return TrialConfig.model_construct(ALL_FIELDS, **{**vars(config), "seeds": self.seeds})

    def _fields(self, position: Position) -> TrialFields:
        given = {**self.study.fixed, **position.level, **position.point}
        if given.get("convention") is not None and given.get("epsilon") is not None:
            raise RequestError(
                f"convention {given['convention']!r} brings its own epsilon; leave epsilon away"
            )
        fields = TrialFields(**given)
        if fields.batch_size > self.train:
            raise RequestError(
                f"batch_size {fields.batch_size} is above the {self.train} examples of the "
                "training split; lower it, or give the training split more"
            )
        return fields

    def _resolved(self, fields: TrialFields) -> dict[str, Any]:
        """The fields with what depends on the data or on each other filled in."""
        own = dict(fields)
        whole = self.train if fields.norm_batch_size == WHOLE else fields.norm_batch_size
        own["norm_batch_size"] = whole or fields.batch_size
        own["epsilon"] = fields.epsilon or _own_epsilon(fields.convention)
        if fields.convention is not None:
            own["conventions"] = tuple(dict.fromkeys((fields.convention, *fields.conventions)))
        own["probe_batch_sizes"] = tuple(m for m in fields.probe_batch_sizes if m <= self.train)
        own["dataset"], own["seeds"] = self.dataset, self.seeds
        own["steps"] = self.study.budget.steps_for(self.train // fields.batch_size)
        return own

    def _check(self, config: TrialConfig) -> None:
        forward = forward_examples(config, self.train)
        if forward > self.train:
            raise RequestError(
                f"norm = {config.norm!r} with norm_batch_size {config.norm_batch_size} takes "
                f"{forward} examples a step, above the {self.train} of the training split; lower "
                "norm_batch_size, or give the training split more"
            )
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


def _own_epsilon(convention: str | None) -> float:
    return DEFAULT_EPSILON if convention is None else ALL[convention].epsilon
