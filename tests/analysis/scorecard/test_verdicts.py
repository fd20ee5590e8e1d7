"""The rule that decides a claim, and the table of a run's verdicts."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from caviar.analysis.scorecard.claim import ABOVE_ZERO, EQUAL
from caviar.analysis.scorecard.registry import CLAIMS
from caviar.analysis.scorecard.verdicts import in_words, scorecard, sentence, verdict
from caviar.analysis.statistics.intervals import mean_interval
from caviar.runner.config import TrialConfig
from tests.analysis.scorecard.scenarios import CLAIM, ghosts
from tests.analysis.synthetic import World, compared, crossed, results_in, run_of, size

ABOVE = replace(CLAIMS[0], region=ABOVE_ZERO)
WITHIN = replace(CLAIMS[0], region=EQUAL)
SPREAD = np.array([-1.0, 1.0, -2.0, 2.0, -0.5, 0.5, -1.5, 1.5])
"""Eight seeds of mean zero."""


def half_width(level: float, scale: float = 1.0) -> float:
    interval = mean_interval(scale * SPREAD, np.random.default_rng(0), level=level)
    return (interval.high - interval.low) / 2


def test_every_place_must_hold() -> None:
    sure, unsure = 5 + SPREAD, 0.1 + SPREAD
    assert verdict(ABOVE, {"a": sure, "b": 9 + SPREAD}, {}).verdict == "confirmed"
    below = replace(ABOVE, region=(-math.inf, 0.5))
    assert verdict(below, {"a": -sure}, {}).verdict == "confirmed"
    assert verdict(below, {"a": -sure, "b": sure}, {}).verdict == "refuted"
    decided = verdict(ABOVE, {"a": sure, "b": unsure}, {})
    assert (decided.verdict, decided.place, decided.places) == ("inconclusive", "b", 2)
    assert decided.effect == pytest.approx(0.1)


def test_the_place_shown_is_the_one_that_speaks_loudest_against() -> None:
    decided = verdict(ABOVE, {"a": 6 + SPREAD, "b": 4 + SPREAD, "c": 9 + SPREAD}, {})
    assert (decided.verdict, decided.place) == ("confirmed", "b")
    two_sided = verdict(WITHIN, {"a": 1e-4 * SPREAD, "b": -0.004 + 1e-4 * SPREAD}, {})
    assert (two_sided.verdict, two_sided.place) == ("confirmed", "b")


def test_one_place_refutes_and_is_shown_even_beside_a_wilder_one() -> None:
    decided = verdict(ABOVE, {"sure": -2 + SPREAD, "wild": -3 + 40 * SPREAD}, {})
    assert (decided.verdict, decided.place) == ("refuted", "sure")


def test_refuting_at_one_of_many_places_needs_a_wider_interval() -> None:
    """Below zero by more than 95 % allow and less than 95 % of each of forty would."""
    alone = verdict(ABOVE, {"a": SPREAD - 1.05 * half_width(0.95)}, {})
    assert alone.verdict == "refuted"
    one = {f"other {i}": 9 + SPREAD for i in range(39)}
    assert half_width(1 - 0.05 / 40) > 1.1 * half_width(0.95)
    decided = verdict(ABOVE, {"a": SPREAD - 1.05 * half_width(0.95), **one}, {})
    assert decided.verdict == "inconclusive"
    assert decided.high < 0  # the interval shown is not widened


def test_equivalence_takes_ninety_percent_on_both_sides() -> None:
    """Two one-sided tests at 5 %: between the half widths of both levels lies the margin."""
    scale = 0.005 / half_width(0.925)
    assert half_width(0.90, scale) < 0.005 < half_width(0.95, scale)
    decided = verdict(WITHIN, {"a": scale * SPREAD}, {})
    assert decided.verdict == "confirmed"
    assert decided.level == pytest.approx(0.90)
    assert verdict(ABOVE, {"a": 5 + SPREAD}, {}).level == pytest.approx(0.95)
    one_sided = replace(WITHIN, region=(-math.inf, 0.005))
    assert verdict(one_sided, {"a": scale * SPREAD}, {}).verdict == "inconclusive"
    beyond = verdict(WITHIN, {"a": scale * SPREAD + 0.005}, {})
    assert beyond.verdict == "inconclusive"
    assert verdict(WITHIN, {"a": scale * SPREAD - 0.02}, {}).verdict == "refuted"


def test_no_difference_is_never_proof_of_equality() -> None:
    assert verdict(WITHIN, {"a": SPREAD}, {}).verdict == "inconclusive"


def test_a_place_without_its_premise_says_nothing() -> None:
    parts = {"a": -5 + SPREAD, "b": 5 + SPREAD}
    assert verdict(ABOVE, parts, {}).verdict == "refuted"
    decided = verdict(ABOVE, parts, {"a": 0.1 + SPREAD, "b": 5 + SPREAD})
    assert (decided.verdict, decided.place, decided.places) == ("confirmed", "b", 1)
    none = verdict(ABOVE, parts, {"a": SPREAD, "b": SPREAD})
    assert (none.verdict, none.places) == ("inconclusive", 0)
    assert "not decided: " in sentence(ABOVE, none)


def test_missing_seeds_are_counted_and_few_decide_nothing() -> None:
    gaps = np.array([*(5 + SPREAD), math.nan, math.inf])
    decided = verdict(ABOVE, {"a": gaps}, {})
    assert (decided.verdict, decided.seeds, decided.left_out) == ("confirmed", 8, 2)
    few = verdict(ABOVE, {"a": gaps[-6:]}, {})
    assert (few.verdict, few.seeds, few.left_out) == ("inconclusive", 4, 2)
    assert math.isnan(few.low) and "too few seeds" in sentence(ABOVE, few)
    none = verdict(ABOVE, {"a": 5 + SPREAD, "b": np.full(8, math.nan)}, {})
    assert (none.verdict, none.place, none.left_out) == ("inconclusive", "b", 8)


def test_a_sentence_has_the_numbers() -> None:
    decided = verdict(ABOVE, {"m = 4": 5 + SPREAD}, {})
    says = sentence(ABOVE, decided)
    assert ABOVE.quantity in says and "must be above 0 (nats)" in says
    assert f"at m = 4 it is 5 [{decided.low:.3g}, {decided.high:.3g}]" in says
    assert "(train loss) it is" in sentence(ABOVE, decided._replace(place="train loss"))
    assert in_words((-math.inf, 0.005)) == "below 0.005"
    assert in_words((0.9, 1.1)) == "between 0.9 and 1.1"


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
def test_no_scorecard(tmp_path: Path, trials: Any, scientific: Any) -> None:
    run = run_of(tmp_path, trials, scientific=scientific)
    assert scorecard(compared(run)).empty


def test_the_table_of_a_run(tmp_path: Path) -> None:
    """Test loss 0.3 at both ends and 0.2 between, all seeds alike but for their level."""

    def loss(config: TrialConfig, seed: int) -> float:
        return 0.1 * seed + (0.2 if size(config) == 64 else 0.3 + 1e-3 * seed)

    run = run_of(
        tmp_path,
        ghosts(8, 64, 256),
        World(test=loss),
        scientific={"norm_batch_size": [8, 64, 256]},
    )
    table = results_in(run)["scorecard"].set_index("claim")
    row = table.loc[CLAIM["u-shaped"].text]
    assert row["verdict"] == "confirmed"
    assert row["effect"] == pytest.approx(0.1 + 1e-3 * 3.5)
    assert row["low"] < row["effect"] < row["high"]
    assert (row["paper"], row["seeds"], row["places"]) == ("Wu & Johnson 2021", 8, 2)
    assert row["not_tested"] == CLAIM["u-shaped"].not_tested
    assert row["sentence"].startswith("test loss at either end")
    known = {CLAIM[key].text for key in ("renorm-closes-gap", "small-batch-best")}
    assert not known & set(table.index)


def test_a_claim_that_just_holds_at_many_places_is_seldom_refuted() -> None:
    """At most 5 % of 150 simulated runs of 20 seeds with all ten means at the edge; z = 4."""
    runs, places = 150, 10
    refuted = 0
    for values in np.random.default_rng(11).normal(size=(runs, places, 20)):
        parts = {str(i): row for i, row in enumerate(values)}
        refuted += verdict(ABOVE, parts, {}).verdict == "refuted"
    assert refuted / runs < 0.05 + 4 * math.sqrt(0.05 * 0.95 / runs)
