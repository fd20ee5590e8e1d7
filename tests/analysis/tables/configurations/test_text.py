"""A ranking in columns."""

from __future__ import annotations

import math
from pathlib import Path

import pandas as pd
from rich.cells import cell_len

from caviar.analysis.tables.configurations.ranking import ranking
from caviar.analysis.tables.configurations.text import text
from caviar.runner.config import TrialConfig
from tests.analysis.synthetic import World, run_of, trial


def test_means_have_their_intervals_and_what_diverged_a_star(tmp_path: Path) -> None:
    def loss(config: TrialConfig, seed: int) -> float:
        return math.nan if config.hidden == (4, 4) and seed == 0 else 0.25

    trials = [trial(norm="layer", hidden=hidden) for hidden in ((8,), (4, 4))]
    table = ranking(run_of(tmp_path, trials, World(validation=loss, test=loss)))
    head, first, second, star = text(table, "validation_loss").splitlines()
    assert head.split()[:4] == ["rank", "trial", "validation", "loss"]
    assert "0.25 [0.25, 0.25]" in first and "90.0 %" in first and first.endswith("[8]")
    assert second.startswith("2* ") and second.endswith("[4, 4]")
    assert star == "* with seeds that diverged"


def test_columns_stand_below_each_other_with_wide_characters() -> None:
    """An arm named in Chinese takes two columns per character."""
    arms = ("批次归一化", "plain", "😀 noise")
    table = pd.DataFrame(
        {
            "rank": [1, 2, 3],
            "trial_id": ["a", "b", "c"],
            "diverged_seeds": 0,
            **{f"{of}{end}": 0.5 for of in ("", "test_") for end in ("mean", "low", "high")},
            "test_accuracy": 0.9,
            "other_high": 0.5,
            "arm": arms,
            "width": [8, 16, 32],
        }
    )
    head, *lines = text(table, "validation_loss").splitlines()
    starts = [cell_len(line[: line.rindex(" ") + 1]) for line in lines]
    assert starts == [cell_len(head[: head.index("width")])] * 3
