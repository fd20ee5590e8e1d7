"""A study file becomes the list of trials that answer it."""

from __future__ import annotations

import itertools
import tomllib
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field, ValidationError, model_validator

from runner.config import Count, DatasetConfig, Frozen, TrialFields
from runner.errors import RequestError, nearest
from runner.explain import explain
from runner.space import Distribution, Sampler, parse_distribution

QUICKSTART = Path(__file__).with_name("quickstart.toml")
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
    """A study file, validated; `fixed`, `scientific` and `nuisance` hold fields of a trial.

    `arms` are named sets of fields, crossed with `scientific`; where an arm sets a crossed field
    itself, its own value counts.
    """

    name: Annotated[str, Field(pattern=r"^[A-Za-z0-9_][A-Za-z0-9._-]*$")]
    dataset: DatasetConfig
    seed: Annotated[int, Field(ge=0)] = 0
    replicas: Count = 8
    budget: Budget = Budget(epochs=30)
    draws: Draws = Draws()
    fixed: dict[str, Any] = Field(default_factory=dict)
    scientific: dict[str, Any] = Field(default_factory=dict)
    nuisance: dict[str, Any] = Field(default_factory=dict)
    arms: dict[str, dict[str, Any]] = Field(default_factory=dict)


INNER: dict[str, type[Frozen]] = {"dataset": DatasetConfig, "budget": Budget, "draws": Draws}


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
    _check_arms(table)
    try:
        study = Study(**table)
        TrialFields(**study.fixed)
    except ValidationError as error:
        raise RequestError(explain(error, INNER)) from None
    for field, levels in study.scientific.items():
        _check_levels(field, levels)
    space_of(study)
    return study


def _check_arms(table: dict[str, Any]) -> None:
    arms = table.get("arms", {})
    if not isinstance(arms, dict):
        raise RequestError(f"arms must be a table of named arms, [arms]; got {arms!r}")
    for name, own in arms.items():
        if not isinstance(own, dict):
            raise RequestError(f"arms.{name}: expected a table of fields; got {own!r}")
        _check_keys(own, TrialFields.model_fields, f"arms.{name}")
        for key in sorted(own.keys() & table.get("nuisance", {}).keys()):
            raise RequestError(
                f"{key!r} stands in both arms.{name} and [nuisance]; arms share what is drawn, "
                "keep one"
            )


def _check_keys(table: dict[str, Any], allowed: Any, where: str) -> None:
    for key in table:
        if key not in allowed:
            raise RequestError(f"unknown key {key!r} in {where}; {nearest(key, allowed)}")


def _check_levels(field: str, levels: Any) -> None:
    if not isinstance(levels, list) or not levels:
        raise RequestError(f"scientific.{field}: expected a list of levels; got {levels!r}")
    if any(levels.count(level) > 1 for level in levels):
        raise RequestError(f"scientific.{field}: a level stands twice in {levels!r}")


def space_of(study: Study) -> dict[str, Distribution]:
    """The distributions that nuisance fields are drawn from."""
    return {field: parse_distribution(field, t) for field, t in study.nuisance.items()}
