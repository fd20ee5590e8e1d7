"""`caviar run --until`: seeds join until an interval is narrow enough."""

from __future__ import annotations

import math
import shutil
from pathlib import Path

import numpy as np
import pytest

import caviar as caviar_package
from caviar.analysis.run.read import read_run
from caviar.analysis.statistics.intervals import Interval, mean_interval
from caviar.runner.cli.growing import until
from caviar.runner.cli.growing.looks import Looks
from caviar.runner.cli.growing.schedule import Schedule, errors_of_looks
from caviar.runner.cli.growing.until import told
from caviar.runner.errors import RequestError
from caviar.runner.session.run_folder import read_study_json
from caviar.runner.store.open import storage_at
from caviar.runner.verify.run import verify_run
from caviar.runner.verify.state import state_of, summary
from tests.faults.program import SMALL, Ended, caviar_here
from tests.runner.helpers import settings_of

STUDY = (*SMALL, "replicas=5")


def run(root: Path, within: str, most: int = 8, *words: str) -> Ended:
    asked = ("--until", f"test_loss 4 - 16 within {within}", "--most", str(most))
    options = (*settings_of(STUDY), "--on", "inline", "--no-report", *asked, *words)
    return caviar_here("run", *options, "--out", root)


def seen(root: Path) -> list[dict[str, float]]:
    looks: list[dict[str, float]] = read_study_json(storage_at(root))["until"]["looks"]
    return looks


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run that got all eight seeds, in two looks, and is not narrow."""
    root = tmp_path_factory.mktemp("until") / "run"
    done = run(root, "1e-9")
    assert done.code == 0, done.complained
    assert "\nlook 2 of 2, 8 seeds: test_loss 4 - 16 is" in done.output
    last = "8 seeds are the most, and the interval is still wider than asked for\n"
    assert done.output.endswith(last)
    return root


def test_it_stops_at_the_first_look_that_is_narrow(tmp_path: Path) -> None:
    done = run(tmp_path / "run", "1000")
    assert done.code == 0 and "\nlook 1 of 2, 5 seeds: " in done.output
    assert "\ntest_loss 4 - 16 took 5 seeds; in 95 % of runs or more the" in done.output
    assert [one["seeds"] for one in seen(tmp_path / "run")] == [5]
    again = run(tmp_path / "run", "1000")
    assert again.code == 0 and len(seen(tmp_path / "run")) == 1


def test_a_look_has_the_interval_of_paired_seeds_at_its_level(whole: Path) -> None:
    rows = read_run(whole).evaluations
    rows = rows[(rows["split"] == "test") & (rows["statistics"] == "population")]
    rows = rows[rows["step"] == rows["step"].max()]
    losses = rows.pivot_table(index="seed", columns="norm_batch_size", values="loss")
    errors = errors_of_looks([5, 8], 8)
    for look, count, error in zip(seen(whole), (5, 8), errors, strict=True):
        by_seed = (losses[4] - losses[16]).to_numpy()[:count]
        expected = mean_interval(by_seed, np.random.default_rng(0), level=1 - error)
        assert (look["seeds"], look["units"]) == (count, count)
        assert [look[k] for k in ("mean", "low", "high")] == pytest.approx(expected[:3], rel=1e-12)


def test_seeds_join_as_a_block_and_verify_passes(whole: Path) -> None:
    content = read_study_json(storage_at(whole))
    assert content["blocks"] == [5, 3] and content["until"]["planned"] == [5, 8]
    assert not verify_run(storage_at(whole)).faults
    state = state_of(storage_at(whole), 0.0)
    assert state.trials == 4 and len(read_run(whole).trials) == 2
    told = summary(state)
    assert told.endswith(
        "Seeds joined this run (5, then 3), each time as further trials of the same networks: a "
        "report reads the 2 trials of a network as one"
    )


def test_other_looks_than_were_planned_are_refused(whole: Path) -> None:
    done = run(whole, "1e-9", 64)
    assert done.code == 2
    assert "was grown with looks at 5, 8 seeds, and the error of its intervals" in done.complained


def test_a_run_with_more_seeds_goes_on_at_its_next_look(tmp_path: Path, whole: Path) -> None:
    root = tmp_path / "run"
    words = (*settings_of((*SMALL, "replicas=6")), "--on", "inline", "--no-report")
    assert caviar_here("run", *words, "--out", root).code == 0
    done = run(root, "1e-9")
    assert done.code == 0 and [one["seeds"] for one in seen(root)] == [8]
    shutil.rmtree(root)
    many = (*settings_of((*SMALL, "replicas=9")), "--on", "inline", "--no-report")
    assert caviar_here("run", *many, "--out", root).code == 0
    assert "has 9 seeds already, more than --most 8" in run(root, "1e-9").complained


def test_other_additions_are_not_smuggled_in(tmp_path: Path) -> None:
    root = tmp_path / "run"
    assert run(root, "1000").code == 0
    asked = ("--until", "test_loss 4 - 16 within 1e-9", "--most", "8")
    more = (*settings_of((*STUDY, "norm_batch_size=[4, 8, 16]")), "--on", "inline", *asked)
    done = caviar_here("run", *more, "--out", root)
    assert done.code == 2 and "without norm_batch_size = 8; add --extend" in done.complained


def test_seeds_that_chose_a_rate_are_told_apart() -> None:
    looks, schedule = Looks("test_accuracy", 4, 16, 0.03, 30), Schedule.of(9, 30)
    assert told(looks, schedule, 21, Interval(-0.02, -0.05, 0.01, 14)) == (
        "look 3 of 4, 21 seeds, 14 of them read: test_accuracy 4 - 16 is −0.02 [−0.05, 0.01], "
        "± 0.03; asked for is ± 0.03"
    )


def test_where_no_seed_is_finite_at_both_sizes_no_more_join(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    nothing = Interval(math.nan, math.nan, math.nan, 0)
    monkeypatch.setattr(until, "difference", lambda run, request, error: nothing)
    done = run(tmp_path / "run", "1e-9")
    assert done.code == 0 and "look 2" not in done.output
    assert "no seed has a finite test_loss at both sizes, and more would hardly" in done.output
    assert [one["units"] for one in seen(tmp_path / "run")] == [0]


def test_the_dry_run_names_the_looks(tmp_path: Path) -> None:
    told = run(tmp_path / "run", "0.01", 64, "--dry-run").output
    assert told.splitlines()[-1] == (
        "until: looks at test_loss 4 - 16 with 5, 8, 12, 18, 27, 41, 64 seeds, of which the run "
        "stops at the first that knows it to ± 0.01; what is told above is for the first look"
    )
    assert not (tmp_path / "run").exists()


def test_it_is_the_same_in_python(tmp_path: Path) -> None:
    """`caviar.run(..., until=, most=)` looks as `--until` and `--most` do."""
    drawn = settings_of(STUDY)[1::2]
    study = caviar_package.read_study(None, drawn)
    run = caviar_package.run(
        study,
        out=tmp_path / "run",
        on="inline",
        kernels="off",
        until="test_loss 4 - 16 within 1e-9",
        most=6,
    )
    assert [look["seeds"] for look in seen(tmp_path / "run")] == [5, 6]
    assert [len(seeds) for seeds in run.trials["seeds"]] == [6, 6]
    with pytest.raises(RequestError, match="most limits the seeds that until adds"):
        caviar_package.run(study, out=tmp_path / "run", most=6)
