"""Wall time of one study on one local worker, two local workers and two Ray actors.

Each side is the command that users type, in a process of its own, from its start to its prompt;
sides take turns, so that drift hits all alike. Each runs the study with few draws and with many:
`steady` is the difference, which leaves out the start of Python, workers and Ray.
"""

from __future__ import annotations

import machine  # isort: skip  # sets the threads before numpy loads

import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

STUDY = Path(__file__).resolve().parents[1] / "studies" / "ghost-size.toml"


class Sizes(NamedTuple):
    """Changes to every run of the study, and the two numbers of draws."""

    changes: tuple[str, ...]
    few: int
    many: int


FULL = Sizes((), 1, 8)
QUICK = Sizes(("budget.epochs=1", "replicas=2"), 1, 2)
SIDES = {
    "local, 1 worker": ("--on", "local", "--workers", "1"),
    "local, 2 workers": ("--on", "local", "--workers", "2"),
    "Ray, 2 actors": ("--on", "ray", "--workers", "2"),
}


def seconds(options: tuple[str, ...], changes: tuple[str, ...], draws: int) -> float:
    """Seconds of one command, which runs the study in a new folder."""
    sets = [word for change in (*changes, f"draws.count={draws}") for word in ("--set", change)]
    command = [sys.executable, "-m", "caviar", "run", str(STUDY), *options, *sets, "--no-report"]
    with tempfile.TemporaryDirectory() as folder:
        began = time.perf_counter()
        done = subprocess.run(
            [*command, "--out", f"{folder}/run"], capture_output=True, text=True, check=False
        )
        taken = time.perf_counter() - began
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    return taken


def table(sizes: Sizes) -> None:
    """Print a row for each side, and how many times one local worker's time that is."""
    taken: dict[str, list[float]] = {side: [] for side in SIDES}
    for draws in (sizes.few, sizes.many):
        for side, options in SIDES.items():
            taken[side].append(seconds(options, sizes.changes, draws))
    print(machine.describe())
    heads = f"{sizes.few} draws (s) | {sizes.many} draws (s) | steady (s)"
    print(f"\n| side | {heads} | 1 worker / it, whole | steady |")
    print("| --- | ---: | ---: | ---: | ---: | ---: |")
    few, many = taken["local, 1 worker"]
    for side, (short, long) in taken.items():
        ratios = f"{many / long:.2f} | {(many - few) / (long - short):.2f}"
        print(f"| {side} | {short:.1f} | {long:.1f} | {long - short:.1f} | {ratios} |")


if __name__ == "__main__":
    table(machine.chosen(__doc__, FULL, QUICK))
