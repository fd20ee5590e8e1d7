"""Learning rates chosen on other seeds, and whether the best of them lies inside."""

from __future__ import annotations

import math

import pandas as pd
import pytest

from caviar.analysis.scorecard.tuned import Tuned, rates_in_words, tuned_rates, untuned


def rows(losses: dict[tuple[str, float], list[list[float]]]) -> pd.DataFrame:
    """Validation losses by arm and size: one list of seeds for each of the rates 0.1, 0.2, ..."""
    return pd.DataFrame(
        {
            "arm": arm,
            "level": level,
            "draw": draw,
            "learning_rate": 0.1 * (draw + 1),
            "seed": seed,
            "split": "validation",
            "statistics": "population",
            "loss": loss,
        }
        for (arm, level), draws in losses.items()
        for draw, seeds in enumerate(draws)
        for seed, loss in enumerate(seeds)
    )


def test_only_choosing_seeds_choose_and_one_that_diverged_forbids_a_rate() -> None:
    every = rows(
        {
            ("a", 8.0): [[0.3, 0.3, 0.0], [0.1, 0.1, 9.0], [0.2, 0.2, 0.0]],
            ("a", 64.0): [[0.3, 0.3, 0.0], [0.0, math.nan, 0.0], [0.2, 0.2, 0.0]],
        }
    )
    tuned = tuned_rates(every, (0, 1))
    best = tuned["a", 8.0]
    assert (best.draw, best.inside) == (1, True)
    assert (best.rate, *best.rates) == pytest.approx((0.2, 0.1, 0.2, 0.3))
    assert (tuned["a", 64.0].draw, tuned["a", 64.0].inside) == (2, False)


def test_a_best_rate_at_an_edge_is_told() -> None:
    inside, edge = Tuned(1, 0.2, (0.1, 0.2, 0.3)), Tuned(2, 0.3, (0.1, 0.2, 0.3))
    tuned = {("a", 8.0): inside, ("a", 64.0): edge, ("b", 8.0): edge, ("", 4.0): Tuned(0, 1, (1,))}
    assert untuned(tuned, [("a", 8.0)]) == ""
    assert untuned(tuned, [("a", 8.0), ("b", 8.0), ("a", 64.0)]) == (
        "the best of 3 learning rates lies at the edge: 0.3 for a at 64, and 1 more"
    )
    assert untuned(tuned, [("", 4.0)]) == "only one learning rate was tried, 1"
    assert rates_in_words(tuned, [("a", 8.0)]) == "best 0.2 of 3 from 0.1 to 0.3, inside"
    assert rates_in_words(tuned, [("a", 8.0), ("a", 64.0)]) == (
        "best 0.2 to 0.3 of 3 from 0.1 to 0.3, at an edge"
    )
