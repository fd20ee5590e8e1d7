"""A study with its data becomes the list of trials that answer it."""

from __future__ import annotations

import hashlib
import itertools
import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, NamedTuple

from caviar.runner.config import ADDED_LATER, LATER, LOCATION, TrialConfig
from caviar.runner.data.extent import check_extent
from caviar.runner.data.places import from_folder
from caviar.runner.data.sources import load_data
from caviar.runner.data.splits import Data
from caviar.runner.errors import RequestError
from caviar.runner.fields.dataset import PLACES
from caviar.runner.fields.trial import TrialFields
from caviar.runner.limits import MOST_TRIALS
from caviar.runner.study.bench import Bench, Placed, own_epsilon
from caviar.runner.study.grid import Layout, Position
from caviar.runner.study.idle import Repeats, refuse, repeats, settings_of, take_out_read
from caviar.runner.study.study import Study
from caviar.runner.trials import Trials

EXACT = 1000
"""A plan of up to this many trials is built at once; of a larger one, a sample of this size."""

GROWN = 64
"""Draws at which a field must have an effect on some trial: a study may grow into them."""


class Part(NamedTuple):
    """What a shard has of a plan: its number (from 1) of so many, the plan, and the places of its
    trials there."""

    number: int
    of: int
    plan: Plan
    places: tuple[int, ...]


@dataclass(frozen=True, repr=False)
class Plan:
    """A study with its data and the design points of its trials, draw by draw.

    `sample` holds trials that were built and checked: all of them if the plan is `small`.
    `repeats` counts the trials left out of it because they would repeat another's training.
    `registered` is what `study.json` keeps of a registration. `blocks`: see `in_blocks`.
    `part`: what a shard has of another plan; its trials are the sample.

    >>> plan = caviar.plan(caviar.read_study("sizes.toml"))
    >>> plan.trials[0].batch_size, plan.data.features.shape
    (32, (178, 13))
    """

    study: Study
    data: Data
    layout: Layout
    limit: int | None
    sample: tuple[TrialConfig, ...]
    small: bool
    repeats: Repeats
    registered: dict[str, Any] | None = None
    blocks: tuple[int, ...] = ()
    part: Part | None = None

    @cached_property
    def trials(self) -> Trials:
        """Every trial once, in the order of the design; raises RequestError for a wrong one."""
        if self.small:
            return Trials(self.sample)
        configs = map(self.bench.trial, self.layout)
        every = Trials(itertools.islice(_distinct(configs), self.limit))
        return Trials(_in_blocks(every, self.blocks)) if self.blocks else every

    def in_blocks(self, seeds: Sequence[int]) -> Plan:
        """The same networks with their seeds in blocks of so many, each block a trial: how a run
        that got further seeds holds them."""
        if len(seeds) == 1:
            return self
        sample = tuple(_in_blocks(self.sample, seeds))
        return replace(self, sample=sample, blocks=tuple(seeds))

    @property
    def whole(self) -> Plan:
        """The plan that a shard has a part of; the plan itself for any other."""
        return self if self.part is None else self.part.plan

    @cached_property
    def bench(self) -> Bench:
        return Bench.of(self.study, self.data)

    @property
    def most(self) -> int:
        """The largest possible number of trials; exact for a small plan."""
        if self.small:
            return len(self.sample)
        return max(1, len(self.blocks)) * min(self.layout.most, self.limit or self.layout.most)

    def __repr__(self) -> str:
        most = f"{self.most}" if self.small else f"at most {self.most:,}"
        study = self.study
        about = f"{most} trials of {study.replicas} seeds on {study.dataset.title}"
        return f"<Plan {study.name}: {about}>"

    def identity(self) -> dict[str, Any]:
        """What may not change between sessions of one run; `draws.count` may grow.

        Paths of the data are relative to the folder of the study."""
        content = self.study.model_dump(mode="json")
        content["draws"].pop("count")
        if content["stop"] is None:  # As of a run before it could be set.
            del content["stop"]
        content["dataset"]["fingerprint"] = self.data.fingerprint
        for file in (content["dataset"], content["dataset"]["test"]):
            for key in PLACES if isinstance(file, dict) else ():
                file[key] = file[key] and from_folder(file[key], self.study.folder)
        content["fixed"] = _defaults_filled(self.study)
        for later, default in ADDED_LATER.items():  # As of a run before they could be set.
            if content["dataset"][later] == default:
                del content["dataset"][later]
        return content

    def hash(self) -> str:
        content = self.identity()
        for key in LOCATION - {"label"}:
            content["dataset"].pop(key)
        content["dataset"]["test"] = self.study.dataset.test_size
        if self.study.dataset.stratified is None:
            del content["dataset"]["stratified"]
        text = json.dumps(_one_kind_of_number(content), sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:12]


def _one_kind_of_number(value: Any) -> Any:
    """The same value with 1.0 written as 1: TOML distinguishes them, a study does not."""
    if isinstance(value, dict):
        return {key: _one_kind_of_number(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_one_kind_of_number(inner) for inner in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _defaults_filled(study: Study) -> dict[str, Any]:
    varied = study.scientific.keys() | study.nuisance.keys()
    every = TrialFields(**study.fixed).model_dump(mode="json")
    if "convention" not in varied:
        every["epsilon"] = every["epsilon"] or own_epsilon(every["convention"])
    left_out = varied | (LATER - study.fixed.keys())
    return {key: value for key, value in every.items() if key not in left_out}


def make_plan(study: Study, trials: int | None = None) -> Plan:
    """Load the data and lay out the trials; those of a small plan are all checked.

    Trials go draw by draw, all levels of a draw together, so the first ones are already a
    balanced design. `trials` takes the first N of them, drawing further points if necessary.
    Raises RequestError, also if the study sets a field that none of its trials reads.
    """
    layout = Layout(study, study.draws.count)
    if trials is not None:
        layout = Layout(study, -(-trials // layout.levels))
    _check_number(layout, trials)
    data = load_data(study.dataset)
    bench = Bench.of(study, data)
    placed, small = _looked_at(bench, layout, trials)
    _check_effects(bench, layout, placed)
    sample = tuple(_distinct(one.trial for one in placed))
    for trial in {trial.dtype: trial for trial in sample}.values():
        check_extent(data, trial)
    return Plan(study, data, layout, trials, sample, small, repeats(study, placed))


def _looked_at(bench: Bench, layout: Layout, limit: int | None) -> tuple[list[Placed], bool]:
    """The trials at all positions, up to `limit` different ones, or those of a sample; and whether
    they are all."""
    if min(layout.most, limit or layout.most) <= EXACT:
        placed, ids = [], set()
        for position in itertools.islice(layout, EXACT):
            placed.append(bench.place(position))
            ids.add(placed[-1].trial.trial_id)
            if len(ids) == limit:
                break
        if len(ids) == limit or layout.most <= EXACT:
            return placed, True
    return [bench.place(position) for position in layout.spread(EXACT)], False


def _check_effects(bench: Bench, layout: Layout, placed: list[Placed]) -> None:
    """Refuse settings that no trial reads, neither of these nor of those the study may grow to."""
    idle = settings_of(bench.study)
    take_out_read(idle, bench.study, placed)
    if idle:
        grown = Layout(bench.study, max(layout.draws, GROWN))
        take_out_read(idle, bench.study, _placeable(bench, grown.spread(EXACT)))
        refuse(idle)


def _placeable(bench: Bench, positions: Iterable[Position]) -> Iterator[Placed]:
    for position in positions:
        try:
            placed = bench.place(position)
        except RequestError:  # It is not one of the trials that were asked for.
            continue
        yield placed


def _check_number(layout: Layout, limit: int | None) -> None:
    if min(layout.most, limit or layout.most) > MOST_TRIALS:
        raise RequestError(
            f"{layout.levels:,} levels at {layout.draws:,} draws are {layout.most:,} trials, "
            f"above the {MOST_TRIALS:,} that a study may have; cross fewer levels, lower "
            "draws.count, or take the first ones with --trials"
        )


def _distinct(trials: Iterable[TrialConfig]) -> Iterator[TrialConfig]:
    """The trials without repetitions, in order of first appearance."""
    ids: set[str] = set()
    for trial in trials:
        if trial.trial_id not in ids:
            ids.add(trial.trial_id)
            yield trial


def _in_blocks(trials: Sequence[TrialConfig], seeds: Sequence[int]) -> Iterator[TrialConfig]:
    """Each trial once for each block of its seeds, all trials of a block together."""
    ends = list(itertools.accumulate(seeds))
    every = trials[0].seeds if trials else ()
    blocks = [every[end - count : end] for count, end in zip(seeds, ends, strict=True)]
    return (t.model_copy(update={"seeds": block}) for block in blocks for t in trials)
