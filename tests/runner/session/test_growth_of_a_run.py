"""`caviar run --extend`: what is missing joins a run, as if all of it had been run at once."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from caviar.analysis.run.read import MEASUREMENTS, Run, read_run
from caviar.runner.session.run_folder import read_study_json
from caviar.runner.store.open import storage_at
from tests.faults.program import SMALL, Ended, caviar_here
from tests.runner.helpers import settings_of

LARGER = ("replicas=5", "norm_batch_size=[4, 8, 16]")


def run(root: Path, *study: str, words: tuple[str, ...] = ("--no-report",)) -> Ended:
    settings = settings_of((*SMALL, *study))
    return caviar_here("run", *settings, "--on", "inline", *words, "--out", root)


def extend(root: Path, *study: str) -> Ended:
    return run(root, *study, words=("--no-report", "--extend"))


@pytest.fixture(scope="module")
def larger(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run that got a size and three seeds after its first session."""
    root = tmp_path_factory.mktemp("grown") / "run"
    assert run(root).code == 0
    first = read_run(root)
    done = extend(root, *LARGER)
    assert done.code == 0, done.complained
    assert f"resuming {root}: 2 of 6 trials are done\n4 trials to run" in done.output
    assert set(first.trials["trial_id"]) <= {
        name for both in read_run(root).trials["trial_id"] for name in both.split("+")
    }
    return root


def in_order(run: Run, table: str) -> pd.DataFrame:
    frame = getattr(run, table).drop(columns=["trial_id", "attempt"])
    keys = ["norm_batch_size", "seed", "step"]
    keys += [
        c for c in ("split", "statistics", "tracker", "layer", "probe_batch_size") if c in frame
    ]
    return frame.sort_values(keys, kind="stable").reset_index(drop=True)


def test_a_run_that_grew_holds_what_one_run_of_it_all_holds(larger: Path, tmp_path: Path) -> None:
    assert run(tmp_path / "at once", *LARGER).code == 0
    grew, whole = read_run(larger), read_run(tmp_path / "at once")
    assert len(grew.trials) == 3
    assert all(np.array_equal(seeds, range(5)) for seeds in grew.trials["seeds"])
    for table in MEASUREMENTS[:-1]:
        pd.testing.assert_frame_equal(
            in_order(grew, table), in_order(whole, table), check_exact=True, check_like=True
        )
    assert grew.counts == whole.counts
    rows = [one.outcomes.groupby("status")["rows"].sum().to_dict() for one in (grew, whole)]
    assert rows[0] == rows[1]


def test_what_joined_stands_in_the_study(larger: Path) -> None:
    content = read_study_json(storage_at(larger))
    assert content["blocks"] == [2, 3] and content["trials"] == 6
    (joined,) = content["grown"]
    assert joined == {"session": 1, "added": ["seeds 2 to 4", "norm_batch_size = 8"]}


def test_the_same_command_resumes_and_verify_passes(larger: Path) -> None:
    again = run(larger, *LARGER)
    assert again.code == 0 and "6 of 6 trials are done" in again.output
    assert caviar_here("verify", larger).code == 0


def test_nothing_joins_without_being_asked_for(tmp_path: Path) -> None:
    root = tmp_path / "run"
    run(root)
    before = (root / "study.json").read_bytes()
    done = run(root, *LARGER)
    assert done.code == 2 and (root / "study.json").read_bytes() == before
    assert done.complained == (
        f"caviar: {str(root)!r} holds this study without seeds 2 to 4 and norm_batch_size = 8; add "
        "--extend to keep its trials and run those that are missing, or use another --out\n"
    )


@pytest.mark.parametrize(
    ("study", "words"),
    [
        (("replicas=1",), "replicas is 2 there and 1 here"),
        (("replicas=3", "budget={ steps = 5 }"), "budget.steps is 4 there and 5 here"),
    ],
)
def test_what_changes_is_refused(study: tuple[str, ...], words: str, tmp_path: Path) -> None:
    run(tmp_path / "run")
    done = extend(tmp_path / "run", *study)
    assert done.code == 2 and words in done.complained


def test_the_dry_run_says_what_would_join_and_what_it_costs(tmp_path: Path) -> None:
    root = tmp_path / "run"
    run(root)
    told = run(root, *LARGER, words=("--dry-run", "--extend")).output
    assert (
        "2 finished trials of this study; seeds 2 to 4 and norm_batch_size = 8 would join" in told
    )
    assert " for those that would run\n" in told
    asked = run(root, *LARGER, words=("--dry-run", "--extend", "--json"))
    facts = json.loads(asked.output)
    assert facts["trials"] == 6 and facts["out"]["left"] == 4
    assert 0 <= facts["left_seconds"] <= facts["seconds"]
    assert "would be refused" in run(root, *LARGER, words=("--dry-run",)).output


def test_a_joined_trial_is_ranked_as_one_and_replayed_by_its_blocks(larger: Path) -> None:
    best = caviar_here("best", larger, "--toml").output
    first, second = read_run(larger).trials["trial_id"][0].split("+")
    assert "\nseed = 5\n" in best and "\n[fixed]\n" in best
    whole = caviar_here("replay", larger, f"{first}+{second}")
    assert whole.code == 2 and f"replay each by its own name: {first}, {second}" in whole.complained
    assert caviar_here("replay", larger, second).code == 0
