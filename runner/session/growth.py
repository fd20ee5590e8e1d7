"""How a run's study may grow: levels, arms and seeds join those there; nothing else changes."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping
from typing import Any

from caviar.runner.config import LOCATION

BLOCKS = "blocks"
"""Key of `study.json`, in a run that got further seeds: how many each block of seeds has."""


GROW = {"replicas": int, "scientific": dict, "fixed": dict, "arms": dict}
"""What additions are made to, and its type."""


def blocks_of(content: Mapping[str, Any] | None, replicas: int) -> tuple[int, ...]:
    """The number of seeds in each block of a run whose study has `replicas` seeds now.

    Seeds that were there stay the trials that they were; further ones are a block of their own.
    `content` is that of `study.json`, None for a new run.
    """
    if content is None:
        return (replicas,)
    before = tuple(content.get(BLOCKS, (content["study"].get("replicas", replicas),)))
    more = replicas - sum(before)
    if more < 0:
        return (replicas,)  # Another study, which the run refuses.
    return (*before, more) if more else before


def grown(
    recorded: Mapping[str, Any], requested: Mapping[str, Any]
) -> tuple[dict[str, Any], list[str]]:
    """What is recorded of a study with what a request adds to it, and the additions in words.

    The request only adds something where the first equals it.
    """
    study: dict[str, Any] = copy.deepcopy(dict(recorded))
    if not all(isinstance(study.get(key), kind) for key, kind in GROW.items()):
        return study, []  # Of another version, or damaged.
    return study, [*_seeds(study, requested), *_levels(study, requested), *_arms(study, requested)]


def same_data(recorded: dict[str, Any], requested: Mapping[str, Any]) -> None:
    """Take over where the data lie, if their content is the same."""
    before, now = recorded["dataset"], requested["dataset"]
    if isinstance(before, dict) and before.get("fingerprint") == now["fingerprint"]:
        before.update({key: now[key] for key in (*(LOCATION - {"label"}), "test") if key in now})


def _seeds(study: dict[str, Any], requested: Mapping[str, Any]) -> Iterator[str]:
    before, now = study["replicas"], requested["replicas"]
    if now > before and "stop" not in study:  # Which trials go on was decided by the seeds there.
        study["replicas"] = now
        first, last = (requested["seed"] + count for count in (before, now - 1))
        yield f"seeds {first} to {last}" if first < last else f"seed {first}"


def _levels(study: dict[str, Any], requested: Mapping[str, Any]) -> Iterator[str]:
    """New values of crossed fields; a field that was fixed may become a crossed one."""
    for field, values in requested["scientific"].items():
        fixed = field not in study["scientific"]
        before = [study["fixed"].get(field)] if fixed else study["scientific"][field]
        new = [value for value in values if value not in before]
        if not new or any(value not in values for value in before):
            continue
        if fixed:
            del study["fixed"][field]
        study["scientific"][field] = values
        yield f"{field} = {', '.join(map(str, new))}"


def _arms(study: dict[str, Any], requested: Mapping[str, Any]) -> Iterator[str]:
    before, now = study["arms"], requested["arms"]
    new = [name for name in now if name not in before]
    if before and new and all(now.get(name) == fields for name, fields in before.items()):
        study["arms"] = now
        yield f"{'arm' if len(new) == 1 else 'arms'} {', '.join(map(repr, new))}"
