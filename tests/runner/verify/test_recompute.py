"""verify holds numbers against numbers: rows computed twice, and a trial computed again."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from caviar.runner.store.open import storage_at
from caviar.runner.store.part_files import write_part
from caviar.runner.verify.findings import Findings
from caviar.runner.verify.recompute import check_bits
from caviar.runner.verify.run import latest_outcomes, verify_run
from tests.runner.helpers import TINY, caviar, ended_well, parts, settings_of


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("good")
    words = ("--on", "inline", "--no-report", "--out", "run")
    ended_well("run", *settings_of(TINY), *words, cwd=folder)
    return folder / "run"


@pytest.fixture
def run(good: Path, tmp_path: Path) -> Path:
    return shutil.copytree(good, tmp_path / "run")


def quickest(root: Path) -> str:
    outcomes = latest_outcomes(storage_at(root))
    return min(outcomes, key=lambda trial: (outcomes[trial]["seconds"], trial))


def given_up(root: Path, trial: str, change: Callable[[pa.Array], pa.Array]) -> None:
    """Rows of an earlier attempt at a trial beside those that count, with changed losses."""
    rows = pq.read_table(parts(root, "curves")[0])
    mine = rows.filter(pc.equal(rows["trial_id"], trial))
    mine = mine.set_column(1, "attempt", pa.array([-1] * len(mine), pa.int32()))
    at = mine.schema.get_field_index("loss")
    changed = mine.set_column(at, "loss", change(mine["loss"].combine_chunks()))
    write_part(storage_at(root), "curves", changed)


def test_rows_computed_twice_to_the_same_bits(run: Path) -> None:
    given_up(run, quickest(run), lambda loss: loss)
    found = verify_run(storage_at(run))
    assert not found.faults
    assert "ok     6 rows of given-up attempts, which readers leave out" in found.lines
    assert "ok     6 of them are of rows that count, with the same bits" in found.lines


def test_a_last_bit_that_differs_is_a_fault(run: Path) -> None:
    given_up(run, quickest(run), lambda loss: pa.array(np.nextafter(loss.to_numpy(), 9)))
    found = verify_run(storage_at(run))
    assert found.faults == 1
    assert "FAULT  6 of 6 of them differ from the rows that count, curves " in found.lines[-1]


def test_nan_is_the_same_as_nan(run: Path) -> None:
    trial = quickest(run)
    (part,) = parts(run, "curves")
    rows = pq.read_table(part)
    at = rows.schema.get_field_index("loss")
    nan = pa.array([float("nan")] * len(rows))
    pq.write_table(rows.set_column(at, "loss", nan), part)
    given_up(run, trial, lambda loss: loss)
    assert not verify_run(storage_at(run)).faults


def test_the_quickest_trial_is_computed_again(good: Path) -> None:
    said = ended_well("verify", good, cwd=good.parent).splitlines()
    trial = quickest(good)
    assert said[-1] == f"ok     computed again, trial {trial}: the same bits in all 164 rows"


def test_a_number_that_was_touched_is_a_fault(run: Path) -> None:
    (part,) = parts(run, "evaluations")
    rows = pq.read_table(part)
    at = rows.schema.get_field_index("loss")
    losses = rows["loss"].to_numpy().copy()
    losses[rows["trial_id"].to_pylist().index(quickest(run))] += 1e-9
    pq.write_table(rows.set_column(at, "loss", pa.array(losses)), part)
    done = caviar("verify", run, cwd=run.parent)
    assert done.returncode == 1
    assert done.stdout.splitlines()[-1].startswith("FAULT  computed again, trial ")
    assert ": loss was " in done.stdout


def test_what_takes_long_is_left_to_the_user(good: Path) -> None:
    found = Findings()
    check_bits(storage_at(good), found, longest=0.0)
    (line,) = found.lines
    assert line.startswith("--     no trial was computed again: the quickest took")
    assert line.endswith(f"`caviar replay RUN {quickest(good)}` does it") and not found.faults
