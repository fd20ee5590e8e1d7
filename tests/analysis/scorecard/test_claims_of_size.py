"""Claims about losses against batch size, in worlds whose truth is known."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from caviar.analysis.scorecard.card import scorecard
from caviar.analysis.scorecard.claims_of_size import small_underfits
from caviar.analysis.scorecard.verdicts import SEEN, verdict
from caviar.runner.config import TrialConfig
from tests.analysis.scorecard.scenarios import (
    BELOW,
    CHECKS,
    CLAIM,
    Check,
    N,
    Quantity,
    Scenario,
    by_size,
    ghosts,
    seedwise_of,
    updates,
    verdict_on,
)
from tests.analysis.synthetic import World, compared, run_of, size


def noise_lowers_test_loss(q: Quantity) -> World:
    """Best noisy size 8; population statistics are worse by q."""

    def loss(config: TrialConfig, seed: int) -> float:
        return {8: 0.2, 64: 0.9, N: 0.2 + q(seed)}[size(config)]

    return World(train=lambda config, seed: 0.9 if size(config) == 8 else 0.05, test=loss)


def longer(trials: list[TrialConfig]) -> list[TrialConfig]:
    """The same at equal epochs: smaller batches take more steps."""
    return [t.model_copy(update={"steps": t.steps * 512 // t.batch_size}) for t in trials]


SCENARIOS = [
    Scenario("noise-lowers-test-loss", ghosts(8, 64, N), ghosts(8, 64), noise_lowers_test_loss),
    Scenario(
        "large-end-worse",
        ghosts(8, 64, 256),
        ghosts(8, 256),
        by_size(lambda q, seed: {8: 0.9, 64: 0.2, 256: 0.2 + q(seed)}),
    ),
    Scenario(
        "small-end-worse",
        ghosts(8, 32, 64, 256),
        [*ghosts(8, 64, 256, batch_size=256), *ghosts(8, 64, 256, batch_size=512)],
        by_size(lambda q, seed: {8: 0.2 + q(seed), 32: 1.2, 64: 0.2, 256: 0.9}),
    ),
    Scenario(
        "small-batch-best-steps",
        updates(16, 32, 64, 256),
        ghosts(16, 64, 256),
        by_size(lambda q, seed: {16: 0.9, 32: 0.2, 64: 0.2 + q(seed), 256: 0.9}),
    ),
    Scenario(
        "small-batch-best-epochs",
        longer(updates(16, 32, 64, 256)),
        updates(16, 32, 64, 256),
        by_size(lambda q, seed: {16: 0.9, 32: 0.2, 64: 0.2 + q(seed), 256: 0.9}),
    ),
    Scenario(
        "large-batch-harmless",
        updates(64, 128, 256, norm_batch_size=64),
        updates(64, 128, 256),
        lambda q: World(
            test=lambda config, seed: {64: 0.5, 128: 0.1, 256: 0.5 + q(seed)}[config.batch_size]
        ),
        BELOW,
        alone=False,
    ),
    Scenario(
        "small-batch-at-equal-steps",
        updates(64, 128, 512, norm_batch_size=64),
        updates(64, 128, 512),
        lambda q: World(
            test=lambda config, seed: {64: 0.5, 128: 0.1, 512: 0.5 + q(seed)}[config.batch_size]
        ),
    ),
    Scenario(
        "ghosts-help-medium",
        ghosts(8, 32, 256),
        ghosts(8, 32, 128),
        by_size(lambda q, seed: {8: 0.2, 32: 0.9, 256: 0.2 + q(seed)}),
    ),
    Scenario(
        "small-underfits",
        ghosts(8, 64, 256),
        updates(64, 256, norm_batch_size=64),
        lambda q: World(
            train=lambda config, seed: {8: 0.3 + q(seed), 64: 5.0, 256: 0.3}[size(config)]
        ),
    ),
]


@pytest.mark.parametrize("scenario", SCENARIOS, ids=str)
@pytest.mark.parametrize("holds", CHECKS, ids=lambda check: check.__name__)
def test_verdicts_where_the_truth_is_known(
    tmp_path: Path, scenario: Scenario, holds: Check
) -> None:
    holds(tmp_path, scenario)


def test_batches_that_differ_in_steps_are_not_compared_at_equal_steps(tmp_path: Path) -> None:
    trials = updates(64, 128, 512, norm_batch_size=64)
    for key in ("small-batch-at-equal-steps", "large-batch-harmless"):
        assert verdict_on(key, seedwise_of(tmp_path / key / "equal", trials)) is not None
        assert verdict_on(key, seedwise_of(tmp_path / key / "other", longer(trials))) is None
    both = updates(16, 32, 64, 256)
    assert verdict_on("small-batch-best-steps", seedwise_of(tmp_path / "equal", both)) is not None
    assert (
        verdict_on("small-batch-best-steps", seedwise_of(tmp_path / "more", longer(both))) is None
    )


def test_sizes_are_not_compared_where_the_batch_of_an_update_is_drawn(tmp_path: Path) -> None:
    fixed, drawn = ghosts(8, 64, 256), ghosts(8, 64, 256, batch_size=512)
    both = [*fixed, *(trial.model_copy(update={"draw": 1}) for trial in drawn)]
    run = run_of(tmp_path / "both", both, scientific={"norm_batch_size": [8, 64, 256]})
    assert "small-end-worse" not in set(scorecard(compared(run))["key"])
    assert verdict_on("small-end-worse", seedwise_of(tmp_path / "fixed", fixed)) is not None


@given(
    gaps=st.lists(st.floats(-0.1, 0.1), min_size=6, max_size=6),
    offset=st.floats(-0.02, 0.02),
    middle=st.floats(-0.02, 0.02),
)
def test_two_papers_that_contradict_each_other_are_never_both_seen(
    gaps: list[float], offset: float, middle: float
) -> None:
    """Shallue et al.: no larger batch loses. Smith, Elsen & De: the largest does."""
    largest = np.array(gaps) * abs(offset) * 10 + offset
    harmless = verdict(
        CLAIM["large-batch-harmless"], {"B = 128": largest * 0 + middle, "B = 512": largest}, {}
    )
    smaller = verdict(CLAIM["small-batch-at-equal-steps"], {"B = 512": largest}, {})
    assert (harmless.verdict, smaller.verdict) != (SEEN, SEEN)


def test_train_losses_are_compared_at_one_learning_rate(tmp_path: Path) -> None:
    """8 chooses the first rate and 256 the second, at which every network fits better by 1."""
    s = seedwise_of(
        tmp_path,
        ghosts(8, 256, rates=(0.1, 0.2)),
        World(
            validation=lambda config, seed: float((size(config) == 8) == (config.draw == 1)),
            train=lambda config, seed: 2.0 - config.draw + (size(config) == 8) / 4 + seed,
        ),
    )
    parts = small_underfits(s)
    assert parts is not None and list(parts.values()) == [pytest.approx([0.25] * 6)]
    assert s.asked == {("", 256.0)}, "the rate of 8 decides nothing"
