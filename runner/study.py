"""A study file becomes the list of trials that answer it."""

from __future__ import annotations

import hashlib
import itertools
import json
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field, ValidationError, model_validator

from model.frameworks import ALL
from runner.config import Count, DatasetConfig, Frozen, TrialConfig, TrialFields
from runner.data import Data, split_sizes
from runner.errors import RequestError, nearest
from runner.explain import explain
from runner.sources import load_data
from runner.space import Distribution, Sampler, draw, parse_distribution

QUICKSTART = Path(__file__).with_name("quickstart.toml")
DEFAULT_EPSILON = 1e-5
TABLES = ("fixed", "scientific", "nuisance")


class Budget(Frozen):
    """How long a trial trains: `epochs` of the training split, or `steps` of the optimiser."""

    epochs: Count | None = None
    steps: Count | None = None

    @model_validator(mode="after")
    def _one(self) -> Budget:
        if (self.epochs is None) == (self.steps is None):
            raise ValueError("give epochs or steps, one of them")
        return self

    def steps_for(self, steps_per_epoch: int) -> int:
        return self.steps if self.steps is not None else (self.epochs or 0) * steps_per_epoch


class Draws(Frozen):
    """How many nuisance points are drawn, and how; points of `sobol` are best a power of two."""

    count: Count = 1
    sampler: Sampler = "random"


class Study(Frozen):
    """A study file, validated; `fixed`, `scientific` and `nuisance` hold fields of a trial."""

    name: Annotated[str, Field(pattern=r"^[A-Za-z0-9_][A-Za-z0-9._-]*$")]
    dataset: DatasetConfig
    seed: Annotated[int, Field(ge=0)] = 0
    replicas: Count = 8
    budget: Budget = Budget(epochs=30)
    draws: Draws = Draws()
    fixed: dict[str, Any] = Field(default_factory=dict)
    scientific: dict[str, Any] = Field(default_factory=dict)
    nuisance: dict[str, Any] = Field(default_factory=dict)


INNER: dict[str, type[Frozen]] = {"dataset": DatasetConfig, "budget": Budget, "draws": Draws}


@dataclass(frozen=True)
class Plan:
    """A study with its data and trials, in the order of the design: draw by draw."""

    study: Study
    data: Data
    trials: tuple[TrialConfig, ...]

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


def read_study(path: Path | None, settings: Sequence[str] = ()) -> Study:
    """The study at `path` (or the quickstart) with `--set key=value` applied, validated.

    Paths in the file are relative to the file, those in `settings` to the working folder.
    Raises RequestError, one sentence.
    """
    source = path or QUICKSTART
    try:
        table = tomllib.loads(source.read_text(encoding="utf-8"))
    except OSError as error:
        raise RequestError(
            f"cannot read the study file {str(source)!r}: {error.strerror}"
        ) from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise RequestError(f"{source.name} is not valid TOML: {error}") from None
    _resolve_paths(table, source.parent)
    for setting in settings:
        _apply(table, setting)
    _resolve_paths(table, Path.cwd())
    return _validated(table)


def _resolve_paths(table: dict[str, Any], base: Path) -> None:
    dataset = table.get("dataset")
    if isinstance(dataset, dict):
        for key in ("path", "images", "labels"):
            if isinstance(dataset.get(key), str):
                dataset[key] = str((base / dataset[key]).resolve())


def _apply(table: dict[str, Any], setting: str) -> None:
    """`budget.epochs=3`, or a trial field wherever the study has it, else in [fixed]."""
    key, equals, text = setting.partition("=")
    key = key.strip()
    if not equals or not key:
        raise RequestError(f"--set expects key=value; got {setting!r}")
    try:
        value = tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        value = text.strip()
    path = key.split(".")
    known = [*Study.model_fields, *TrialFields.model_fields]
    if path[0] not in known:
        raise RequestError(f"--set: unknown key {path[0]!r}; {nearest(path[0], known)}")
    if len(path) == 1 and key in TrialFields.model_fields:
        path = [_table_of(table, key, value), key]
    at = table
    for part in path[:-1]:
        at = at.setdefault(part, {})
        if not isinstance(at, dict):
            raise RequestError(f"--set {key}: {part!r} is a value, not a table")
    at[path[-1]] = value


def _table_of(table: dict[str, Any], key: str, value: Any) -> str:
    """A plain value for a field that the study crosses or draws fixes the field instead."""
    for name in TABLES:
        if not isinstance(table.get(name, {}), dict):
            raise RequestError(f"{name} must be a table, [{name}]; got {table[name]!r}")
    holder = next((t for t in TABLES if key in table.get(t, {})), "fixed")
    stays = {
        "fixed": True,
        "scientific": isinstance(value, list),
        "nuisance": isinstance(value, dict),
    }[holder]
    if not stays:
        del table[holder][key]
        return "fixed"
    return holder


def _validated(table: dict[str, Any]) -> Study:
    _check_keys(table, Study.model_fields, "the study")
    if isinstance(table.get("dataset"), str):
        table = {**table, "dataset": {"name": table["dataset"]}}
    for name in TABLES:
        own = table.get(name, {})
        if not isinstance(own, dict):
            raise RequestError(f"{name} must be a table, [{name}]; got {own!r}")
        _check_keys(own, TrialFields.model_fields, f"[{name}]")
    for one, other in itertools.combinations(TABLES, 2):
        for key in sorted(table.get(one, {}).keys() & table.get(other, {}).keys()):
            raise RequestError(f"{key!r} stands in both [{one}] and [{other}]; keep one")
    try:
        study = Study(**table)
        TrialFields(**study.fixed)
    except ValidationError as error:
        raise RequestError(explain(error, INNER)) from None
    for field, levels in study.scientific.items():
        _check_levels(field, levels)
    _space(study)
    return study


def _check_keys(table: dict[str, Any], allowed: Any, where: str) -> None:
    for key in table:
        if key not in allowed:
            raise RequestError(f"unknown key {key!r} in {where}; {nearest(key, allowed)}")


def _check_levels(field: str, levels: Any) -> None:
    if not isinstance(levels, list) or not levels:
        raise RequestError(f"scientific.{field}: expected a list of levels; got {levels!r}")
    if any(levels.count(level) > 1 for level in levels):
        raise RequestError(f"scientific.{field}: a level stands twice in {levels!r}")


def _space(study: Study) -> dict[str, Distribution]:
    return {field: parse_distribution(field, t) for field, t in study.nuisance.items()}


def make_plan(study: Study, trials: int | None = None) -> Plan:
    """Load the data and lay out the trials, each checked against them.

    Trials go draw by draw, all levels of a draw together, so the first ones are already a
    balanced design. `trials` takes the first so many, drawing further points if it must.
    """
    data = load_data(study.dataset)
    train, _, _ = split_sizes(study.dataset, len(data.labels))
    levels = [
        dict(zip(study.scientific, combination, strict=True))
        for combination in itertools.product(*study.scientific.values())
    ]
    count = study.draws.count
    if trials is not None:
        count = -(-trials // len(levels))
    points = draw(_space(study), count, study.draws.sampler, study.seed)
    dataset = study.dataset.model_copy(update={"fingerprint": data.fingerprint})
    configs: dict[str, TrialConfig] = {}
    for number, point in enumerate(points):
        for level in levels:
            config = _trial(study, dataset, train, level, point, number)
            configs.setdefault(config.trial_id, config)  # a discrete range repeats its points
    return Plan(study, data, tuple(configs.values())[:trials])


def _own_epsilon(convention: str | None) -> float:
    return DEFAULT_EPSILON if convention is None else ALL[convention].epsilon


def _trial(
    study: Study,
    dataset: DatasetConfig,
    train: int,
    level: dict[str, Any],
    point: dict[str, Any],
    number: int,
) -> TrialConfig:
    given = {**study.fixed, **level, **point}
    if given.get("convention") is not None and given.get("epsilon") is not None:
        raise RequestError(
            f"convention {given['convention']!r} brings its own epsilon; leave epsilon away"
        )
    try:
        fields = TrialFields(**given)
    except ValidationError as error:
        varied = ", ".join(f"{k} = {v}" for k, v in {**level, **point}.items())
        raise RequestError(explain(error, INNER) + (f" (at {varied})" if varied else "")) from None
    if fields.batch_size > train:
        raise RequestError(
            f"batch_size {fields.batch_size} is above the {train} examples of the training "
            "split; lower it, or give the training split more"
        )
    own = fields.model_dump()
    own["norm_batch_size"] = fields.norm_batch_size or fields.batch_size
    own["epsilon"] = fields.epsilon or _own_epsilon(fields.convention)
    if fields.convention is not None:
        own["conventions"] = tuple(dict.fromkeys((fields.convention, *fields.conventions)))
    own["probe_batch_sizes"] = tuple(m for m in fields.probe_batch_sizes if m <= train)
    return TrialConfig(
        **own,
        dataset=dataset,
        seeds=tuple(range(study.seed, study.seed + study.replicas)),
        steps=study.budget.steps_for(train // fields.batch_size),
        draw=number,
    )
