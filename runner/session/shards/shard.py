"""Shards that are to be joined: whether they are all there, whole, and of one study."""

from __future__ import annotations

import itertools
import time
from collections import defaultdict
from collections.abc import Sequence
from typing import Any, NamedTuple

from caviar.runner.errors import RequestError
from caviar.runner.session.difference import difference
from caviar.runner.session.run_folder import read_study_json
from caviar.runner.session.shards.part import SHARD
from caviar.runner.session.takeover import last_outcomes, must_be_whole
from caviar.runner.session.training_path import path_before
from caviar.runner.store.part_files import read_rows
from caviar.runner.store.storage import Storage
from caviar.runner.store.uri import masked
from caviar.runner.trial.events import SETTLED


class Shard(NamedTuple):
    """A finished shard: where it lies, its `study.json`, and the outcome of each of its trials that
    counts."""

    storage: Storage
    content: dict[str, Any]
    outcomes: dict[str, dict[str, Any]]

    @property
    def number(self) -> int:
        return int(self.content[SHARD]["number"])

    @property
    def name(self) -> str:
        return f"shard {self.number} in {masked(self.storage.where)!r}"


def shards_in(places: Sequence[Storage], *, any_kernel: bool = False) -> list[Shard]:
    """The shards that lie in some places, by their numbers; `any_kernel`: also where several
    kernels computed them.

    Raises RequestError unless they are all shards of one study, each once, finished and whole, and
    together have every trial once.
    """
    shards = sorted((_shard(place) for place in places), key=lambda shard: shard.number)
    _must_be_of_one_study(shards)
    _must_be_all(shards)
    for shard in shards:
        _must_be_finished(shard)
    if not any_kernel:
        _must_be_of_one_kernel(shards)
    return shards


def _shard(place: Storage) -> Shard:
    content = read_study_json(place)
    if SHARD not in content:
        raise RequestError(
            f"{masked(place.where)!r} is a whole run, not a shard; name runs that were made with "
            "--shard"
        )
    if place.is_held(time.time()):
        raise RequestError(
            f"another caviar is writing to {masked(place.where)!r} now; wait for it before its "
            "shard is joined"
        )
    return Shard(place, content, last_outcomes(place))


def _must_be_of_one_study(shards: Sequence[Shard]) -> None:
    first, *others = shards
    for other in others:
        if other.content["hash"] != first.content["hash"]:
            changes = difference(first.content["study"], other.content["study"])
            raise RequestError(
                f"{first.name} and {other.name} are of different studies: "
                f"{'; '.join(changes[:3]) or 'their data differ'}; join shards of one study"
            )
        for what in ("of", "trials"):
            counts = [shard.content[SHARD][what] for shard in (first, other)]
            if counts[0] != counts[1]:
                named = "shards" if what == "of" else "trials"
                raise RequestError(
                    f"{first.name} is one of {counts[0]} {named} and {other.name} of {counts[1]}: "
                    f"run them with the same number of {named}"
                )


def _must_be_all(shards: Sequence[Shard]) -> None:
    of = shards[0].content[SHARD]["of"]
    for one, next_one in itertools.pairwise(shards):
        if one.number == next_one.number:
            raise RequestError(f"{one.name} and {next_one.name} are the same; name one of them")
    missing = sorted(set(range(1, of + 1)) - {shard.number for shard in shards})
    if missing:
        few = ", ".join(map(str, missing[:8])) + (" and more" if len(missing) > 8 else "")
        raise RequestError(
            f"{len(missing)} of {of} shards are missing: {few}; run each with --shard "
            f"{missing[0]}/{of} and the like"
        )
    owner: dict[int, Shard] = {}
    for shard in shards:
        for place in shard.content[SHARD]["places"].values():
            if place in owner:
                raise RequestError(
                    f"{owner[place].name} and {shard.name} overlap: versions of caviar that deal "
                    "trials differently made them; run both again with one version"
                )
            owner[place] = shard
    if len(owner) != shards[0].content[SHARD]["trials"]:
        raise RequestError("the shards lack trials of their study; run all with one version")


def _must_be_finished(shard: Shard) -> None:
    planned = shard.content[SHARD]["places"].keys()
    listed = read_rows(shard.storage, "trials", ["trial_id"])["trial_id"]
    if sorted(listed) != sorted(planned):
        raise RequestError(f"{shard.name} does not hold the trials that its study.json names")
    left = len(planned - shard.outcomes.keys())
    if left:
        raise RequestError(
            f"{shard.name} is not finished: {left} of its {len(planned)} trials have no outcome; "
            "its `caviar run` command resumes it"
        )
    settled = {name: it for name, it in shard.outcomes.items() if it["status"] in SETTLED}
    must_be_whole(shard.storage, settled, "run the shard again elsewhere")


def _must_be_of_one_kernel(shards: Sequence[Shard]) -> None:
    """Raise RequestError where one run would not have computed these rows: on one path, with one
    kernel of each."""
    used: dict[tuple[str, str], dict[str, int]] = defaultdict(dict)
    for shard in shards:
        training = path_before(shard.content)
        used["the training path", ""].setdefault(training, shard.number)
        for outcome in shard.outcomes.values():
            if outcome["status"] in SETTLED:
                used["the kernel", outcome["path"]].setdefault(outcome["kernel"], shard.number)
    for (what, _), ways in used.items():
        if len(ways) > 1:
            (one, first), (other, second) = list(ways.items())[:2]
            raise RequestError(
                f"{what} of shard {first} is {one}, and of shard {second} it is {other}: their "
                "last digits differ; run one of them again as the other, or add "
                "--accept-other-processor"
            )
