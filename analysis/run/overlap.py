"""How much the splits of two seeds overlap, and how much wider intervals are for other data."""

from __future__ import annotations

import re
from typing import NamedTuple

import numpy as np
import pandas as pd

from caviar.analysis.run.read import Run

OF_TRAIN = frozenset({"train_loss", "train_mode_loss"})
"""Quantities that are means over the training split."""

DIFFERENCES_HELD = {8: (92, 97), 20: (86, 93)}
"""By number of seeds that share examples, the lowest and the highest share of 95 % intervals of a
difference between sizes, in percent, that held other data sets in docs/inference.md."""


class Overlap(NamedTuple):
    """How seeds divide the data: examples of all splits and of each.

    `disjoint` says that no two seeds share an example, `given_test` that all have one test split.
    """

    examples: int
    train: int
    test: int
    disjoint: bool
    given_test: bool

    def ratio(self, quantity: str) -> float:
        """By how much the variance of a mean over seeds rises for other data, over that of a seed.

        Seeds that divide the same examples share many of them, so that their mean over k seeds
        varies between data sets by more than 1/k times the variance between seeds: by 1/k +
        n_test/n_train, the correction of Nadeau & Bengio (2003, section 3), for what is read on the
        test split, and for the noise penalty. A mean over n of N examples for any one function
        would need n/(N - n), which is more for the training split and is taken there. Seeds differ
        in start and order too, so the interval is rather too wide (docs/inference.md).

        0 where seeds share nothing; infinite where all are tested on the same examples.
        """
        if self.disjoint:
            return 0.0
        if quantity in OF_TRAIN:
            return _share(self.train, self.examples - self.train)
        if self.given_test and quantity != "noise_penalty":
            return float("inf")
        return _share(self.test, self.train)


def _share(part: int, rest: int) -> float:
    return part / rest if rest else float("inf")


def overlap_of(run: Run) -> Overlap:
    """How the seeds of a run divide its data."""
    measured = run.evaluations[["split", "examples"]].groupby("split")["examples"].max()
    sizes = {str(name): int(count) for name, count in measured.items()}
    rows = str(run.study.get("data", {}).get("rows", ""))
    counted = re.match(r"[\d,]+", rows)
    return Overlap(
        examples=int(counted[0].replace(",", "")) if counted else sum(sizes.values()),
        train=sizes.get("train", 0),
        test=sizes.get("test", 0),
        disjoint=run.study["study"].get("dataset", {}).get("split") == "disjoint",
        given_test="given test set" in rows,
    )


def with_other_data(table: pd.DataFrame, overlap: Overlap, quantity: str) -> pd.DataFrame:
    """`table` with the ends `other_low` and `other_high` for other data of the same kind.

    Each end lies sqrt(1 + units * ratio) times as far from the mean; NaN where none is known.
    """
    wider = np.sqrt(1 + table["units"].astype(float) * overlap.ratio(quantity))
    mean, wider = table["mean"].astype(float), wider.where(np.isfinite(wider))
    ends = {f"other_{end}": mean + (table[end] - mean) * wider for end in ("low", "high")}
    return table.assign(**{name: end.astype(float) for name, end in ends.items()})
