"""Whole clusters die, ten in a row; the same command on the next one loses nothing."""

from __future__ import annotations

import random
import time
from pathlib import Path

import pytest

from caviar.runner.store.checkpoints import kept_trials
from caviar.runner.store.open import storage_at
from caviar.runner.verify.run import latest_outcomes
from tests.faults.injections import Fault, rows_that_count
from tests.faults.lost_drivers.clusters import LostCluster, started_cluster
from tests.runner.helpers import (
    DIGITS,
    caviar,
    ended_well,
    eventually,
    same_tables,
    settings_of,
    tables,
)
from tests.runner.stores import new_run, uri_at

pytestmark = pytest.mark.ray

KILLS = 10

STUDY = settings_of(
    [*DIGITS, "budget={ steps = 400 }", "evaluations=4", "curve_rows=40", "draws.count=16"]
)
"""32 trials; with the rests of `SLOWLY` they outlast ten clusters."""

SLOWLY = "partial(workers.slowly, 0.015)"


def killed_at_a_random_moment(
    cluster: LostCluster, words: tuple[str, ...], moments: random.Random, late: bool
) -> str:
    """The command on a cluster that dies within eight seconds of its start, or `late`, within six
    of its first trial's."""
    driver = cluster.drive(SLOWLY, *words)
    if late:
        assert eventually(lambda: cluster.trains() or driver.poll() is not None)
    moment = moments.uniform(0.0, 6.0 if late else 8.0)
    time.sleep(moment)
    assert driver.poll() is None, cluster.printed()
    killed = cluster.kill()
    driver.wait(60)
    return f"{killed} processes killed {moment:.1f} s after {'a trial' if late else 'the driver'}"


def statuses(uri: str) -> list[str]:
    return [str(outcome["status"]) for outcome in latest_outcomes(storage_at(uri)).values()]


def checkpoints(uri: str) -> int:
    return len(kept_trials(storage_at(uri)))


@pytest.mark.slow
@pytest.mark.faults(
    "a whole cluster is killed (SIGKILL to every process), driver and all, ten in a row"
)
def test_ten_killed_clusters_lose_nothing(
    s3: int, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory, fault: Fault
) -> None:
    home, run, moments = tmp_path_factory.mktemp("home"), new_run(), random.Random(20261128)
    uri = uri_at(s3, run)
    words = ("run", *STUDY, "--no-report", "--on", "ray", "--workers", "2", "--out", uri)
    ended_well("run", *STUDY, "--no-report", "--on", "inline", "--out", "local", cwd=tmp_path)
    before = rows_that_count(tmp_path / "nothing")
    for kill in range(KILLS):
        with started_cluster(home) as cluster:
            what = killed_at_a_random_moment(cluster, words, moments, late=kill % 2 == 1)
        fault.inject()
        kept = rows_that_count(uri)
        assert not before - kept, "acknowledged rows are gone"
        before = kept
        done = sum(state == "completed" for state in statuses(uri))
        print(
            f"{what} began: {done} of 32 trials are done, and {checkpoints(uri)} have a checkpoint"
        )
    with started_cluster(home) as cluster, fault.recovering():
        last = cluster.drive("None", *words)
        assert last.wait(300) == 0, cluster.printed()
        assert f"resuming {uri}: " in cluster.printed()
    assert caviar("verify", uri, cwd=tmp_path).returncode == 0
    same_tables(tables(uri), tables(tmp_path / "local"))
    fault.ended(before, rows_that_count(tmp_path / "local"), rows_that_count(uri))
