"""`caviar replay RUN` of a panda: every lineage from its start, the same bits or which differs."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from tests.runner.helpers import caviar, ended_well
from tests.runner.panda.live import live, until
from tests.runner.panda.pandas import plan_of_one


@pytest.fixture
def run(tmp_path: Path) -> Path:
    with live(plan_of_one(), tmp_path / "run") as panda:
        panda.ask("set momentum=0.5 --at 30", "test")
        panda.ask("reset norm1 --at 50", "test")
        panda.ask("finish", "test")
        until(lambda: panda.ended)
    return tmp_path


def test_all_lineages_or_one_of_them(run: Path) -> None:
    told = ended_well("replay", "run", cwd=run).splitlines()
    assert [line.split(", trial ")[0] for line in told[1:]] == [
        "lineage 1 (30: momentum = 0.5)",
        "lineage 2 (50: reset norm1)",
    ]
    assert told[0].endswith("the same bits in all 98 rows")
    assert told[1].endswith("the same bits in all 92 rows")
    trial = told[2].split("trial ")[1].split(":")[0]
    assert ended_well("replay", "run", trial, cwd=run).splitlines() == told[2:]
    none = caviar("replay", "run", "nosuch", cwd=run)
    assert none.returncode == 2 and "no trial 'nosuch' in this run" in none.stderr


def test_a_changed_number_is_found(run: Path) -> None:
    part = next((run / "run/lineages/curves").glob("part-*.parquet"))
    rows = pq.read_table(part)
    loss = pc.add(rows["loss"], pa.array([1e-16] * (rows.num_rows - 1) + [1e-3]))
    place = rows.schema.get_field_index("loss")
    pq.write_table(rows.set_column(place, rows.schema.field("loss"), loss), part)
    done = caviar("replay", "run", cwd=run)
    assert done.returncode == 1
    assert "loss" in done.stdout and "the same bits" in done.stdout


def test_an_ordinary_run_needs_the_name_of_a_trial(tmp_path: Path) -> None:
    from caviar.runner.session.run_folder import open_run
    from caviar.runner.store.local_folder import LocalFolder
    from caviar.runner.store.sink import ParquetSink

    plan, storage = plan_of_one(), LocalFolder(tmp_path / "run")
    open_run(storage, plan, "caviar run")
    ParquetSink(storage).plan(plan.trials)
    done = caviar("replay", "run", cwd=tmp_path)
    assert done.returncode == 2
    trial = plan.trials[0].trial_id
    assert f"name the trial: caviar replay run TRIAL; allowed are {trial}" in done.stderr
