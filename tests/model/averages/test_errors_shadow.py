"""A shadow kept through real training, and the parts of a tracker's error."""

from __future__ import annotations

from dataclasses import replace
from importlib import import_module

import numpy as np
import pytest

from caviar.model.averages.bank import GhostUpdate, RunningStatistics
from caviar.model.averages.conventions import CONVENTIONS, Tracker, trackers
from caviar.model.averages.frameworks import ALL
from caviar.model.contract import Array
from caviar.model.records import Curve, Noise, Record, StatisticsError
from caviar.model.steps.optimizers import Momentum
from caviar.model.steps.setup import Training
from tests.model.helpers import (
    ALL_TRACKERS,
    records_of,
    run,
    small_mlp,
    small_probes,
    small_splits,
    small_training,
)

SPLITS = small_splits(2)
EVERYTHING = trackers(tuple((CONVENTIONS | ALL).values()), (0.9,))
PARTS = ("sampling", "staleness", "propagation")


def _shadowed(m: int = 8, rule: GhostUpdate = "first", **changes: object) -> Training:
    settings = {
        "network": small_mlp(norm_batch_size=m),
        "norm_batch_size": m,
        "optimizer": Momentum(0.9),
        "running": RunningStatistics(EVERYTHING, rule),
        "probes": small_probes(shadow=True),
    }
    return small_training(**(settings | changes))


def _errors(training: Training) -> list[StatisticsError]:
    rows = records_of(StatisticsError, training, SPLITS)
    assert len(rows) == 2 * 2 * len(training.running.trackers)
    return rows


def _part(rows: list[StatisticsError], layer: str, name: str) -> Array:
    """One row per moment and tracker, `(rows, replicas)`."""
    return np.stack([getattr(row, name) for row in rows if row.layer == layer])


@pytest.mark.parametrize("rule", ["first", "sequential", "average", "total"])
@pytest.mark.parametrize("m", [4, 16])
def test_the_first_layer_s_mean_is_never_stale(m: int, rule: GhostUpdate) -> None:
    """Inputs are centred on the training set, so that its population mean is 0 at any weights.

    SCIENCE C2 g and C4: a null case of the decomposition, with m dividing the training set.
    """
    rows = _errors(_shadowed(m, rule))
    np.testing.assert_allclose(_part(rows, "norm1", "mean_staleness"), 0, atol=1e-14)
    np.testing.assert_allclose(_part(rows, "norm1", "mean_propagation"), 0, atol=1e-13)
    assert _part(rows, "norm1", "variance_staleness").min() > 1e-4
    deeper = _part(rows, "norm2", "mean_staleness")
    assert deeper.min() > 1e-4
    assert _part(rows, "norm1", "mean_sampling").min() > 1e-6


@pytest.mark.parametrize("rule", ["first", "sequential", "average", "total"])
def test_a_batch_of_the_whole_training_set_has_no_sampling_error(rule: GhostUpdate) -> None:
    rows = _errors(_shadowed(48, rule, batch_size=48))
    for layer in ("norm1", "norm2"):
        for kind in ("mean", "variance"):
            sampling = _part(rows, layer, f"{kind}_sampling")
            np.testing.assert_allclose(sampling, 0, atol=1e-10)
        assert _part(rows, layer, "variance_staleness").min() > 1e-4


def test_only_the_rule_s_bias_is_left_when_a_batch_is_the_training_set() -> None:
    """At m = N, train-mode statistics are the population's: propagation is Bessel's factor."""
    rows = _errors(_shadowed(48, batch_size=48, running=RunningStatistics(ALL_TRACKERS)))
    for row in rows:
        np.testing.assert_allclose(row.mean_propagation, 0, atol=1e-10)
        bias = 0.0 if row.tracker.startswith("biased") else np.log(48 / 47)
        np.testing.assert_allclose(row.variance_propagation, bias, rtol=1e-3, atol=1e-10)


@pytest.mark.parametrize("learning_rate", [0.0, 0.1])
def test_weights_at_rest_make_no_average_stale_that_forgets_its_start(learning_rate: float) -> None:
    """In the first layer, statistics at fixed weights do not depend on the partition."""
    forgets = tuple(Tracker(CONVENTIONS[n], 0.5) for n in ("debiased", "cumulative"))
    training = _shadowed(
        running=RunningStatistics(forgets, "total"), learning_rate=learning_rate, batch_size=48
    )
    rows = _errors(training)
    stale = _part(rows, "norm1", "variance_staleness")
    assert (stale.max() < 1e-12) == (learning_rate == 0.0)


def test_the_parts_of_one_feature_add_up_in_training() -> None:
    """The parts are sizes of single numbers: with some signs they give the whole error."""
    rows = _errors(_shadowed(network=small_mlp(hidden=(1, 1))))
    signs = np.array(np.meshgrid(*[[-1, 1]] * 3)).reshape(3, -1)
    for row in rows:
        for kind in ("mean", "variance"):
            parts = np.array([getattr(row, f"{kind}_{part}") for part in PARTS])
            away = np.abs(signs.T @ parts - getattr(row, f"{kind}_bias"))
            np.testing.assert_allclose(away.min(axis=0), 0, atol=1e-12)


def _columns(record: Record) -> dict[str, Array]:
    parts = {f"{kind}_{part}" for kind in ("mean", "variance") for part in PARTS}
    return {k: v for k, v in vars(record).items() if k not in parts}


def test_a_shadow_changes_no_other_number() -> None:
    training = _shadowed(network=small_mlp(dropout=0.2))
    without = replace(training, probes=replace(training.probes, shadow=False))
    pairs = list(zip(run(training, SPLITS), run(without, SPLITS), strict=True))
    assert len([one for one, _ in pairs if isinstance(one, Noise)]) == 14
    for one, other in pairs:
        assert type(one) is type(other)
        for name, value in _columns(one).items():
            np.testing.assert_array_equal(value, getattr(other, name))
        if isinstance(one, StatisticsError) and isinstance(other, StatisticsError):
            assert np.isfinite(one.mean_staleness).all()
            assert np.isnan(other.mean_staleness).all()


def test_a_shadow_does_not_depend_on_when_it_is_looked_at() -> None:
    training = _shadowed(network=small_mlp(dropout=0.2))
    last = frozenset({9})
    rarely = small_probes(shadow=True, evaluation_steps=last, probe_steps=frozenset())
    often = records_of(StatisticsError, training, SPLITS)
    once = records_of(StatisticsError, replace(training, probes=rarely), SPLITS)
    for one, other in zip([r for r in often if r.step == 9], once, strict=True):
        for name, value in vars(one).items():
            np.testing.assert_array_equal(value, getattr(other, name))


@pytest.mark.parametrize("norm", ["layer", "none"])
def test_a_network_without_batch_norm_keeps_no_shadow(
    norm: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nor does it pay for one: there is no pass over the training set."""
    monkeypatch.delattr(import_module("caviar.model.train"), "propagated")
    training = _shadowed(network=small_mlp(norm=norm))  # type: ignore[arg-type]
    assert not records_of(StatisticsError, training, SPLITS)
    assert np.isfinite(records_of(Curve, training, SPLITS)[-1].loss).all()
