"""The cores that quotas of control groups leave."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from caviar.runner.executors.cores import usable_cores


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine of 64 cores without control groups."""
    monkeypatch.setattr(os, "cpu_count", lambda: 64)
    monkeypatch.setattr(os, "process_cpu_count", lambda: 64, raising=False)
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: set(range(48)))
    (tmp_path / "proc/self").mkdir(parents=True)
    return tmp_path


def write(file: Path, text: str) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)


def test_without_a_quota_it_is_the_affinity(root: Path) -> None:
    assert usable_cores(root) == 48
    write(root / "proc/self/cgroup", "0::/\n")
    write(root / "sys/fs/cgroup/cpu.max", "max 100000\n")
    assert usable_cores(root) == 48


@pytest.mark.parametrize(("quota", "cores"), [("250000 100000", 2), ("50000 100000", 1)])
def test_a_quota_of_a_group_above_counts(quota: str, cores: int, root: Path) -> None:
    write(root / "proc/self/cgroup", "0::/slurm/job\n")
    write(root / "sys/fs/cgroup/slurm/job/cpu.max", "max 100000\n")
    write(root / "sys/fs/cgroup/slurm/cpu.max", quota)
    assert usable_cores(root) == cores


def test_a_quota_of_the_former_version_counts(root: Path) -> None:
    write(root / "proc/self/cgroup", "2:cpu,cpuacct:/docker/a\n1:memory:/\n")
    write(root / "sys/fs/cgroup/cpu,cpuacct/cpu.cfs_quota_us", "300000")
    write(root / "sys/fs/cgroup/cpu,cpuacct/cpu.cfs_period_us", "100000")
    assert usable_cores(root) == 3
