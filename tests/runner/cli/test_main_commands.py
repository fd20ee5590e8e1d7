"""The smaller commands, and runs that are unfinished or damaged."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pandas as pd
import pytest

from caviar.model.averages.frameworks import ALL
from caviar.runner.store.open import storage_at
from caviar.runner.store.part_files import read_rows
from tests.faults.program import caviar_here
from tests.runner.cli.test_main import FAILING
from tests.runner.helpers import TINY, caviar, ended_well, parts, settings_of

INLINE = ("--on", "inline", "--no-report", "--out")


def test_conventions_as_data(tmp_path: Path) -> None:
    rows = json.loads(ended_well("conventions", "--json", cwd=tmp_path))
    assert [row["name"] for row in rows] == list(ALL)
    assert all(row.keys() == rows[0].keys() for row in rows)


def test_conventions_as_a_table(tmp_path: Path) -> None:
    head, *rows = ended_well("conventions", cwd=tmp_path).splitlines()
    assert head.split()[0] == "name"
    assert [row.split()[0] for row in rows] == list(ALL)


def test_doctor_says_what_a_bug_report_needs(tmp_path: Path) -> None:
    output = ended_well("doctor", cwd=tmp_path)
    for key in ("host", "machine", "python", "versions", "blas", "kernel", "processor"):
        assert f"\n{key}: " in f"\n{output}"
    assert "'numpy': " in output and not list(tmp_path.iterdir())


def test_without_a_command_help_is_shown(tmp_path: Path) -> None:
    assert "Usage" in caviar(cwd=tmp_path).stdout + caviar(cwd=tmp_path).stderr


@pytest.fixture(scope="module")
def half(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run with two of its four trials done, as a killed driver leaves it."""
    folder = tmp_path_factory.mktemp("half")
    ended_well("run", *settings_of(TINY), *INLINE, "whole", cwd=folder)
    ended_well("run", *settings_of(TINY), *INLINE, "run", "--trials", "2", cwd=folder)
    shutil.copy(parts(folder / "whole", "trials")[0], parts(folder / "run", "trials")[0])
    return folder / "run"


def test_status_of_an_unfinished_run(half: Path) -> None:
    output = ended_well("status", half, cwd=half.parent)
    assert "2 of 4 trials done: 2 completed" in output and "2 not yet tried" in output


def test_verify_of_an_unfinished_run(half: Path) -> None:
    done = caviar("verify", half, cwd=half.parent)
    assert done.returncode == 1
    assert "FAULT  2 trials have no outcome yet, " in done.stdout


def test_report_of_an_unfinished_run(half: Path) -> None:
    output = ended_well("report", half, cwd=half.parent)
    assert "quickstart on wine (178 examples): 2 of 4 networks" in output
    assert "FAULT  2 trials have no outcome yet, " in output
    page = (half / "report" / "index.html").read_text()
    assert "2 of 4 trials" in page
    assert "2 trials have no outcome yet, " in page and "was not verified" not in page


def test_report_before_anything_is_done(half: Path, tmp_path: Path) -> None:
    run = shutil.copytree(half, tmp_path / "run")
    parts(run, "outcomes")[0].unlink()
    shutil.rmtree(run / "report", ignore_errors=True)
    output = ended_well("report", run, cwd=tmp_path)
    assert output.startswith("no report: no trial of ")
    assert not (run / "report").exists()


def test_a_diverged_trial_is_verified_and_replayed(tmp_path: Path) -> None:
    wild = ("--set", "learning_rate=1e30", "--trials", "1")
    done = caviar("run", *settings_of(TINY), *wild, *INLINE, "run", cwd=tmp_path)
    assert done.returncode == 1 and "1 diverged" in done.stdout
    ended_well("verify", "run", cwd=tmp_path)
    (trial,) = read_rows(storage_at(tmp_path / "run"), "trials", ["trial_id"])["trial_id"]
    assert "the same bits in all 164 rows" in ended_well("replay", "run", trial, cwd=tmp_path)


def test_a_run_whose_every_trial_failed_has_no_report(tmp_path: Path) -> None:
    words = ("run", *settings_of([*TINY, "norm_batch_size=[4]"]), "--trials", "1", "--on", "inline")
    done = caviar_here(*words, "--out", tmp_path / "run", carry_out=FAILING)
    assert (done.code, done.complained) == (1, "")
    assert "no report: no trial of " in done.output


@pytest.mark.parametrize("words", [["status", "run"], ["run", *settings_of(TINY), *INLINE, "run"]])
def test_a_damaged_part_is_one_sentence(words: list[str], half: Path, tmp_path: Path) -> None:
    run = shutil.copytree(half, tmp_path / "run")
    parts(run, "trials")[0].write_bytes(b"PAR1")
    done = caviar(*words, cwd=tmp_path)
    assert done.returncode == 2 and "Traceback" not in done.stderr
    assert "trials/part-000000.parquet" in done.stderr


def refused(*words: str | Path, cwd: Path) -> str:
    done = caviar(*words, cwd=cwd)
    assert (done.returncode, done.stdout) == (2, "")
    return done.stderr


def test_a_dry_run_says_what_so_many_seeds_can_show(half: Path) -> None:
    plan = ("run", "--dry-run", *settings_of(TINY))
    output = ended_well(*plan, cwd=half.parent).splitlines()[-1]
    assert output.startswith(
        "power (spread over seeds of test-loss differences assumed: 0.01 nats)"
    )
    piloted = ended_well(*plan, "--pilot", half, cwd=half.parent).splitlines()[-1]
    assert "differences pilot quickstart, 2 seeds: at most " in piloted
    assert "add --dry-run" in refused("run", "--pilot", half, cwd=half.parent)
    assert "is not a run" in refused(*plan, "--pilot", half.parent / "no", cwd=half.parent)


@pytest.mark.slow
def test_designs_are_set_beside_each_other(half: Path, tmp_path: Path) -> None:
    other = ("norm_batch_size=[8, 16]", "name=other")
    study = [s for s in TINY if not s.startswith("norm_batch_size")]
    ended_well("run", *settings_of([*study, *other]), *INLINE, "run", cwd=tmp_path)
    ended_well("report", "run", "--beside", half, cwd=tmp_path)
    designs = pd.read_csv(tmp_path / "run" / "report" / "tables" / "designs.csv")
    assert set(designs["study"]) == {"other", "quickstart"} and set(designs["level"]) == {4, 8}
    alone = ("norm_batch_size=[2, 8]", "name=alone")
    ended_well("run", *settings_of([*study, *alone]), *INLINE, "alone", cwd=tmp_path)
    assert "no size in common" in refused("report", "alone", "--beside", half, cwd=tmp_path)
