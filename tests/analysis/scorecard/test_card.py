"""The card of one run: its rows, and when there is none."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from caviar.analysis.scorecard.card import scorecard, sentence, with_page_p
from caviar.analysis.scorecard.verdicts import NOT_DECIDED, SEEN, verdict
from caviar.runner.config import TrialConfig
from tests.analysis.scorecard.scenarios import CLAIM, ghosts
from tests.analysis.synthetic import World, compared, crossed, results_in, run_of, size

RATES = (0.05, 0.1, 0.2)


def u_curve(best_draw: int) -> World:
    """Test loss 0.3 at both ends and 0.2 between; the rate of one draw is best."""

    def loss(config: TrialConfig, seed: int) -> float:
        base = 0.2 if size(config) == 64 else 0.3 + 1e-3 * seed
        return 0.1 * seed + base + abs(config.draw - best_draw)

    return World(test=loss, validation=loss)


def table(root: Path, world: World) -> pd.DataFrame:
    trials = ghosts(8, 64, 256, rates=RATES)
    run = run_of(root, trials, world, scientific={"norm_batch_size": [8, 64, 256]})
    return results_in(run)["scorecard"].set_index("key")


def test_the_table_of_a_run(tmp_path: Path) -> None:
    every = table(tmp_path / "inside", u_curve(1))
    row = every.loc["small-end-worse"]
    assert (row["verdict"], row["place"], row["tag"]) == (SEEN, "m = 8", "[D] derived here")
    assert row["effect"] == pytest.approx(0.1 + 1e-3 * 4.5)
    assert row["low"] < row["effect"] < row["high"]
    assert (row["seeds"], row["choosing"], row["steps"]) == (6, 2, "10")
    assert row["rates"] == "best 0.1 of 3 from 0.05 to 0.2, inside"
    assert "above 0, by more than 0.005 (nats); at m = 8 it is 0.1" in row["sentence"]
    assert row["differs"] and row["not_tested"] and row["p_page"] >= row["p"]
    assert not {"renorm-helps-small", "small-batch-best-epochs"} & set(every.index)


def test_a_best_rate_at_the_edge_decides_nothing(tmp_path: Path) -> None:
    row = table(tmp_path, u_curve(2)).loc["small-end-worse"]
    assert row["verdict"] == NOT_DECIDED and "lies at the edge: 0.2 for" in row["why"]
    assert row["sentence"].endswith(f"{NOT_DECIDED}: {row['why']}")


@pytest.mark.parametrize(
    ("trials", "scientific"),
    [
        (crossed({"norm": ["layer"], "batch_size": [16, 256]}), {"batch_size": [16, 256]}),
        (
            crossed({"norm_batch_size": [8, 64], "dropout": [0.0, 0.5]}),
            {"norm_batch_size": [8, 64], "dropout": [0.0, 0.5]},
        ),
        (crossed({"norm_batch_size": [8, 64]}), {}),
    ],
    ids=["no batch norm", "another field crossed", "nothing paired"],
)
def test_no_card(tmp_path: Path, trials: Any, scientific: Any) -> None:
    run = run_of(tmp_path, trials, scientific=scientific)
    assert scorecard(compared(run)).empty


def test_the_page_is_corrected_once_and_undecided_rows_count() -> None:
    """Holm by hand: 0.01 of three is 0.03, 0.02 of the two that are left is 0.04."""
    corrected = with_page_p(pd.DataFrame({"p": [0.02, 1.0, 0.01]}))
    assert corrected["p_page"].tolist() == pytest.approx([0.04, 1.0, 0.03])
    assert with_page_p(pd.DataFrame()).empty


def test_a_place_that_is_no_size_stands_in_brackets() -> None:
    one = verdict(CLAIM["small-end-worse"], {"best m": np.arange(6.0)}, {})
    assert "(best m) it is 2.5" in sentence(CLAIM["small-end-worse"], one)
