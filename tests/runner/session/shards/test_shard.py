"""What is refused before shards are joined, in a sentence that says what to do."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from caviar.runner.errors import RequestError
from caviar.runner.session.shards.shard import shards_in
from caviar.runner.store.open import storage_at
from caviar.runner.store.part_files import read_columns, write_part
from caviar.runner.store.schemas import OUTCOMES
from tests.runner.helpers import parts


def below(root: Path) -> list[Path]:
    return sorted((root / "shards").iterdir())


def changed(shard: Path, change: Callable[[dict[str, Any]], object]) -> None:
    """Change the `study.json` of a shard."""
    content = json.loads((shard / "study.json").read_text())
    change(content)
    (shard / "study.json").write_text(json.dumps(content))


def with_outcomes(shard: Path, column: str, value: object) -> None:
    """Give every outcome of a shard this value."""
    storage = storage_at(shard)
    rows = read_columns(storage, "outcomes", OUTCOMES.names)
    for part in parts(shard, "outcomes"):
        part.unlink()
    values = pa.array([value] * len(rows), OUTCOMES.field(column).type)
    write_part(storage, "outcomes", rows.set_column(OUTCOMES.names.index(column), column, values))


def missing(root: Path) -> None:
    shutil.rmtree(below(root)[1])


def twice(root: Path) -> None:
    shutil.copytree(below(root)[0], root / "shards" / "01-of-03-copy")


def of_another_study(root: Path) -> None:
    def change(content: dict[str, Any]) -> None:
        content["hash"] = "0" * 12
        content["study"]["replicas"] = 3

    changed(below(root)[1], change)


def of_more_draws(root: Path) -> None:
    changed(below(root)[1], lambda content: content["shard"].update(trials=12))


def of_another_split(root: Path) -> None:
    changed(below(root)[1], lambda content: content["shard"].update(of=4))


def overlapping(root: Path) -> None:
    theirs = json.loads((below(root)[0] / "study.json").read_text())["shard"]["places"]
    mine = json.loads((below(root)[1] / "study.json").read_text())["shard"]["places"]
    places = dict(zip(mine, theirs.values(), strict=True))
    changed(below(root)[1], lambda content: content["shard"].update(places=places))


def unfinished(root: Path) -> None:
    parts(below(root)[1], "outcomes")[0].unlink()


def without_rows(root: Path) -> None:
    parts(below(root)[1], "curves")[0].unlink()


def without_its_trials(root: Path) -> None:
    parts(below(root)[1], "trials")[0].unlink()


def of_another_kernel(root: Path) -> None:
    with_outcomes(below(root)[1], "kernel", "openblas Other")


def on_another_path(root: Path) -> None:
    changed(below(root)[1], lambda content: content["sessions"][-1].update(training="compiled"))


def a_whole_run(root: Path) -> None:
    changed(below(root)[1], lambda content: content.pop("shard"))


@pytest.mark.parametrize(
    ("break_it", "words"),
    [
        (missing, "1 of 3 shards are missing: 2; run each with --shard 2/3"),
        (twice, "are the same; name one of them"),
        (of_another_study, "different studies: replicas is 2 there and 3 here; join shards of one"),
        (of_more_draws, "is one of 6 trials and .* of 12: run them with the same number of trials"),
        (of_another_split, "is one of 3 shards and .* of 4: run them with the same number"),
        (overlapping, "shard 1 in .* and shard 2 in .* overlap"),
        (unfinished, "shard 2 in .* not finished: 2 of its 2 trials have no outcome; its `caviar"),
        (
            without_rows,
            "has more or fewer rows of 2 trials than their outcomes say.*; `caviar",
        ),
        (without_its_trials, "shard 2 in .* does not hold the trials that its study.json names"),
        (of_another_kernel, "the kernel of shard 1 is .*, and of shard 2 it is openblas Other"),
        (on_another_path, "the training path of shard 1 is numpy, and of shard 2 it is compiled"),
        (a_whole_run, "is a whole run, not a shard"),
    ],
)
def test_what_would_not_be_one_run_is_refused(
    break_it: Callable[[Path], None], words: str, split: Path
) -> None:
    break_it(split)
    with pytest.raises(RequestError, match=words):
        shards_in([storage_at(place) for place in below(split)])


def test_other_kernels_are_joined_where_that_is_accepted(split: Path) -> None:
    of_another_kernel(split)
    places = [storage_at(place) for place in below(split)]
    assert [shard.number for shard in shards_in(places, any_kernel=True)] == [1, 2, 3]


def test_a_shard_that_is_being_written_is_waited_for(split: Path) -> None:
    with (
        storage_at(below(split)[1]).hold(),
        pytest.raises(RequestError, match=r"another caviar is writing to .*02-of-03' now"),
    ):
        shards_in([storage_at(place) for place in below(split)])
