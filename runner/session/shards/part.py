"""A part of a plan, for one of several drivers: which trials it has, and how its run says so."""

from __future__ import annotations

import heapq
import itertools
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from caviar.runner.config import TrialConfig
from caviar.runner.errors import RequestError
from caviar.runner.session.loop import estimated_cost
from caviar.runner.store.storage import Storage
from caviar.runner.study.plan import Part, Plan

SHARDS = "shards"
"""The folder of a run in which its shards are run."""

SHARD = "shard"
"""Key of the `study.json` of a shard: its number, of how many, the trials of the whole plan, and
the place there of each of its own."""

MOST = 9999
"""The most shards, so that the names of their folders sort as their numbers."""


def part_of(plan: Plan, words: str) -> Plan:
    """The plan of the shard that `words` such as `3/16` name.

    The same words always mean the same trials, and as many draws more keep them. Raises
    RequestError for other words, for more shards than trials, and for a study that stops trials.
    """
    number, of = _numbers(words)
    if plan.study.stop is not None:
        raise RequestError(
            f'stop = "{plan.study.stop}" decides by all trials drawn before, of which a shard runs '
            "only a part; leave --shard or stop out"
        )
    trials = plan.trials
    if of > len(trials):
        raise RequestError(f"--shard {words}: the study has {len(trials)} trials; use fewer shards")
    dealt = shards_of(trials, of)
    places = tuple(place for place, shard in enumerate(dealt) if shard == number)
    sample = tuple(trials[place] for place in places)
    return replace(plan, sample=sample, small=True, part=Part(number, of, plan, places))


def _numbers(words: str) -> tuple[int, int]:
    named = re.fullmatch(r"(\d{1,5})/(\d{1,5})", words)
    number, of = map(int, named.groups()) if named else (0, 0)
    if not 1 <= number <= of <= MOST:
        raise RequestError(
            f"--shard is {words!r}; give K/N, such as 3/16, with K from 1 to N and N up to {MOST}"
        )
    return number, of


def shards_of(trials: Sequence[TrialConfig], of: int) -> list[int]:
    """The number of the shard, from 1, of each trial of a plan.

    Draw by draw, the longest trial of a draw first, each goes to the shard that has least to do:
    so further draws move none, and shards differ by less than the longest trial.
    """
    loads = [(0.0, number) for number in range(1, of + 1)]
    costs = list(map(estimated_cost, trials))
    shards = [0] * len(trials)
    for _, draw in itertools.groupby(range(len(trials)), key=lambda place: trials[place].draw):
        for place in sorted(draw, key=lambda place: -costs[place]):
            load, shards[place] = loads[0]
            heapq.heapreplace(loads, (load + costs[place], shards[place]))
    return shards


def recorded(plan: Plan) -> dict[str, Any]:
    """What the `study.json` of a shard keeps of its part; nothing for a whole plan."""
    if plan.part is None:
        return {}
    number, of, whole, places = plan.part
    ids = {trial.trial_id: place for trial, place in zip(plan.sample, places, strict=True)}
    return {SHARD: {"number": number, "of": of, "trials": len(whole.trials), "places": ids}}


def must_be_the_part(content: Mapping[str, Any], plan: Plan, where: str) -> None:
    """Raise RequestError where a run is gone on with as another part of its study than it is."""
    before, now = content.get(SHARD), recorded(plan).get(SHARD)
    if before is None and now is None:
        return
    if before is None or now is None or _named(before) != _named(now):
        raise RequestError(
            f"{where!r} holds {_named(before)}, and this would be {_named(now)}; a shard goes on "
            f"with its own --shard and the --out of the whole run, and `caviar merge` joins shards"
        )
    if not before["places"].items() <= now["places"].items():
        raise RequestError(
            f"{where!r} holds other trials than {_named(now)} has here: the number of trials or "
            "the version of caviar is another; give --trials as before, or use another --out"
        )


def no_run(storage: Storage) -> str:
    """Why a place without a study is not a run."""
    if SHARDS in storage.names(""):
        return "`caviar merge` has not joined its shards yet"
    return "it has no study.json"


def _named(part: Mapping[str, Any] | None) -> str:
    return "the whole study" if part is None else f"shard {part['number']} of {part['of']}"
