"""A panda on a Ray actor, which is killed once: no bit changes."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest

from caviar.runner.executors.choice import Where
from caviar.runner.executors.hosting.ray_host import RayHost, RayHosts
from tests.runner.panda.live import HOW, live, must_equal_its_uninterrupted_self, until
from tests.runner.panda.pandas import plan_of_one

pytestmark = pytest.mark.ray


def test_a_panda_on_an_actor_that_is_killed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    actors: list[RayHost] = []
    start = RayHosts.start

    def noted(hosts: RayHosts) -> RayHost:
        actors.append(start(hosts))
        return actors[-1]

    monkeypatch.setattr(RayHosts, "start", noted)
    plan, out = plan_of_one(), tmp_path / "run"
    with live(plan, out, HOW._replace(on=Where.ray)) as panda:
        panda.ask("set momentum=0.5 --at 30", "test")
        panda.ask("step 50", "test")
        until(lambda: panda.view().paused)
        os.kill(actors[0].process, signal.SIGKILL)
        assert panda.ask("recompute", "test").step == 50
        panda.ask("finish", "test")
        until(lambda: panda.ended)
        assert "the Ray actor died" in "".join(line.text for line in panda.view().log)
    assert len(actors) == 2
    assert must_equal_its_uninterrupted_self(out, plan) == 3
