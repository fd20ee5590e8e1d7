"""One number per seed: choices by other seeds, tuned rates, missing ones, arms by their fields."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import pytest

from caviar.analysis.scorecard.claims_of_injected_noise import gamma_decays
from caviar.analysis.scorecard.sizes import RUNNING, probed
from caviar.runner.config import TrialConfig
from tests.analysis.scorecard.scenarios import DECIDING, arm, ghosts, seedwise_of, verdict_on
from tests.analysis.synthetic import World, size


def test_the_best_size_is_chosen_by_seeds_that_decide_nothing(tmp_path: Path) -> None:
    """Seeds 0 and 1 prefer 8, all others 64."""

    def loss(config: TrialConfig, seed: int) -> float:
        better = 8 if seed < 2 else 64
        return {better: 0.1, 256: 5.0}.get(size(config), 0.3) + 1e-3 * seed

    s = seedwise_of(
        tmp_path, ghosts(8, 64, 256), World(test=loss, train=lambda c, seed: size(c) + seed)
    )
    assert (s.choosing, s.seeds) == ((0, 1), tuple(DECIDING))
    assert s.best("", [8, 64]).at_chosen == pytest.approx([0.3 + 1e-3 * i for i in DECIDING])


def test_a_size_where_a_choosing_seed_diverged_is_not_the_best(tmp_path: Path) -> None:
    def loss(config: TrialConfig, seed: int) -> float:
        diverged = (size(config), seed) in ((8, 1), (64, 4))
        return math.nan if diverged else {8: 0.1, 64: 0.3}[size(config)]

    s = seedwise_of(tmp_path, ghosts(8, 64), World(test=loss))
    best = s.best("", [8, 64])
    assert math.isnan(best.at_chosen[2])  # seed 4 diverged where it was told to be
    assert best.at_chosen[[0, 1, 3, 4, 5]] == pytest.approx([0.3] * 5)


def test_everything_is_read_at_the_rate_that_choosing_seeds_tuned(tmp_path: Path) -> None:
    """By validation of seeds 0 and 1 the first rate is best at 8, the second at 64."""

    def validation(config: TrialConfig, seed: int) -> float:
        good = ((size(config) == 8) == (config.draw == 0)) == (seed < 2)
        return 0.1 if good else 0.9

    s = seedwise_of(
        tmp_path,
        ghosts(8, 64, rates=(0.1, 0.2)),
        World(
            validation=validation,
            test=lambda config, seed: config.draw + 0.01 * size(config),
            network=lambda config, seed, m: {"noise_penalty": 1.0 + config.draw},
        ),
    )
    assert s.loss("", 8) == pytest.approx([0.08] * 6)
    assert s.loss("", 64) == pytest.approx([1.64] * 6)
    noise = s.noise[s.noise["probe_batch_size"] == 8].groupby("level")["noise_penalty"]
    assert noise.unique().map(list).to_dict() == {8.0: [1.0], 64.0: [2.0]}


def test_a_missing_seed_of_one_network_is_missing_in_means_over_networks(tmp_path: Path) -> None:
    def columns(config: TrialConfig, seed: int, m: int) -> dict[str, float]:
        lost = (seed, m, size(config)) == (4, 8, 64)
        return {"noise_penalty": math.nan if lost else 1.0 + 10 * (m == 64)}

    s = seedwise_of(tmp_path, ghosts(8, 64), World(network=columns))
    over_levels = probed(s, "noise_penalty", 8)
    assert over_levels.loc[3, 8] == pytest.approx(1.0)
    assert math.isnan(over_levels.loc[4, 8])
    decided = verdict_on("adaptation", s)
    assert decided is not None and (decided.seeds, decided.left_out) == (5, 1)
    assert decided.why.startswith("1 seed has no value at groups of 8: diverged,")


def test_an_arm_is_known_by_its_fields(tmp_path: Path) -> None:
    trials = [*arm("own", 8, 64), *arm("x", 8, 64, norm="renorm"), *arm("y", 1024, dropout=0.1)]
    s = seedwise_of(tmp_path, trials)
    assert s.batch_norm == "own"
    assert s.arms_with(norm="renorm") == ["x"]
    assert s.places_with(norm="renorm") == [("x", 8.0), ("x", 64.0)]
    assert s.arms_with(norm="batch", dropout=0.1) == ["y"]
    assert s.arms_with(norm="batch") == ["own", "y"]
    assert s.population() is None
    assert math.isnan(s.loss("x", 32)[0])


def test_population_statistics_have_no_regulariser_that_batch_norm_lacks(tmp_path: Path) -> None:
    """Neither are its arms with weight decay, nor is that of all arms in the way."""
    explicit = [
        *arm("decay", 1024, weight_decay=0.1),
        *arm("gamma", 1024, gamma_decay=0.1),
        *arm("dropout", 1024, dropout=0.1),
    ]
    s = seedwise_of(tmp_path / "a", [*arm("own", 8, 64), *explicit, *arm("plain", 1024)])
    assert s.population() == ("plain", 1024.0)
    assert s.on_population("weight_decay") == ["decay", "plain"]
    assert gamma_decays(s) == [("gamma", 1024.0)]
    s = seedwise_of(tmp_path / "b", [*arm("own", 8, 64), *explicit])
    assert s.population() is None
    decaying = [*arm("own", 8, 64, weight_decay=0.1), *explicit, *arm("plain", 1024)]
    assert seedwise_of(tmp_path / "c", decaying).population() == ("decay", 1024.0)


def test_what_a_measure_asks_for_is_collected(tmp_path: Path) -> None:
    s = seedwise_of(tmp_path, [*arm("batch", 8, 64, 256), *arm("loo", 16, norm="leave-one-out")])
    fresh = s.afresh()
    fresh.best("batch", [8, 64])
    fresh.loss("loo", 16)
    # The size that lost the choice may still be the best, and so must be tuned too.
    assert fresh.asked == {("batch", 8.0), ("batch", 64.0), ("loo", 16.0)}
    assert s.afresh().asked == set() and len(fresh.noise) and ("batch", 256.0) in fresh.asked


@pytest.mark.parametrize("measured", [("biased",), ("keras-2", "biased"), ("biased", "unbiased")])
def test_a_running_average_is_read_whichever_the_study_measured(
    measured: tuple[str, ...], tmp_path: Path
) -> None:
    """PyTorch's where it is among them; a study with the biased rule alone had no value."""
    world = World(test=lambda config, seed: 0.5, damage=lambda c, seed, tracker: len(tracker))
    s = seedwise_of(tmp_path, ghosts(8, 64, conventions=measured), world)
    usual = "unbiased/0.9" if "unbiased" in measured else f"{measured[0]}/0.9"
    assert s.loss("", 8, RUNNING) == pytest.approx([0.5 + len(usual)] * 6)


def test_a_field_that_an_old_run_lacks_is_none(tmp_path: Path) -> None:
    s = seedwise_of(tmp_path, ghosts(8, 64), World())
    old = replace(s.run, trials=s.run.trials.drop(columns="gamma_decay"))
    assert replace(s, run=old).of_arm("", "gamma_decay") is None
    assert s.of_arm("", "gamma_decay") == 0.0
