"""Write docs/inference.md: how numbers are inferred, and how often they are wrong."""

from __future__ import annotations

import argparse
import math
from pathlib import Path

from tests.inference.best import BANDS, CHOOSING, POWER
from tests.inference.data_sets import DATA_SETS
from tests.inference.draws import DRAWS, FEW_DRAWS
from tests.inference.families import FAMILIES
from tests.inference.looks import LOOKS
from tests.inference.means import CANDIDATES, MEANS
from tests.inference.shared_examples import SHARED_EXAMPLES

SECTIONS = (
    MEANS,
    CANDIDATES,
    LOOKS,
    CHOOSING,
    BANDS,
    POWER,
    FAMILIES,
    DRAWS,
    FEW_DRAWS,
    DATA_SETS,
    SHARED_EXAMPLES,
)
PAGE = Path(__file__).parents[2] / "docs" / "inference.md"

INTRODUCTION = """# How intervals, families and "best" are computed, and how often they are wrong

Every number with an interval in a report, a table or the terminal is made in one of the ways
below. For each, the words say what is done, and the table what came of it in simulations in which
the truth is known. Made by `python -m tests.inference --write`, {simulations:,} simulations a
cell: a share of 2.5 % has a Monte Carlo error of {error} points (one standard error), one of 95 %
of {wide}. A smaller version of the same simulations is part of the test suite.
"""


def page(simulations: int) -> str:
    """The whole page as Markdown."""
    error, wide = (f"{100 * math.sqrt(p * (1 - p) / simulations):.1f}" for p in (0.025, 0.95))
    top = INTRODUCTION.format(simulations=simulations, error=error, wide=wide)
    return "\n".join([top, *(section.markdown(simulations) for section in SECTIONS)])


def main() -> None:
    """Print the page, or write it."""
    parser = argparse.ArgumentParser(prog="python -m tests.inference", description=__doc__)
    parser.add_argument("--write", action="store_true", help="write docs/inference.md")
    parser.add_argument("--simulations", type=int, default=1000, help="per cell of a table")
    options = parser.parse_args()
    text = page(options.simulations)
    if options.write:
        PAGE.write_text(text, encoding="utf-8")
    else:
        print(text)


if __name__ == "__main__":
    main()
