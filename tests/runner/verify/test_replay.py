"""A trial computed again: the same bits, or the first difference."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from caviar.runner.errors import RequestError
from caviar.runner.store.open import storage_at
from caviar.runner.store.part_files import read_rows
from caviar.runner.store.sink import ParquetSink
from caviar.runner.trial.events import Outcome
from caviar.runner.verify.replay import replay_trial
from tests.runner.helpers import TINY, caviar, ended_well, parts, settings_of
from tests.runner.verify.damage import INLINE, TRIALS, rewritten


@pytest.mark.parametrize("trial", TRIALS)
def test_a_replay_has_the_same_bits(trial: str, good: Path) -> None:
    assert replay_trial(storage_at(good), trial) == (
        True,
        f"trial {trial}: the same bits in all 164 rows",
    )


def test_replay_as_a_program(good: Path) -> None:
    output = ended_well("replay", good, TRIALS[0], cwd=good.parent)
    assert output == f"trial {TRIALS[0]}: the same bits in all 164 rows\n"


@pytest.mark.parametrize(
    ("table", "column"),
    [("curves", "loss"), ("evaluations", "accuracy"), ("statistics", "mean_bias")],
)
def test_a_replay_says_where_the_bits_part(table: str, column: str, run: Path) -> None:
    """The smallest possible change of one number is found, with its place."""

    def change(t: pa.Table) -> pa.Table:
        position = t["trial_id"].to_pylist().index(TRIALS[3])
        values = t[column].to_numpy().copy()
        values[position] = np.nextafter(values[position], 9)
        return t.set_column(t.schema.get_field_index(column), column, pa.array(values))

    before = read_rows(storage_at(run), table, ["trial_id", "seed", "step"])
    position = before["trial_id"].index(TRIALS[3])
    rewritten(run, table, change)
    same, sentence = replay_trial(storage_at(run), TRIALS[3])
    assert not same
    assert sentence.startswith(f"{table} ({before['seed'][position]}, {before['step'][position]}")
    assert f": {column} was " in sentence and sentence.endswith(" now")
    assert replay_trial(storage_at(run), TRIALS[0])[0]
    if table == "curves":
        done = caviar("replay", run, TRIALS[3], cwd=run.parent)
        assert (done.returncode, done.stdout, done.stderr) == (1, sentence + "\n", "")


def test_a_replay_says_that_rows_are_missing(run: Path) -> None:
    rewritten(run, "noise", lambda table: table.slice(1))
    same, sentence = replay_trial(
        storage_at(run), read_rows(storage_at(run), "outcomes", ["trial_id"])["trial_id"][0]
    )
    assert not same and sentence.startswith("noise: ") and "with different keys" in sentence


def test_a_replay_of_another_ending_says_so(run: Path) -> None:
    sink = ParquetSink(storage_at(run))
    sink.commit(Outcome(TRIALS[0], 1, "diverged"))
    sink.close()
    assert replay_trial(storage_at(run), TRIALS[0]) == (False, "diverged then, completed now: ")


def test_a_trial_that_is_not_there_is_named(good: Path) -> None:
    with pytest.raises(RequestError, match=f"no trial .* did you mean '{TRIALS[0]}'"):
        replay_trial(storage_at(good), TRIALS[0][:-1] + "x")


def test_a_trial_without_an_outcome_cannot_be_replayed(run: Path) -> None:
    parts(run, "outcomes")[0].unlink()
    with pytest.raises(RequestError, match="has no outcome yet; finish the run first"):
        replay_trial(storage_at(run), TRIALS[0])


def test_data_that_changed_cannot_be_replayed(tmp_path: Path) -> None:
    rows = [f"{i},{i * 7 % 11},{'pq'[i % 2]}" for i in range(80)]
    path = tmp_path / "d.csv"
    path.write_text("\n".join(["a,b,y", *rows]))
    study = [f'dataset={{ path = "{path}", label = "y" }}', *TINY[1:], "probe_batch_sizes=[4]"]
    ended_well("run", *settings_of(study), *INLINE, "run", "--trials", "1", cwd=tmp_path)
    (trial,) = read_rows(storage_at(tmp_path / "run"), "trials", ["trial_id"])["trial_id"]
    assert replay_trial(storage_at(tmp_path / "run"), trial)[0]
    path.write_text("\n".join(["a,b,y", *rows, "1,1,p"]))
    with pytest.raises(
        RequestError, match=r'the data of .d.csv. are not those of the run .* "81" here'
    ):
        replay_trial(storage_at(tmp_path / "run"), trial)
