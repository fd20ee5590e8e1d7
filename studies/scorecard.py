"""One table of the literature's claims from several runs, in Markdown.

    python studies/scorecard.py RUN [RUN ...] > docs/scorecard.md
    python studies/scorecard.py --short docs/scorecard.md       # the README's table

A claim that several runs of one data set decide is taken from the first of them on the command
line; the table says which.
"""

from __future__ import annotations

import re
import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from caviar.analysis import comparison_of, read_run
from caviar.analysis.number_format import number
from caviar.analysis.run.comparison import NoComparison
from caviar.analysis.scorecard.registry import CLAIMS
from caviar.analysis.scorecard.verdicts import scorecard

HEAD = """# The literature's claims on small networks

Each cell gives a verdict and the effect with its interval over seeds, at the place that speaks
most strongly against the claim. Each run's report (section "The literature's claims") says how a
verdict is reached, what is known of a claim beforehand and what it leaves open.
Made by `python studies/scorecard.py {runs}`.

The commands of the runs:

{commands}
"""


def cards(folders: Sequence[str | Path]) -> tuple[pd.DataFrame, dict[str, str]]:
    """All rows of the runs' scorecards with their `data` and `run`, and every run's command."""
    parts, commands = [], {}
    for folder in folders:
        run = read_run(folder)
        comparison = comparison_of(run)
        if isinstance(comparison, NoComparison):
            continue
        data = "digits" if run.trials["dataset"].iloc[0] == "digits" else "MNIST images"
        name = _name(folder)
        parts.append(scorecard(comparison).assign(run=name, data=data))
        commands[name] = _command(run.study["sessions"][0]["command"])
    return pd.concat(parts, ignore_index=True), commands


def _name(where: str | Path) -> str:
    return str(where).partition("?")[0].rstrip("/").rpartition("/")[2]


def _command(command: str) -> str:
    """The command without the folders of its files."""
    command = re.sub(r'"[^"]*/([^"/]*)"', r'"\1"', command)
    command = re.sub(r"(dataset=\{[^}]*\})", r"'\1'", command)
    return re.sub(r" --out \S+/(\S+)", r" --out runs/\1", command).replace(" --no-report", "")


def cell(row: dict[str, Any]) -> str:
    """`confirmed: 0.02 [0.01, 0.03] nats, 20 seeds (ghost-size-20)`."""
    effect = f"{number(row['effect'])} [{number(row['low'])}, {number(row['high'])}] {row['unit']}"
    return f"**{row['verdict']}**: {effect} ({row['at']}), {row['seeds']} seeds, `{row['run']}`"


CELL = re.compile(r"\*\*(?P<verdict>\w+)\*\*: (?P<effect>.+?) \(.*\), (?P<seeds>\d+) seeds, `.+`")


def short(page: str) -> str:
    """The page's table without places and runs; each heading gives its column's usual seeds."""
    rows = [line.strip("| ").split(" | ") for line in page.splitlines() if line.startswith("| ")]
    names, claims = rows[0], rows[2:]
    matches = [[CELL.fullmatch(cell) for cell in row[2:]] for row in claims]
    usual = [
        Counter(cell["seeds"] for cell in column if cell).most_common(1)[0][0]
        for column in zip(*matches, strict=True)
    ]
    heads = [f"{name}, {n} seeds" for name, n in zip(names[2:], usual, strict=True)]
    lines = [" | ".join([*names[:2], *heads]), " | ".join(["---"] * len(names))]
    for row, cells in zip(claims, matches, strict=True):
        texts = [_short(cell, n) for cell, n in zip(cells, usual, strict=True)]
        lines.append(" | ".join([*row[:2], *texts]))
    return "\n".join(f"| {line} |" for line in lines)


def _short(cell: re.Match[str] | None, usual: str) -> str:
    if cell is None:
        return "–"
    seeds = "" if cell["seeds"] == usual else f", {cell['seeds']} seeds"
    return f"{cell['verdict']}, {cell['effect']}{seeds}"


def main(folders: Sequence[str]) -> None:
    """Print the page."""
    table, commands = cards(folders)
    lines = "\n".join(f"- `{name}`: `{command}`" for name, command in commands.items())
    print(HEAD.format(runs=" ".join(map(_name, folders)), commands=lines))
    print("| source | claim | digits | MNIST images |\n| --- | --- | --- | --- |")
    for claim in CLAIMS:
        rows = table[table["claim"] == claim.text]
        if rows.empty:
            continue
        firsts = rows.drop_duplicates("data").set_index("data").to_dict("index")
        cells = [cell(firsts[d]) if d in firsts else "–" for d in ("digits", "MNIST images")]
        print(f"| {claim.source} | {claim.text} | {' | '.join(cells)} |")


if __name__ == "__main__":
    if sys.argv[1:2] == ["--short"]:
        print(short(Path(sys.argv[2]).read_text(encoding="utf-8")))
    else:
        main(sys.argv[1:])
