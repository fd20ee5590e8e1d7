"""What an error of running averages costs: test loss against divergence, over a run.

python studies/threshold.py runs/quickstart

For every running average at the last step, its divergence from the population statistics (nats per
unit, mean over layers) is held against what it costs: test loss read with it less test loss read
with population statistics. `caviar advise` takes its threshold from this table.
"""

from __future__ import annotations

import sys

import pandas as pd

import caviar
from caviar import Run

EDGES = (0.0, 0.001, 0.0025, 0.005, 0.01, 0.02, 0.05, float("inf"))
TRAINING = ["trial_id", "seed"]


def costs(run: Run) -> pd.DataFrame:
    """One row per training and running average: its `divergence` and its `cost` in nats."""
    last = run.statistics[run.statistics["step"] == run.statistics["step"].max()]
    divergence = last.groupby([*TRAINING, "tracker"], as_index=False)["divergence"].mean()
    test = run.evaluations.query("split == 'test' and step == step.max()")
    population = test[test["statistics"] == "population"].set_index(TRAINING)["loss"]
    read = test[test["statistics"] == "running"][[*TRAINING, "tracker", "loss"]]
    rows = read.merge(divergence, on=[*TRAINING, "tracker"])
    rows["cost"] = rows["loss"] - population.reindex(pd.MultiIndex.from_frame(rows[TRAINING])).array
    return rows.drop(columns="loss")


def table(rows: pd.DataFrame) -> pd.DataFrame:
    """By class of divergence: how many averages, and mean and largest cost."""
    classes = pd.cut(rows["divergence"], EDGES, include_lowest=True)
    return rows.groupby(classes, observed=True)["cost"].agg(["count", "mean", "max"])


if __name__ == "__main__":
    print(table(costs(caviar.read_run(sys.argv[1]))).to_string())
