"""All quantities side by side, and what is said of which of them moved: every number of it."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

from caviar.analysis.findings.finding import Results
from caviar.analysis.findings.regularization.side_by_side import SIDE_BY_SIDE
from caviar.analysis.run.comparison import Comparison
from caviar.analysis.tables import regularization
from caviar.runner.config import TrialConfig
from tests.analysis.synthetic import (
    World,
    compared,
    crossed,
    results_in,
    run_of,
    size,
    trial,
    wiggle,
)

SIZES = {"norm_batch_size": [16, 64, 256]}
RATES = (0.0403, 0.238)


def one_draw(losses: dict[int, float]) -> Callable[[TrialConfig, int], float]:
    """These losses, with seeds about them, which differ a little more for a larger loss."""

    def loss(config: TrialConfig, seed: int) -> float:
        mean = losses[size(config)]
        return mean + (seed - 2.5) * 1e-4 * (1 + mean)

    return loss


def at(losses: dict[int, float]) -> Callable[[TrialConfig, int], float]:
    """These losses at the second draw, higher by 1 at the first."""
    return lambda config, seed: one_draw(losses)(config, seed) + (1 - config.draw)


def of_draw(best: Callable[[TrialConfig], int]) -> Callable[[TrialConfig, int], float]:
    return lambda config, seed: float(config.draw != best(config))


TEST = at({16: 0.055, 64: 0.07, 256: 0.078})


def sentences(root: Path, rates: tuple[float, ...] = RATES[1:], **world: object) -> list[str]:
    run = run_of(root, crossed(SIZES, rates=rates), World(**world), scientific=SIZES)  # type: ignore[arg-type]
    return SIDE_BY_SIDE.sentences(results_in(run))


@pytest.mark.parametrize(
    ("train", "test", "says"),
    [
        (
            {16: 0.0008, 64: 0.001, 256: 0.0013},
            {16: 0.055, 64: 0.07, 256: 0.078},
            "train loss stays the same within 0.005 nats (0.0008 against 0.0013); the gap "
            "between train and test loss falls (0.0542 against 0.0767 nats)",
        ),
        (
            {16: 0.02, 64: 0.001, 256: 0.001},
            {16: 0.055, 64: 0.07, 256: 0.078},
            "train loss rises (0.02 against 0.001 nats); the gap between train and test loss "
            "falls (0.035 against 0.077 nats)",
        ),
        (
            {16: 0.01, 64: 0.02, 256: 0.03},
            {16: 0.04, 64: 0.05, 256: 0.06},
            "train loss falls (0.01 against 0.03 nats); the gap between train and test loss "
            "stays the same within 0.005 nats (0.03 against 0.03)",
        ),
    ],
)
def test_the_sentence_splits_test_loss_into_train_loss_and_gap(
    train: dict[int, float], test: dict[int, float], says: str, tmp_path: Path
) -> None:
    (sentence,) = sentences(tmp_path, train=one_draw(train), test=one_draw(test))
    assert sentence == f"At m = 16, against m = 256: {says}."


def results_at(root: Path, best: Callable[[TrialConfig], int]) -> Results:
    world = World(
        train=at({16: 0.0008, 64: 0.001, 256: 0.0013}), test=TEST, validation=of_draw(best)
    )
    return results_in(run_of(root, crossed(SIZES, rates=RATES), world, scientific=SIZES))


def test_fits_are_told_at_the_rate_that_most_choose(tmp_path: Path) -> None:
    (tuned,) = SIDE_BY_SIDE.sentences(results_at(tmp_path, lambda config: 1))
    assert tuned.startswith(
        "At m = 16, against m = 256 at the learning rate 0.238 for both, which most sizes choose: "
        "train loss stays the same within 0.005 nats (0.000"
    )


def test_sizes_that_choose_other_rates_are_compared_in_their_fit_at_one(tmp_path: Path) -> None:
    """256 alone chooses the first rate, where every loss is higher by 1."""
    (tuned,) = SIDE_BY_SIDE.sentences(results_at(tmp_path, lambda config: int(size(config) < 256)))
    assert "at the learning rate 0.238 for both, which most sizes choose: train loss stays" in tuned
    assert "the gap between train and test loss falls (0.0542 against 0.0767 nats)" in tuned


def test_where_the_largest_size_is_best_the_smallest_is_told(tmp_path: Path) -> None:
    losses = one_draw({16: 0.09, 64: 0.07, 256: 0.05})
    (sentence,) = sentences(tmp_path, train=one_draw({16: 0.01, 64: 0.01, 256: 0.01}), test=losses)
    assert sentence.startswith("At m = 16, against m = 256: train loss stays ")
    assert "the gap between train and test loss rises" in sentence


def test_a_difference_that_is_not_decided_is_called_so(tmp_path: Path) -> None:
    """0.006 less, but seeds differ by 0.01."""

    def train(config: TrialConfig, seed: int) -> float:
        return 0.1 - (size(config) == 16) * (0.006 + 0.01 * (seed % 3 - 1))

    (sentence,) = sentences(tmp_path, train=train, test=TEST)
    assert sentence.split(": ")[1].startswith("whether train loss moves by 0.005 nats is not ")


def test_matched_losses_are_told_where_evaluations_are_near(tmp_path: Path) -> None:
    """Half way losses are higher by 3: within a factor of two of these."""
    (sentence,) = sentences(
        tmp_path,
        train=one_draw({16: 6.0, 64: 5.0, 256: 4.0}),
        test=one_draw(dict.fromkeys(SIZES["norm_batch_size"], 1.0)),
    )
    assert "; test loss at equal train loss falls (1 against " in sentence


def test_too_few_seeds_say_nothing(tmp_path: Path) -> None:
    run = run_of(tmp_path, crossed(SIZES, seeds=range(4)), World(test=TEST), scientific=SIZES)
    assert SIDE_BY_SIDE.sentences(results_in(run)) == []


def test_random_trials_cannot_tell(tmp_path: Path) -> None:
    trials = [
        trial(norm_batch_size=m, draw=i, learning_rate=0.1 + i) for i, m in enumerate([8, 64])
    ]
    (sentence,) = SIDE_BY_SIDE.sentences(results_in(run_of(tmp_path, trials)))
    assert sentence.startswith("Random trials differ in every field at once")


THREE = {"norm_batch_size": [8, 64, 256]}
FITS = {8: 0.02, 64: 0.001, 256: 0.002}
TESTS = {8: 0.07, 64: 0.05, 256: 0.08}
BESIDE = World(
    train=lambda config, seed: FITS[size(config)] + config.draw + wiggle(config, seed),
    test=lambda config, seed: TESTS[size(config)] + config.draw + wiggle(config, seed),
    validation=lambda config, seed: float(config.draw),
    accuracy=lambda config, seed: 0.9 + (size(config) == 64) / 100,
)


def table_of(comparison: Comparison) -> pd.DataFrame:
    return regularization.side_by_side(comparison, regularization.effect_of_size(comparison))


def test_values_are_those_of_pandas(tmp_path: Path) -> None:
    run = run_of(tmp_path, crossed(THREE, rates=(0.1, 0.2)), BESIDE, scientific=THREE)
    table = table_of(compared(run))
    assert list(table.columns) == ["reading", "facet", "level", *regularization.QUANTITIES, "moves"]
    ends = run.evaluations.query("step == step.max() and statistics != 'running'")
    means = ends.groupby(["statistics", "split", "norm_batch_size"])["loss"].mean()
    for row in table[table["reading"] == "every draw"].to_dict("records"):
        train, test = (means["population", split, row["level"]] for split in ("train", "test"))
        assert row["train_loss"] == pytest.approx(train, abs=1e-12)
        assert row["test_loss"] == pytest.approx(test, abs=1e-12)
        assert row["generalisation_gap"] == pytest.approx(test - train, abs=1e-12)
        mode = row["train_loss"] + 1 / row["level"]
        assert row["train_mode_loss"] == pytest.approx(mode, abs=1e-12)


def test_what_moves_is_named(tmp_path: Path) -> None:
    run = run_of(tmp_path, crossed(THREE), BESIDE, scientific=THREE)
    moves = table_of(compared(run)).set_index("level")["moves"]
    assert moves.to_dict() == {
        8.0: "train_mode_loss rises, train_loss rises, test_loss falls, generalisation_gap falls",
        64.0: "train_mode_loss rises, test_loss falls, generalisation_gap falls, "
        "test_accuracy rises",
        256.0: "",
    }


def test_sizes_never_differ_by_learning_rate(tmp_path: Path) -> None:
    """The second draw, higher by 1, diverged at 8: it is left out at every size."""

    def lost(config: TrialConfig, seed: int) -> float:
        return math.nan if (size(config), config.draw) == (8, 1) else BESIDE.train(config, seed)

    run = run_of(
        tmp_path,
        crossed(THREE, rates=(0.1, 0.2)),
        World(train=lost, test=BESIDE.test, validation=BESIDE.validation),
        scientific=THREE,
    )
    every = table_of(compared(run)).query("reading == 'every draw'").set_index("level")
    assert every["train_loss"].to_dict() == pytest.approx(
        {float(m): loss for m, loss in FITS.items()}, abs=1e-3
    )


def test_a_matched_loss_stands_beside_another_or_not_at_all(tmp_path: Path) -> None:
    """The size that fits worst always has one: its own."""
    run = run_of(tmp_path, crossed(THREE), BESIDE, scientific=THREE)
    assert table_of(compared(run))["matched_test_loss"].isna().all()


def test_random_trials_are_not_placed_side_by_side(tmp_path: Path) -> None:
    trials = [
        trial(norm_batch_size=m, draw=i, learning_rate=0.1 + i) for i, m in enumerate([8, 64])
    ]
    assert table_of(compared(run_of(tmp_path, trials))).empty
