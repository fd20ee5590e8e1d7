"""The scorecard: register its runs, make them, and write its tables.

    python studies/scorecard.py --register FILE    # fix claims, studies and seeds, once
    python studies/scorecard.py --cost             # trials, processor time and disk of every run
    python studies/scorecard.py --make             # all runs, resumable, then the tables
    python studies/scorecard.py --make --only digits-short
    python studies/scorecard.py --table            # docs/scorecard.md and the README's rows

Runs go below runs/scorecard (--out). Images and letters are read from the folder --data; where it
lacks them their runs are left out, and the tables say so.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

from caviar.analysis import comparison_of, read_run
from caviar.analysis.run.comparison import Comparison
from caviar.analysis.scorecard.card import scorecard
from caviar.analysis.scorecard.page import Cell, counted, details, for_practice, page_table, summary
from caviar.analysis.scorecard.registry import declarations_hash
from caviar.runner.errors import RequestError
from caviar.runner.session.registration import (
    followed,
    read_registration,
    run_of,
    write_registration,
)
from caviar.runner.session.run_folder import STUDY, read_study_json
from caviar.runner.store.open import storage_at
from caviar.runner.study.plan import Plan, make_plan
from caviar.runner.study.study_file import read_study
from caviar.runner.trial.events import SETTLED
from caviar.runner.verify.run import latest_outcomes

ROOT = Path(__file__).resolve().parents[1]
STUDIES = ROOT / "studies" / "orderings"
REGISTERED = ROOT / "studies" / "registered" / "2026-11-28.toml"
PAGE, README = ROOT / "docs" / "scorecard.md", ROOT / "README.md"
FOLDER = "CAVIAR_DATA"
"""The variable that the settings name the folder of the data by."""

SIZES = "train = 1024, validation = 1000, test = 5000"
DATA = {
    "digits": ("digits", 'dataset={ name = "digits", train = 1024, validation = 256 }'),
    "mnist": (
        "MNIST images",
        f'dataset={{ images = "${FOLDER}/t10k-images-idx3-ubyte.gz", '
        f'labels = "${FOLDER}/t10k-labels-idx1-ubyte.gz", {SIZES} }}',
    ),
    "letters": (
        "letters",
        f'dataset={{ path = "${FOLDER}/letter-recognition.data", label = "Letter", {SIZES} }}',
    ),
}
"""By the name that runs have: the name that pages have, and the setting of a study."""

EVERYWHERE = ("ghost-size", "batch-size", "running-average")
DESIGNS = {
    "digits": (*EVERYWHERE, "norms", "naive-epochs", "naive-steps"),
    "mnist": EVERYWHERE,
    "letters": EVERYWHERE,
}
LONGER = {
    "ghost-size": "budget={ epochs = 400 }",
    "norms": "budget={ epochs = 400 }",
    "naive-epochs": "budget={ epochs = 400 }",
    "running-average": "budget={ epochs = 400 }",
    "batch-size": "budget={ steps = 3200 }",
    "naive-steps": "budget={ steps = 6400 }",
}
"""Ten times the training of the study files, at four learning rates instead of eight."""


class Planned(NamedTuple):
    """A run of the grid: `digits-short-norms`, its cell, study file and settings."""

    name: str
    cell: Cell
    study: Path
    settings: tuple[str, ...]

    def plan(self) -> Plan:
        return make_plan(read_study(self.study, self.settings))


def grid() -> list[Planned]:
    """Every run, the cheapest data and budget first."""
    runs = []
    for data, (title, dataset) in DATA.items():
        for budget in ("short", "long"):
            for design in DESIGNS[data]:
                longer = (LONGER[design], "draws.count=4") if budget == "long" else ()
                cell = Cell(title, budget, design)
                settings = (dataset, *longer)
                name = f"{data}-{budget}-{design}"
                runs.append(Planned(name, cell, STUDIES / f"{design}.toml", settings))
    return runs


def chosen(only: Sequence[str]) -> list[Planned]:
    """The runs whose names begin with one of `only`, all without it; raises RequestError for a
    beginning that none has."""
    runs = grid()
    for start in only:
        if not any(run.name.startswith(start) for run in runs):
            raise RequestError(f"no run begins with {start!r}; runs: {names(runs)}")
    return [run for run in runs if not only or run.name.startswith(tuple(only))]


def names(runs: Sequence[Planned]) -> str:
    return ", ".join(run.name for run in runs)


def register(file: Path, runs: Sequence[Planned]) -> None:
    """Fix claims, studies, seeds and trials of all runs in a new file."""
    entries = [run_of(run.plan(), run.study, run.settings, run.name) for run in runs]
    today = datetime.now(UTC).date()
    command = f"python studies/scorecard.py --register {file.name}"
    write_registration(file, entries, declarations_hash(), today, command)
    print(f"registered {len(entries)} runs: {file}")


def make(runs: Sequence[Planned], file: Path, out: Path, workers: int | None) -> int:
    """Run what is not finished, each run as it was registered; the first failure ends it."""
    for run in runs:
        command = [sys.executable, "-m", "caviar", "run", str(run.study), "--no-report"]
        command += [part for setting in run.settings for part in ("--set", setting)]
        command += ["--register", str(file), "--out", str(out / run.name)]
        command += ["--workers", str(workers)] if workers else []
        print(f"== {run.name}", flush=True)
        done = subprocess.run(command, check=False).returncode
        if done:
            print(f"{run.name} ended with exit code {done}; the same command resumes", flush=True)
            return done
    return 0


def finished(runs: Sequence[Planned], out: Path) -> Iterator[tuple[Planned, list[str]]]:
    """The runs that are there, with what is to be said about each; others are left out aloud."""
    claims = declarations_hash()
    for run in runs:
        root = out / run.name
        if not (root / STUDY).is_file():
            continue
        storage = storage_at(str(root))
        study, outcomes = read_study_json(storage), latest_outcomes(storage)
        settled = sum(outcome["status"] in SETTLED for outcome in outcomes.values())
        if study.get("registered", {}).get("run") != run.name:
            raise RequestError(f"{str(root)!r} was not run as the registered {run.name}")
        if settled < study["registered"]["trials"]:
            print(f"left out, unfinished: {run.name}", file=sys.stderr)
            continue
        checks = [
            (holds, good if holds else bad) for holds, good, bad in followed(study, settled, claims)
        ]
        yield run, [text for holds, text in checks if not holds]


def write_tables(runs: Sequence[Planned], file: Path, out: Path, page: Path, readme: Path) -> None:
    """Write the page, and its rows for practice into the README."""
    cards, broken = [], []
    for run, faults in finished(runs, out):
        comparison = comparison_of(read_run(out / run.name))
        if isinstance(comparison, Comparison):
            cards.append((run.cell, scorecard(comparison)))
        broken += [f"- `{run.name}`: {fault}" for fault in faults]
    table = page_table(cards)
    titles = [title for title, _ in DATA.values()]
    lines = summary(table, titles)
    text = HEAD.format(registration=_registration(file), followed=_followed(cards, broken))
    counts = f"\n{counted(table)}.\n" if len(table) else ""
    parts = [text + counts, "\n".join(lines), ROWS, "\n".join(details(table, titles))]
    page.write_text("\n".join(parts).rstrip() + "\n", encoding="utf-8")
    old = readme.read_text(encoding="utf-8")
    readme.write_text(with_rows(old, for_practice(lines)), encoding="utf-8")


def with_rows(text: str, rows: Sequence[str]) -> str:
    """A page with these rows in place of its table of orderings."""
    start = text.index("| source | ordering |")
    return text[:start] + "\n".join(rows) + text[text.index("\n\n", start) :]


def _registration(file: Path) -> str:
    if not file.exists():
        return "Nothing is registered yet, so nothing was run."
    made = read_registration(file)
    return (
        f"Claims, regions, smallest effects, study files and seeds were fixed on {made.date} in "
        f"`studies/registered/{made.file}` (SHA-256 `{made.sha256[:12]}`), before any of these "
        "seeds was run."
    )


def _followed(cards: Sequence[object], broken: Sequence[str]) -> str:
    if not cards:
        return "No run is finished yet."
    if not broken:
        runs = "run" if len(cards) == 1 else "runs"
        return f"Finished: {len(cards)} {runs} of {len(grid())}, as registered."
    return "\n".join(["These runs did not follow it:", "", *broken])


HEAD = """# Do these orderings appear in small networks?

Papers state orderings of large networks. This page says which of them appear in small ones: fully
connected, two hidden layers of 128 units, on the digits, on MNIST images and on letters. No row is
a verdict on a paper; each says what separates the test from the paper's setting.

- **seen here**: the 95 % interval lies beyond the smallest effect that matters, on the claimed
  side, at every place measured. **the opposite seen here**: beyond it on the other side.
  **too small to matter here**: within the smallest effect on both sides. **not decided**: anything
  else; also where a deciding seed diverged, or where the best learning rate is the slowest or
  fastest tried.
- Four seeds choose every learning rate, size and strength; ten others decide. No seed
  does both, so that the best of several pays for being chosen.
- Short training: 40 epochs, or 320 or 640 steps, at eight learning rates. Long: ten times as long,
  at four.
- `*`: the verdict also holds for the whole page at once, at 5 % (Holm's correction over all cells
  that were run, p-values by Student's t).
- Intervals are over seeds: splits, initial weights and orders of these examples.

{registration} {followed}
Made by `python studies/scorecard.py --make`.

## In one table
"""
ROWS = """
## Row by row

The effect is shown at the place, of those that must agree, whose interval reaches farthest out of
the claimed region.
"""


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    action = parser.add_mutually_exclusive_group(required=True)
    action.add_argument("--make", action="store_true", help="make all runs, then the tables")
    action.add_argument("--cost", action="store_true", help="say what the runs would cost")
    action.add_argument("--table", action="store_true", help="write the tables of finished runs")
    action.add_argument("--register", type=Path, metavar="FILE", help="fix the runs in a new file")
    parser.add_argument("--only", action="append", default=[], metavar="NAME")
    parser.add_argument("--out", type=Path, default=Path("runs/scorecard"))
    parser.add_argument("--data", type=Path, default=ROOT.parent / "shared" / "data")
    parser.add_argument("--registered", type=Path, default=REGISTERED, metavar="FILE")
    parser.add_argument("--workers", type=int)
    return parser.parse_args()


def main() -> int:
    """Do what the arguments ask; returns the exit code."""
    given = arguments()
    os.environ[FOLDER] = str(given.data.resolve())
    try:
        runs = chosen(given.only)
        if given.register is not None:
            register(given.register, runs)
            return 0
        if given.cost or given.make:
            from studies.scorecard_cost import costs

            plans = [(run.name, run.plan()) for run in runs]
            print("\n".join(costs(plans, given.out)), flush=True)
        if given.make:
            done = make(runs, given.registered, given.out, given.workers)
            if done:
                return done
        if given.make or given.table:
            write_tables(grid(), given.registered, given.out, PAGE, README)
    except RequestError as error:
        print(f"scorecard: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.path.insert(0, str(ROOT))
    sys.exit(main())
