"""Seconds to verify and to report a run whose tables lie in many part files, before and after
`caviar compact`; and how much a few parts cost, which sets `Pace.most_parts`.

Figures are left out, which take as long whatever the parts. The run is that of `report.py`,
smaller and cut into equal parts, as by a run that wrote that often.
"""

from __future__ import annotations

import machine  # isort: skip  # sets the threads before numpy loads

import itertools
import shutil
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow as pa
import pyarrow.parquet as pq
import report

from caviar.runner.cli.report import written
from caviar.runner.store.compact import compact
from caviar.runner.store.local_folder import LocalFolder
from caviar.runner.store.part_files import listed_parts, write_part
from caviar.runner.store.schemas import SCHEMAS
from caviar.runner.verify.run import verify_run


class Sizes(NamedTuple):
    """The run, and into how many parts per table it is cut."""

    run: report.Sizes
    parts: tuple[int, ...]


FULL = Sizes(report.Sizes((8, 64, 512), 4, 8, 5, 100), (20, 50, 100, 200, 500, 2000))
QUICK = Sizes(report.QUICK, (20,))


def cut(whole: Path, root: Path, parts: int) -> int:
    """Copy a run with each table in so many parts, or one per row; returns how many there are."""
    shutil.copytree(whole, root)
    folder, made = LocalFolder(root), 0
    for table in SCHEMAS:
        rows = pa.concat_tables(
            [pq.read_table(root / table / name) for name in listed_parts(folder, table)]
            or [SCHEMAS[table].empty_table()]
        )
        shutil.rmtree(root / table, ignore_errors=True)
        (root / table).mkdir()
        count = min(parts, rows.num_rows)
        edges = [rows.num_rows * i // count for i in range(count + 1)] if count else [0]
        for first, end in itertools.pairwise(edges):
            write_part(folder, table, rows.slice(first, end - first))
        made += count
    return made


def seconds(work: Callable[[], Any]) -> float:
    """Wall time of some work."""
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def not_drawn(*_: object) -> None:
    """No figure."""


def measured(root: Path) -> tuple[float, float]:
    """Seconds to verify the run and to report it."""
    check, page = (
        lambda: verify_run(LocalFolder(root)),
        lambda: list(written(str(root), drawing=not_drawn)),
    )
    return seconds(check), seconds(page)


def main(sizes: Sizes) -> None:
    """Print the table."""
    print(machine.describe())
    with tempfile.TemporaryDirectory() as temporary:
        whole = Path(temporary) / "whole"
        print(f"{report.write(whole, sizes.run):,} rows; seconds\n")
        print("| parts per table | parts | verify | report | compact | then verify | report |")
        print("| ---: | ---: | ---: | ---: | ---: | ---: | ---: |")
        for parts in sizes.parts:
            root = Path(temporary) / str(parts)
            made = cut(whole, root, parts)
            before = measured(root)
            merging = seconds(lambda root=root: compact(LocalFolder(root)))  # type: ignore[misc]
            each = [*before, merging, *measured(root)]
            print(f"| {parts:,} | {made:,} | {' | '.join(f'{s:.1f}' for s in each)} |", flush=True)


if __name__ == "__main__":
    main(machine.chosen(__doc__, FULL, QUICK))
