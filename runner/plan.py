"""A study with its data becomes the list of trials that answer it."""

from __future__ import annotations

import hashlib
import itertools
import json
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from model.frameworks import ALL
from runner.build import forward_examples
from runner.config import DatasetConfig, TrialConfig, TrialFields
from runner.data import Data, split_sizes
from runner.errors import RequestError
from runner.explain import explain
from runner.sources import load_data
from runner.space import draw
from runner.study import INNER, Study, space_of

DEFAULT_EPSILON = 1e-5
WHOLE = "train"
"""The `norm_batch_size` of the whole training split."""


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


def make_plan(study: Study, trials: int | None = None) -> Plan:
    """Load the data and lay out the trials, each checked against them.

    Trials go draw by draw, all levels of a draw together, so the first ones are already a
    balanced design. `trials` takes the first so many, drawing further points if it must.
    """
    data = load_data(study.dataset)
    train, _, _ = split_sizes(study.dataset, len(data.labels))
    levels = [
        (name, dict(zip(study.scientific, combination, strict=True)) | own)
        for combination in itertools.product(*study.scientific.values())
        for name, own in (study.arms or {"": {}}).items()
    ]
    count = study.draws.count
    if trials is not None:
        count = -(-trials // len(levels))
    points = draw(space_of(study), count, study.draws.sampler, study.seed)
    dataset = study.dataset.model_copy(update={"fingerprint": data.fingerprint})
    configs: dict[str, TrialConfig] = {}
    for number, point in enumerate(points):
        for arm, level in levels:
            config = _trial(study, dataset, train, level, point).model_copy(
                update={"arm": arm, "draw": number}
            )
            # A discrete range repeats its points, and an arm that fixes a crossed field is one.
            configs.setdefault(config.trial_id, config)
    return Plan(study, data, tuple(configs.values())[:trials])


def _own_epsilon(convention: str | None) -> float:
    return DEFAULT_EPSILON if convention is None else ALL[convention].epsilon


def _trial(
    study: Study,
    dataset: DatasetConfig,
    train: int,
    level: dict[str, Any],
    point: dict[str, Any],
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
    whole = train if fields.norm_batch_size == WHOLE else fields.norm_batch_size
    own["norm_batch_size"] = whole or fields.batch_size
    own["epsilon"] = fields.epsilon or _own_epsilon(fields.convention)
    if fields.convention is not None:
        own["conventions"] = tuple(dict.fromkeys((fields.convention, *fields.conventions)))
    own["probe_batch_sizes"] = tuple(m for m in fields.probe_batch_sizes if m <= train)
    config = TrialConfig(
        **own,
        dataset=dataset,
        seeds=tuple(range(study.seed, study.seed + study.replicas)),
        steps=study.budget.steps_for(train // fields.batch_size),
    )
    _check_company(config, train)
    return config


def _check_company(config: TrialConfig, train: int) -> None:
    forward = forward_examples(config, train)
    if forward > train:
        raise RequestError(
            f"norm = {config.norm!r} with norm_batch_size {config.norm_batch_size} takes "
            f"{forward} examples a step, above the {train} of the training split; lower "
            f"norm_batch_size, or give the training split more"
        )
