"""Claims hold where the numbers say so, are denied where they do not, and wait until then."""

from __future__ import annotations

from collections.abc import Callable
from math import inf, nan

import numpy as np
import pytest

from caviar.runner.cli.panda.screen.lesson import claims
from caviar.runner.cli.panda.screen.lesson.claims import Claim, noise_law
from caviar.runner.panda.view import View
from tests.runner.cli.panda.screen.lesson.views import view_with

RAISED = "80: learning_rate = 3.0"
FEWER = "80: norm_batch_size = 4"
LONGER = "80: decay = 0.999"


def read(claim: Callable[[View], Claim | None], view: View) -> Claim:
    claimed = claim(view)
    assert claimed is not None
    return claimed


def train_losses(now: float, step: int = 120, change: str = RAISED) -> View:
    return view_with(
        change, {(1, claims.TRAIN): {80: 0.5, step: now}, (0, claims.TRAIN): {80: 0.5}}
    )


def test_a_loss_that_fell_in_every_seed_trains_on() -> None:
    claim = read(claims.trains_on, train_losses(0.1))
    assert claim == (
        True,
        "with batch norm, 40 steps at a rate of 3.0 took the train loss from 0.5 to 0.1; 8 of 8 "
        "seeds are finite.",
    )
    assert not read(claims.trains_on, train_losses(0.6)).holds


def test_one_seed_that_diverged_denies_it() -> None:
    view = train_losses(0.1)
    view.series[1, claims.TRAIN].values[-1, 2] = nan
    claim = read(claims.trains_on, view)
    assert not claim.holds and "7 of 8 seeds are finite" in claim.says


def test_guessing_and_diverged_seeds_are_lost() -> None:
    view = train_losses(2.29)
    view.series[1, claims.TRAIN].values[-1, :2] = nan, inf
    claim = read(claims.falls_apart, view)
    assert claim.holds and claim.says.endswith("8 of 8 seeds do no better than guessing (2.3).")
    view.series[1, claims.TRAIN].values[-1, 5] = 1.5
    kept = read(claims.falls_apart, view)
    assert not kept.holds and "7 of 8 seeds" in kept.says


def test_all_seeds_lost_to_infinity_are_told_so() -> None:
    assert "from 0.5 to infinity" in read(claims.falls_apart, train_losses(nan)).says


@pytest.mark.parametrize("claim", [claims.trains_on, claims.falls_apart])
def test_an_effect_is_told_forty_steps_after_the_edit(
    claim: Callable[[View], Claim | None],
) -> None:
    assert claim(train_losses(0.1, step=119)) is None
    assert claim(train_losses(0.1, step=120)) is not None
    assert claim(train_losses(0.1, change="")) is None
    assert claim(train_losses(0.1, change=FEWER)) is None


@pytest.mark.parametrize("batch", [4, 256])
def test_the_law_of_noise_is_that_of_batches_without_replacement(batch: int) -> None:
    generator = np.random.default_rng(0)
    examples = generator.exponential(size=claims.TRAIN_EXAMPLES)
    means = generator.permuted(np.tile(examples, (2_000, 1)), axis=1)
    variance = means[:, :batch].mean(1).var() / examples.var()
    assert variance == pytest.approx(noise_law(batch), rel=0.1)


def test_noise_is_held_against_the_law() -> None:
    def noisy(panda: float, twin: float) -> Claim | None:
        series = {(1, claims.MODE): {80: 0.1, 82: 0.4}}
        layers = {1: {"batch_noise": panda}, 0: {"batch_noise": twin}}
        return claims.is_noisier(view_with(FEWER, series, layers))

    good = noisy(0.24, 0.003)
    assert good is not None and good.holds
    assert good.says.startswith("the batch means' variance is 0.24 of the examples' at m = 4 and ")
    assert good.says.endswith("sampling alone makes it 0.249 and 0.00293.")
    for panda, twin in ((0.15, 0.003), (0.24, 0.005), (nan, 0.003)):
        denied = noisy(panda, twin)
        assert denied is not None and not denied.holds


def test_noise_waits_for_a_reading_after_the_edit() -> None:
    assert claims.is_noisier(view_with(FEWER, {(1, claims.MODE): {80: 0.1}})) is None


def test_a_train_mode_loss_is_above_the_twins_only_with_its_interval() -> None:
    def fits(panda: float) -> Claim | None:
        series = {(1, claims.MODE): {80: 0.1, 120: panda}, (0, claims.MODE): {80: 0.1, 120: 0.1}}
        return claims.fits_worse(view_with(FEWER, series))

    good, close = fits(0.2), fits(0.103)
    assert good is not None and good.holds and "0.2 against the twin's 0.1: +0.1000 [" in good.says
    assert close is not None and not close.holds


def test_whether_noise_regularises_is_told_at_the_end_alone() -> None:
    def ends(panda: float, step: int) -> Claim | None:
        series = {(n, claims.VALIDATION): {step: (0.1, panda)[n]} for n in (0, 1)}
        return claims.generalises(view_with(FEWER, series))

    assert ends(0.05, 238) is None
    good, bad = ends(0.05, 240), ends(0.15, 240)
    assert good is not None and good.holds
    assert bad is not None and not bad.holds and "0.15 against the twin's 0.1: +0.05" in bad.says


def lagging(running: float, errors: tuple[float, float] = (0.02, 0.3)) -> View:
    series = {
        (1, claims.RUNNING): {80: 0.1, 120: running},
        (1, claims.VALIDATION): {80: 0.1, 120: 0.1},
    }
    layers = {n: {"mean_error": errors[n]} for n in (0, 1)}
    view = view_with(LONGER, series, layers)
    view.series[1, claims.RUNNING].values[:] += np.linspace(-1e-3, 1e-3, 8)
    return view


def test_a_lag_costs_validation_loss_and_errs_more_than_the_twin() -> None:
    claim = read(claims.lags, lagging(0.15))
    assert claim.holds and claim.says.startswith("running means are off by 0.3 (twin: 0.02)")
    assert "+0.05000 [" in claim.says
    assert not read(claims.lags, lagging(0.1)).holds
    assert not read(claims.lags, lagging(0.15, errors=(0.3, 0.02))).holds


def test_recomputing_takes_away_what_the_lag_cost() -> None:
    def cured(left: float) -> Claim | None:
        series = {
            (0, claims.RUNNING): {79: 0.15},
            (0, claims.VALIDATION): {79: 0.10},
            (1, claims.RUNNING): {79: 0.15, 82: 0.10 + left},
            (1, claims.VALIDATION): {79: 0.10, 82: 0.10},
        }
        view = view_with("80: recompute running statistics", series, spread=0.0)
        view.series[1, claims.RUNNING].values[-1] += np.linspace(-1e-3, 1e-3, 8)
        return claims.is_cured(view)

    good, bad = cured(0.001), cured(0.06)
    assert good is not None and good.holds
    assert "cost +0.050 of validation loss at step 79; now, at step 82, +0.00100 [" in good.says
    assert bad is not None and not bad.holds


def test_a_cure_waits_for_a_reading_after_it() -> None:
    series = {
        key: {79: 0.1}
        for key in ((n, k) for n in (0, 1) for k in (claims.RUNNING, claims.VALIDATION))
    }
    assert claims.is_cured(view_with("80: recompute running statistics", series)) is None
    assert claims.is_cured(view_with("", series)) is None
