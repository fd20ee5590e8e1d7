"""A run made on one kernel, then verified, replayed or resumed on another."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from caviar.runner.store.open import storage_at
from caviar.runner.store.part_files import read_rows
from caviar.runner.trial.arithmetic import arithmetic
from caviar.runner.verify.replay import made_elsewhere, replay_trial
from tests.runner.helpers import TINY, caviar, ended_well, settings_of, started
from tests.runner.kernels import another_core, kernel_under
from tests.runner.verify.damage import INLINE, TRIALS, rewritten

WIDE = (*(s for s in TINY if not s.startswith("hidden")), "hidden=[64]")
"""Products so wide that another kernel sums them in another order."""


@pytest.fixture(scope="module")
def elsewhere(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run whose first trials another kernel computed."""
    folder = tmp_path_factory.mktemp("elsewhere")
    words = ("run", *settings_of(WIDE), *INLINE, "run", "--trials", "2")
    done = started(*words, cwd=folder, OPENBLAS_CORETYPE=another_core())
    assert done.returncode == 0, done.stderr
    return folder / "run"


def test_another_kernel_is_told_apart_from_damage(elsewhere: Path, tmp_path: Path) -> None:
    theirs, ours = kernel_under(OPENBLAS_CORETYPE=another_core()), arithmetic().kernel
    pattern = re.escape(f"made on {theirs}, here {ours}: the last digits differ (largest ")
    last = ended_well("verify", elsewhere, cwd=tmp_path).splitlines()[-1]
    assert re.fullmatch(rf"ok     computed again, trial \w+: {pattern}\d(\.\d)?e-\d\d\)", last)
    (trial, *_) = read_rows(storage_at(elsewhere), "outcomes", ["trial_id"])["trial_id"]
    assert re.search(pattern, ended_well("replay", elsewhere, trial, cwd=tmp_path))


def test_damage_is_found_on_another_kernel_too(elsewhere: Path, tmp_path: Path) -> None:
    def change(table: pa.Table) -> pa.Table:
        losses = table["loss"].to_numpy() + 0.01
        return table.set_column(table.schema.get_field_index("loss"), "loss", pa.array(losses))

    damaged = shutil.copytree(elsewhere, tmp_path / "run")
    rewritten(damaged, "evaluations", change)
    done = caviar("verify", damaged, cwd=tmp_path)
    assert done.returncode == 1
    assert re.search(r"FAULT  computed again, .*: made on .*: loss was .* more than", done.stdout)


def test_a_run_of_before_kernels_were_recorded_names_its_blas(run: Path) -> None:
    def nudged(table: pa.Table) -> pa.Table:
        losses = np.nextafter(table["loss"].to_numpy(), 9)
        return table.set_column(table.schema.get_field_index("loss"), "loss", pa.array(losses))

    rewritten(run, "evaluations", nudged)
    assert not replay_trial(storage_at(run), TRIALS[0]).holds
    rewritten(run, "outcomes", lambda t: t.drop_columns(["kernel", "blas_threads", "processor"]))
    again = replay_trial(storage_at(run), TRIALS[0])
    assert again.holds
    assert re.search(r"core type \w+ \(no kernel recorded\), here ", again.says)


def test_threads_of_before_are_named() -> None:
    here = arithmetic()
    outcome = {"kernel": here.kernel, "blas_threads": here.threads + 3}
    kernels = made_elsewhere({"sessions": []}, outcome, here)
    assert f"with {here.threads + 3} BLAS threads, here " in kernels


def test_a_run_goes_on_with_another_kernel_once_that_is_accepted(
    elsewhere: Path, tmp_path: Path
) -> None:
    theirs, ours = kernel_under(OPENBLAS_CORETYPE=another_core()), arithmetic().kernel
    mixed = shutil.copytree(elsewhere, tmp_path / "run")
    words: list[str | Path] = ["run", *settings_of(WIDE), *INLINE, mixed]
    before = (mixed / "study.json").read_bytes()
    refused = caviar(*words, cwd=tmp_path)
    assert refused.returncode == 2 and f"computed with {theirs}, but this one" in refused.stderr
    assert (mixed / "study.json").read_bytes() == before
    # With nothing left to compute there is nothing to refuse.
    ended_well(*words, "--trials", "2", cwd=tmp_path)
    content = json.loads(before)
    (mixed / "study.json").write_text(json.dumps(content))
    ended_well(*words, "--accept-other-processor", cwd=tmp_path)
    kernels = read_rows(storage_at(mixed), "outcomes", ["kernel"])["kernel"]
    assert kernels == [theirs, theirs, ours, ours]
    assert f"2 on {theirs}" in ended_well("verify", mixed, cwd=tmp_path)
