"""Joining the shards of a study to the run that one driver would have made."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow as pa

from caviar.runner.data.places import from_folder
from caviar.runner.errors import RequestError
from caviar.runner.session.run_folder import FOLDERS, STUDY, read_study_json
from caviar.runner.session.shards.part import SHARD, SHARDS
from caviar.runner.session.shards.shard import Shard
from caviar.runner.store.part_files import each_part, parquet, part_names, read_columns
from caviar.runner.store.schemas import SCHEMAS, TRIALS
from caviar.runner.store.storage import Storage, read
from caviar.runner.store.uri import joined, masked

JOINED = "joined"
"""Key of `study.json`: of which sessions of which shards a run was made."""

MERGING = "merging.json"
"""Which part file is copied from where; it is there while shards are being joined."""


class Source(NamedTuple):
    """A part file of a shard."""

    shard: Shard
    key: str


def shards_below(target: Storage, root: str) -> list[str]:
    """The places of the shards that were run below a run; raises RequestError if there are none."""
    names = target.names(SHARDS)
    if not names:
        raise RequestError(
            f"{masked(root)!r} has no shards: run them with --shard K/N and --out {masked(root)}, "
            "or name the places where they lie"
        )
    return [joined(root, f"{SHARDS}/{name}") for name in names]


def merge(target: Storage, shards: Sequence[Shard]) -> bool:
    """Write the run of these shards; whether there was anything to write.

    Part files are copied byte for byte, so attempts that were given up come along as in any run.
    `study.json` is written last: until then the place is no run, and the same call goes on with
    the files that are not there yet. The target is held. Raises RequestError where something else
    lies, StorageError if a place fails.
    """
    made_of = [_made_of(shard) for shard in shards]
    if STUDY in target.names(""):
        _must_be(read_study_json(target).get(JOINED), made_of, target.where)
        _finish(target)
        return False
    sources = _sources(shards)
    parts = {to: [source.shard.number, source.key] for to, source in sources.items()}
    _begin(target, json.dumps({JOINED: made_of, "parts": parts}).encode())
    copied = {f"{table}/{name}" for table in SCHEMAS for name in target.names(table)}
    left = [key for key in sources if key not in copied]
    each_part(left, partial(_copy, target, sources))
    target.write("trials/part-000000.parquet", parquet(_trials(shards)))
    target.write(STUDY, json.dumps(_study(target, shards, made_of), indent=1).encode())
    _finish(target)
    return True


def _made_of(shard: Shard) -> list[Any]:
    """What tells this state of a shard from every other."""
    sessions = shard.content["sessions"]
    return [shard.number, len(sessions), sessions[-1]["started"]]


def _must_be(recorded: Any, made_of: list[list[Any]], where: str) -> None:
    if recorded != made_of:
        what = "a run that was not made of shards"
        if recorded is not None:
            what = "the run of other shards, or of these before they went on"
        raise RequestError(
            f"{masked(where)!r} holds {what}; its own `caviar run` command, without --shard, goes "
            "on with it, or join the shards elsewhere"
        )


def _sources(shards: Sequence[Shard]) -> dict[str, Source]:
    """Where each part file of the run comes from: table by table, shard by shard, in order."""
    sources: dict[str, Source] = {}
    for table in (table for table in SCHEMAS if table != "trials"):
        every = [
            Source(shard, f"{table}/{name}")
            for shard in shards
            for name in part_names(shard.storage, table)
        ]
        sources |= {f"{table}/part-{n:06d}.parquet": source for n, source in enumerate(every)}
    return sources


def _begin(target: Storage, manifest: bytes) -> None:
    """Note what is going to be copied; take away what a merge of other shards left."""
    names = target.names("")
    if MERGING in names and read(target, MERGING) == manifest:
        return
    strange = sorted(set(names) - {SHARDS, MERGING, *(SCHEMAS if MERGING in names else ())})
    if strange:
        raise RequestError(
            f"{masked(target.where)!r} holds files that are not a run ({', '.join(strange[:3])}); "
            "join the shards elsewhere"
        )
    for table in SCHEMAS:
        for name in target.names(table):
            target.delete(f"{table}/{name}")
    target.write(MERGING, manifest)


def _finish(target: Storage) -> None:
    if MERGING in target.names(""):
        target.delete(MERGING)


def _copy(target: Storage, sources: Mapping[str, Source], key: str) -> None:
    source = sources[key]
    target.write(key, read(source.shard.storage, source.key))


def _trials(shards: Sequence[Shard]) -> pa.Table:
    """The plan, in the order of the whole study."""
    places = {name: place for s in shards for name, place in s.content[SHARD]["places"].items()}
    rows = pa.concat_tables(
        [read_columns(shard.storage, "trials", TRIALS.names) for shard in shards]
    )
    names = rows["trial_id"].to_pylist()
    return rows.take(sorted(range(len(names)), key=lambda row: places[names[row]]))


def _study(target: Storage, shards: Sequence[Shard], made_of: list[list[Any]]) -> dict[str, Any]:
    """The `study.json` of the run: that of the shards, with the sessions of all of them."""
    first = shards[0].content
    sessions = [
        {**session, SHARD: shard.number}
        for shard in shards
        for session in shard.content["sessions"]
    ]
    return {
        **{key: value for key, value in first.items() if key != SHARD},
        "sessions": sorted(sessions, key=lambda session: str(session["started"])),
        "trials": first[SHARD]["trials"],
        FOLDERS: _folders(target, shards[0]),
        JOINED: made_of,
    }


def _folders(target: Storage, shard: Shard) -> list[str]:
    """The folders that paths of the data may start from, as seen from the run."""
    folders = []
    for folder in shard.content.get(FOLDERS, ()):
        if folder.startswith(("/", "~")) or "://" in shard.storage.where:
            folders.append(folder)
        elif "://" not in target.where:
            whole = os.path.normpath(Path(os.path.realpath(shard.storage.where)) / folder)
            folders.append(from_folder(whole, Path(os.path.realpath(target.where))))
    return list(dict.fromkeys(folders))
