from __future__ import annotations

import numpy as np
import pytest

from caviar.analysis.models.watched_tables import (
    added,
    averages,
    batch_noise,
    error_over_layers,
    probe_error,
)
from tests.analysis.models.made import EXCESS, watched_run


def test_errors_are_root_mean_squares_over_layers() -> None:
    table = error_over_layers(watched_run().statistics).set_index(["step", "tracker"])
    over = np.sqrt((0.3**2 + 0.4**2) / 2)
    assert table.loc[(100, "own"), "mean_error"] == pytest.approx(over)
    assert table.loc[(50, "own"), "mean_error"] == pytest.approx(2 * over)


def test_what_an_average_adds_is_held_against_population_statistics_of_the_same_split() -> None:
    table = averages(watched_run()).set_index("tracker")
    for tracker, excess in EXCESS.items():
        row = table.loc[tracker]
        assert row["added"] == pytest.approx(excess)
        assert row["high"] - row["low"] == pytest.approx(2 * 1.96 * 0.002)
        assert (row["split"], row["examples"]) == ("test", 400)
    batch = added(watched_run(), "batch").set_index("split")
    assert batch["added"].to_dict() == pytest.approx({"train": 0.06, "test": 0.06})


def test_the_probe_knows_the_population_mean_so_well() -> None:
    """Variances of a batch's mean, 0.04 and 0.01 at 16 examples, are 0.64 and 0.16 of one."""
    assert probe_error(watched_run()) == pytest.approx(np.sqrt(0.4 / 100))
    assert np.isnan(probe_error(watched_run(probed=False)))


def test_the_network_comes_before_its_layers() -> None:
    assert batch_noise(watched_run())["layer"].tolist() == [
        *("network", "network"),
        *("first", "second", "first", "second"),
    ]


def test_without_a_probe_tables_are_empty() -> None:
    run = watched_run(probed=False)
    assert averages(run).empty and batch_noise(run).empty and added(run, "running").empty
