"""Three hosts on this machine, and an operator with everything that the cluster file needs."""

from __future__ import annotations

import fcntl
import os
import pwd
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from tests.runner.clusters import words_of
from tests.runner.helpers import eventually

ROOT = Path(__file__).resolve().parents[2]
SCRIPT = Path(__file__).with_name("hosts.sh")
HEAD, WORKER1, WORKER2 = "10.77.0.11", "10.77.0.12", "10.77.0.13"
NAMES = {HEAD: "head", WORKER1: "worker1", WORKER2: "worker2"}
IGNORED = ("unshare ", "sshd: ", "ssh -tt ")
LOCK, PREFIX = Path("/var/tmp/caviar.lock"), "caviar-hosts-"
HOME = Path(pwd.getpwuid(os.getuid()).pw_dir)


def missing() -> str:
    """What this machine lacks to set up three hosts; empty if nothing is missing."""
    if os.getuid() != 0:
        return "network namespaces need root"
    os.environ["PATH"] += ":/usr/sbin:/sbin"
    tools = [tool for tool in ("sshd", "ssh", "rsync", "ip") if shutil.which(tool) is None]
    if tools:
        return f"not installed: {', '.join(tools)} (openssh-server, rsync, iproute2)"
    probe = ["ip", "netns", "add", "caviar-probe"]
    done = subprocess.run(probe, capture_output=True, text=True, check=False)
    subprocess.run(["ip", "netns", "del", "caviar-probe"], capture_output=True, check=False)
    return f"ip netns add: {done.stderr.strip()}" if done.returncode else ""


@dataclass
class Account:
    """A log of events with their times, for people to read."""

    started: float = field(default_factory=time.monotonic)

    def __call__(self, event: str) -> float:
        now = time.monotonic() - self.started
        print(f"{now:6.1f} s  {event}", flush=True)
        return now


@dataclass(frozen=True)
class Hosts:
    """The hosts' folder, and the environment of the operator on his laptop."""

    folder: Path
    environment: dict[str, str]

    def home(self, address: str) -> Path:
        return self.folder / NAMES[address] / "home"

    def processes(self, address: str) -> list[str]:
        """Command lines on a host but those of its init and sshd.

        The autoscaler's attempts to reach a lost worker by ssh end by themselves in two minutes.
        """
        words = ["ip", "netns", "pids", f"caviar-{NAMES[address]}"]
        pids = subprocess.run(words, capture_output=True, text=True, check=False).stdout
        lines = [words_of(int(pid)) for pid in pids.split()]
        return [line for line in lines if line and not line.startswith(IGNORED)]

    def cut(self, address: str) -> None:
        """Cut the host's network in both directions; its processes keep running."""
        subprocess.run(["ip", "link", "set", f"cv-{NAMES[address]}", "down"], check=True)

    def mend(self, address: str) -> None:
        subprocess.run(["ip", "link", "set", f"cv-{NAMES[address]}", "up"], check=True)

    def kill(self, address: str) -> None:
        """Kill every process of the host at once."""
        pid = (self.folder / NAMES[address] / "init.pid").read_text()
        os.kill(int(pid), signal.SIGKILL)

    def ray(self, *words: str, seconds: float = 150, **env: str) -> tuple[int, str]:
        """Run a command of Ray on the laptop; returns its exit code and output."""
        done = subprocess.run(
            [str(Path(sys.prefix) / "bin" / "ray"), *words],
            cwd=ROOT,
            env={**self.environment, **env},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=seconds,
            check=False,
        )
        return done.returncode, done.stdout

    def cluster_file(self) -> str:
        """The shipped file with the changes that its first lines ask for, and the key's path."""
        changes = {
            "head_ip: 192.0.2.11": f"head_ip: {HEAD}",
            "worker_ips: [192.0.2.12, 192.0.2.13]": f"worker_ips: [{WORKER1}, {WORKER2}]",
            "ssh_user: ubuntu": f"ssh_user: {pwd.getpwuid(os.getuid()).pw_name}",
            "ssh_private_key: ~/.ssh/caviar_cluster": f"ssh_private_key: {self.folder / 'id'}",
        }
        text = (ROOT / "cluster-onprem.yaml").read_text()
        for before, after in changes.items():
            assert text.count(before) == 1, before
            text = text.replace(before, after)
        (self.folder / "cluster-onprem.yaml").write_text(text)
        return str(self.folder / "cluster-onprem.yaml")


def answers_ssh(address: str) -> bool:
    try:
        socket.create_connection((address, 22), timeout=5).close()
    except OSError:
        return False
    return True


@contextmanager
def three_hosts() -> Iterator[Hosts]:
    """Up, with this environment of Python as each host's caviar-venv; down whatever happens.

    One run at a time: the network and its names are the same for all. What a run that was killed
    left is removed first.
    """
    lock = LOCK.open("w")
    fcntl.flock(lock, fcntl.LOCK_EX)
    for former in LOCK.parent.glob(f"{PREFIX}*"):
        subprocess.run([SCRIPT, "down", former], check=True, timeout=60)
        shutil.rmtree(former)
    folder = Path(tempfile.mkdtemp(prefix=PREFIX, dir=LOCK.parent))
    roots = {Path(sys.prefix), Path(sys.base_prefix), ROOT}
    shared = [str(path.relative_to(HOME)) for path in roots if path.is_relative_to(HOME)]
    laptop = folder / "laptop"
    laptop.mkdir()
    folders = {"HOME": str(laptop), "TMPDIR": str(laptop), "RAY_TMPDIR": str(laptop)}
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("RAY_", "OMP_"))}
    hosts = Hosts(
        folder, {**kept, **folders, "RAY_AUTH_MODE": "token", "RAY_USAGE_STATS_ENABLED": "0"}
    )
    try:
        subprocess.run([SCRIPT, "up", folder, *shared], check=True, timeout=60)
        for address in NAMES:
            (hosts.home(address) / "caviar-venv").symlink_to(sys.prefix)
            assert eventually(partial(answers_ssh, address)), address
        yield hosts
    finally:
        subprocess.run([SCRIPT, "down", folder], check=False, timeout=60)
        shutil.rmtree(folder, ignore_errors=True)
        lock.close()
