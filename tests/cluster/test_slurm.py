"""`cluster-slurm.sh` on three hosts, as Slurm runs it: told to stop in the middle, requeued, done.

Slurm itself is not here: `srun` and `scontrol` are scripts that do on the hosts what Slurm's do.
The array jobs of docs/cluster/slurm.md are run by a shell, one after another.
"""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import NamedTuple

import pytest

from caviar.runner.session.run_log import read_log
from caviar.runner.store.open import storage_at
from caviar.runner.store.part_files import read_rows
from caviar.runner.trial.arithmetic import same_kernel
from tests.cluster.hosts import HEAD, NAMES, ROOT, Account, Hosts, missing, three_hosts
from tests.faults.program import caviar_here
from tests.runner.helpers import ended_well, eventually, parts, same_tables, tables

SCRIPT = ROOT / "cluster-slurm.sh"
PAGE = (ROOT / "docs" / "cluster" / "slurm.md").read_text("utf-8")
STUDY = """
name = "slurm"
dataset = "digits"
replicas = 4
budget = { epochs = 30 }
draws = { count = 12, sampler = "random" }
[fixed]
hidden = [48, 48]
batch_size = 64
[scientific]
norm_batch_size = [4, 16, 64]
[nuisance]
learning_rate = { scale = "log_uniform", low = 1e-3, high = 1.0 }
"""

SRUN = """#!/bin/bash
# The command once on each host, at the same time, with this environment and in this folder.
while [[ $1 == --* ]]; do shift; done
export -p > "$SLURM_HERE/environment"
printf -v words '%q ' "$@"
for host in {others}; do
  ssh -i "$SLURM_HERE/../id" -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null \\
    -o LogLevel=ERROR root@$host "source '$SLURM_HERE/environment'; cd '$PWD'; exec $words" &
done
"$@" &
code=0
for task in $(jobs -p); do wait $task || {{ it=$?; [ $it -gt $code ] && code=$it; }}; done
exit $code
"""
SCONTROL = """#!/bin/bash
case $1 in
  show) echo "$3" | tr , '\\n' ;;
  requeue) echo "$2" >> "$SLURM_HERE/requeued" ;;
esac
"""


class Slurm(NamedTuple):
    """A folder that all hosts share, with the commands of Slurm."""

    hosts: Hosts
    folder: Path

    def on_head(self, command: str) -> list[str]:
        """The words of a login on the head that runs a command."""
        options = ("StrictHostKeyChecking=no", "UserKnownHostsFile=/dev/null", "LogLevel=ERROR")
        key = self.hosts.folder / "id"
        return ["ssh", "-i", str(key), *(f"-o{o}" for o in options), f"root@{HEAD}", command]

    def batch(self, log: Path) -> subprocess.Popen[bytes]:
        """The script, as `sbatch` starts it on the first node."""
        variables = {
            "SLURM_HERE": str(self.folder),
            "SLURM_JOB_ID": "4711",
            "SLURM_JOB_NODELIST": ",".join(NAMES.values()),
            "SLURM_JOB_NUM_NODES": str(len(NAMES)),
            "SLURM_CPUS_PER_TASK": "1",
            "PATH": f"{self.folder}:{os.environ['PATH']}",
            "STUDY": str(self.folder / "study.toml"),
            "OUT": str(self.folder / "run"),
            **{name: value for name, value in same_kernel().items() if value},
        }
        env = " ".join(f"{name}={shlex.quote(value)}" for name, value in variables.items())
        command = f"cd {ROOT} && echo $$ > {self.folder}/batch && exec env {env} bash {SCRIPT}"
        with log.open("w") as file:
            return subprocess.Popen(
                self.on_head(command), stdin=subprocess.DEVNULL, stdout=file, stderr=file
            )

    def signal(self) -> None:
        """What `--signal=B:USR1@120` sends two minutes before the end."""
        subprocess.run(self.on_head(f"kill -USR1 $(cat {self.folder}/batch)"), check=True)

    def busy(self) -> bool:
        """Whether every host takes trials, and some are done."""
        storage = storage_at(self.folder / "run")
        at_work = {line["host"] for line in read_log(storage) if line["event"] == "worker"}
        return at_work == set(NAMES.values()) and bool(parts(self.folder / "run", "outcomes"))

    def is_quiet(self, host: str) -> bool:
        return not [line for line in self.hosts.processes(host) if "ray" in line]


@contextmanager
def slurm() -> Iterator[Slurm]:
    with three_hosts() as hosts:
        folder = hosts.folder / "slurm"
        folder.mkdir()
        others = " ".join(host for host in NAMES if host != HEAD)
        for name, text in (("srun", SRUN.format(others=others)), ("scontrol", SCONTROL)):
            (folder / name).write_text(text)
            (folder / name).chmod(0o755)
        (folder / "study.toml").write_text(STUDY)
        yield Slurm(hosts, folder)


@pytest.mark.cluster
def test_a_job_that_runs_out_of_time_goes_on_when_it_is_requeued(tmp_path: Path) -> None:
    lacking = missing()
    if lacking:
        pytest.skip(lacking)
    account = Account()
    with slurm() as cluster:
        (tmp_path / "study.toml").write_text(STUDY)
        ended_well("run", "study.toml", "--no-report", "--out", "local", cwd=tmp_path)
        account("the study run locally")
        root, requeued = cluster.folder / "run", cluster.folder / "requeued"
        job = cluster.batch(log := cluster.folder / "first.txt")
        assert eventually(lambda: cluster.busy() or job.poll() is not None)
        assert job.poll() is None, log.read_text()
        account("some trials are done, all three hosts take trials")
        cluster.signal()
        code, output = job.wait(600), log.read_text()
        account("told to stop: " + output.strip().splitlines()[-1])
        assert code == 130, output
        assert "interrupted: all that was measured is on disk" in output
        assert requeued.read_text() == "4711\n"
        done = len(read_rows(storage_at(root), "outcomes", ["trial_id"])["trial_id"])
        assert 0 < done < 36
        for host in NAMES:
            assert eventually(partial(cluster.is_quiet, host)), cluster.hosts.processes(host)
        account("no process of Ray is left")
        code = cluster.batch(log := cluster.folder / "second.txt").wait(900)
        output = log.read_text()
        assert code == 0, output
        assert f"{done} of 36 trials are done" in output and "36/36 trials" in output
        account("requeued and done")
        same_tables(tables(root), tables(tmp_path / "local"))
        ended_well("verify", root, cwd=tmp_path)
        assert requeued.read_text() == "4711\n"  # It ended by itself this time.


def test_the_script_is_one_that_a_shell_reads() -> None:
    subprocess.run(["bash", "-n", SCRIPT], check=True)
    options = re.findall(r"^#SBATCH --([\w-]+)=?(\S*)", SCRIPT.read_text(), re.MULTILINE)
    given = dict(options)
    assert given["ntasks-per-node"] == "1" and "exclusive" in given
    assert given["signal"].startswith("B:USR1@")  # The shell alone: a step's Ray would die of it.


def blocks() -> list[str]:
    return re.findall(r"```sh\n(.*?)```", PAGE, re.DOTALL)


def wrapped(text: str) -> list[str]:
    """The commands that a text gives to `sbatch --wrap`."""
    lines = text.replace("\\\n", "").splitlines()
    words = [shlex.split(line.partition("$(")[2].rstrip(")") or line) for line in lines if line]
    return [line[line.index("--wrap") + 1] for line in words if "--wrap" in line]


def test_array_jobs_make_one_run(tmp_path: Path) -> None:
    """The two commands of the page, for an array of two and a study that is small."""
    part, join = wrapped(blocks()[0])
    study = tmp_path / "studies" / "ghost-size.toml"
    study.parent.mkdir()
    small = STUDY.replace("epochs = 30", "epochs = 1").replace("[48, 48]", "[8]")
    study.write_text(small.replace("count = 12", "count = 2"))
    binaries = Path(sys.executable).parent
    here: Mapping[str, str] = {**os.environ, "PATH": f"{binaries}:{os.environ['PATH']}"}
    for number in ("1", "2"):
        variables = {"SLURM_ARRAY_TASK_ID": number, "SLURM_ARRAY_TASK_COUNT": "2"}
        run = part.replace("exec ", "").replace("caviar run", "caviar run --on inline")
        shell = {**here, **variables}
        subprocess.run(["bash", "-c", run], cwd=tmp_path, env=shell, check=True)
    done = caviar_here(*shlex.split(join.partition(" && ")[0])[1:2], tmp_path / "runs/ghost-size")
    assert done.code == 0 and done.output.startswith("joined 2 shards\n")
    ended_well("run", study, "--on", "inline", "--no-report", "--out", "one", cwd=tmp_path)
    same_tables(tables(tmp_path / "runs" / "ghost-size"), tables(tmp_path / "one"))
