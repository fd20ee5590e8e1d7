"""How many processor cores this process may use, whatever the machine has."""

from __future__ import annotations

import os
from pathlib import Path


def usable_cores(root: Path = Path("/")) -> int:
    """The cores that affinity (as Slurm sets it) and the quota of a container leave, at least 1.

    `root`: where `/proc` and `/sys` lie.
    """
    count = getattr(os, "process_cpu_count", os.cpu_count)() or 1
    if hasattr(os, "sched_getaffinity"):
        count = min(count, len(os.sched_getaffinity(0)))
    return max(1, min([count, *(int(quota) for quota in _quotas(root))]))


def _quotas(root: Path) -> list[float]:
    """The quotas in cores of this process's control groups and of those above them."""
    try:
        groups = (root / "proc/self/cgroup").read_text().splitlines()
    except OSError:
        return []
    quotas = []
    for line in groups:
        number, kinds, path = ([*line.split(":", 2), "", ""])[:3]
        unified = number == "0" and not kinds
        if not unified and "cpu" not in kinds.split(","):
            continue
        base = root / "sys/fs/cgroup" if unified else root / "sys/fs/cgroup" / kinds
        group = base / path.lstrip("/")
        for folder in (group, *group.parents):
            if folder.is_relative_to(base):
                quotas += _unified(folder) if unified else _former(folder)
    return quotas


def _unified(folder: Path) -> list[float]:
    """The quota in `cpu.max`, `150000 100000` or `max 100000`; none where it has none."""
    return _ratio(_words(folder / "cpu.max"))


def _former(folder: Path) -> list[float]:
    """The same in the two files of version 1; -1 stands for none."""
    return _ratio(_words(folder / "cpu.cfs_quota_us") + _words(folder / "cpu.cfs_period_us"))


def _words(file: Path) -> list[str]:
    try:
        return file.read_text().split()
    except OSError:
        return []


def _ratio(words: list[str]) -> list[float]:
    if len(words) == 2 and all(word.isdigit() and int(word) for word in words):
        return [int(words[0]) / int(words[1])]
    return []
