"""A real cluster by SSH: up, used with its token alone, hurt in the middle of a study, and down.

The shipped `cluster-onprem.yaml` on three hosts that are namespaces of this machine; run it with
`make cluster-test`, which shows the account of what happened when.
"""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import pytest

from caviar.runner.trial.arithmetic import same_kernel
from tests.cluster.hosts import (
    HEAD,
    HOME,
    NAMES,
    WORKER1,
    WORKER2,
    Account,
    Hosts,
    missing,
    three_hosts,
)
from tests.faults.injections import Fault, Rows, rows_that_count
from tests.runner.clusters import answers, free_port
from tests.runner.helpers import ended_well, eventually, parts, same_tables, settings_of, tables

pytestmark = pytest.mark.cluster

STUDY = ("hidden=[48, 48]", "replicas=4", "budget.epochs=30", "draws.count=4", "evaluations=3")
LONG = 900.0
"""Seconds after which a test fails; long enough for a machine that others use too."""
WORDS = ("run", "studies/ghost-size.toml", *settings_of(STUDY), "--no-report")


@contextmanager
def tunnel(hosts: Hosts, file: str) -> Iterator[str]:
    """`ray dashboard`: the head's loopback on a port of the laptop's."""
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    process = subprocess.Popen(
        [str(Path(sys.prefix) / "bin" / "ray"), "dashboard", "--port", str(port), file],
        env=hosts.environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        assert eventually(lambda: answers(url))
        yield url
    finally:
        os.killpg(process.pid, signal.SIGTERM)  # As Ctrl-C does: ssh must end with it.
        process.wait(30)


def status_of(url: str) -> int:
    try:
        return int(urllib.request.urlopen(url, timeout=10).status)
    except urllib.error.HTTPError as refusal:
        return refusal.code


def is_up(hosts: Hosts, file: str) -> bool:
    _, output = hosts.ray("exec", file, "RAY_AUTH_MODE=token ray status")
    return "3 local.cluster.node" in output and f"/{3 * (os.cpu_count() or 1)}.0 CPU" in output


def refuses_strangers(hosts: Hosts, url: str) -> None:
    """It refuses jobs without a token, with a wrong one, and past the tunnel."""
    submit = ("job", "submit", "--address", url, "--", "touch", "/var/tmp/never")
    code, output = hosts.ray(*submit, HOME="/nonexistent", RAY_AUTH_MODE="disabled")
    assert code != 0 and "Missing authentication token" in output, output
    code, output = hosts.ray(*submit, HOME="/nonexistent", RAY_AUTH_TOKEN="0" * 64)
    assert code != 0 and "Invalid authentication token" in output, output
    assert status_of(f"{url}/api/jobs/") == 401
    with pytest.raises(urllib.error.URLError, match="refused"):
        urllib.request.urlopen(f"http://{HEAD}:8265", timeout=10)


def in_the_middle(hosts: Hosts, root: Path) -> bool:
    """Whether some trials are done and every host is running one."""
    busy = [host for host in NAMES if any("_Actor.run" in x for x in hosts.processes(host))]
    return len(busy) == len(NAMES) and bool(parts(root, "outcomes"))


@contextmanager
def followed(hosts: Hosts, url: str, job: str) -> Iterator[Path]:
    """A file that receives the job's output as it is written."""
    words = [
        str(Path(sys.prefix) / "bin" / "ray"),
        "job",
        "logs",
        "--follow",
        "--address",
        url,
        job,
    ]
    log = hosts.folder / "job.log"
    with log.open("w") as file:
        process = subprocess.Popen(words, env=hosts.environment, stdout=file, stderr=file)
        try:
            yield log
        finally:
            process.terminate()
            process.wait(30)


def is_idle(hosts: Hosts, address: str) -> bool:
    return not hosts.processes(address)


def lost(log: Path, address: str) -> bool:
    return f"the machine {address} is lost or out of reach" in log.read_text()


def runs_hurt(hosts: Hosts, url: str, account: Account, fault: Fault) -> Path:
    """Submit the study, cut one host off and kill another while all of them have trials that
    wait; its folder once they were released and the job is done."""
    out = str(HOME / "runs" / "hurt")  # The path as the head has it.
    root = hosts.home(HEAD) / "runs" / "hurt"
    submit = ("job", "submit", "--address", url, "--submission-id", "hurt", "--no-wait")
    release = hosts.folder / "release"
    driver = ("--", "python", "-m", "tests.cluster.held", str(release), *WORDS)
    # The run is compared with one of this shell, whose kernel an SSH login does not inherit.
    kernel = ("--runtime-env-json", json.dumps({"env_vars": same_kernel()}))
    where = ("--on", "ray", "--out", out)
    code, output = hosts.ray(*submit, "--working-dir", ".", *kernel, *driver, *where)
    assert code == 0, output
    account("job submitted with the token")
    with followed(hosts, url, "hurt") as log:
        assert eventually(lambda: in_the_middle(hosts, root), LONG), log.read_text()
        account("some trials are done, all three hosts are at others")
        hosts.cut(WORKER2)
        cut = account("worker2 cut off (ip link set down)")
        hosts.kill(WORKER1)
        killed = account("worker1 killed")
        fault.inject(2)
        unseen = {WORKER2: cut, WORKER1: killed}
        while unseen:
            assert eventually(lambda: any(lost(log, host) for host in unseen), LONG), (
                log.read_text()
            )
            for host in [host for host in unseen if lost(log, host)]:
                now = account(f"loss of {NAMES[host]} noticed")
                print(f"          after {now - unseen.pop(host):.1f} s")
        release.touch()
        ended = re.compile("Job 'hurt' (succeeded|failed)")
        assert eventually(lambda: bool(ended.search(log.read_text())), LONG), log.read_text()
        assert "Job 'hurt' succeeded" in log.read_text(), log.read_text()
        done = account("job done: " + re.findall(r"\d+/\d+ trials .*", log.read_text())[-1])
        fault.recovered(done - cut)
    return root


@pytest.mark.faults("of three hosts one is cut off and another killed")
def test_a_study_survives_on_three_hosts(fault: Fault, tmp_path: Path) -> None:
    lacking = missing()
    if lacking:
        pytest.skip(lacking)
    account = Account()
    ended_well(*WORDS, "--workers", "2", "--out", tmp_path / "local", cwd=Path.cwd())
    account("the study run locally")
    with three_hosts() as hosts:
        account("three hosts up")
        file = hosts.cluster_file()
        assert hosts.ray("get-auth-token", "--generate")[0] == 0
        code, output = hosts.ray("up", "-y", "--no-config-cache", file)
        assert code == 0, output
        account("ray up: the head answers")
        try:
            assert eventually(lambda: is_up(hosts, file), LONG), output
            account("all three hosts in the cluster")
            with tunnel(hosts, file) as url:
                refuses_strangers(hosts, url)
                account("refused: no token, a wrong token, past the tunnel")
                root = runs_hurt(hosts, url, account, fault)
            local = tmp_path / "local"
            same_tables(tables(root), tables(local))
            fault.ended(Rows(), rows_that_count(local), rows_that_count(root))
            ended_well("verify", root, cwd=tmp_path)
            account("tables equal to the local run's, verify finds no fault")
            hosts.mend(WORKER2)
            account("worker2 back on the network, its Ray still running")
        finally:
            code, output = hosts.ray("down", "-y", file)
        assert code == 0, output
        account("ray down")
        for address, name in NAMES.items():
            assert eventually(partial(is_idle, hosts, address)), hosts.processes(address)
            account(f"no process of Ray is left on {name}")
