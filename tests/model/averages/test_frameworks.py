"""Steady state and memory of every framework's rule, against closed forms."""

from __future__ import annotations

import tomllib

import numpy as np
import pytest
from scipy.special import gammaln

from caviar.model.averages.bank import BankState, RunningStatistics
from caviar.model.averages.conventions import Tracker
from caviar.model.averages.frameworks import FRAMEWORKS
from caviar.model.contract import Array, Moments
from caviar.model.network import Network
from caviar.model.norms.batch_norm import BatchNorm
from caviar.model.norms.norm import Norm
from tests.sources import ROOT

UNITS, EPSILON = 400, 1e-9
"""Independent N(0, 1) features, so that one run gives hundreds of samples."""


def watch(names: tuple[str, ...], decay: float | None, m: int, steps: int) -> BankState:
    """A bank after `steps` independent batches of `m` standard normal examples."""
    rows = [FRAMEWORKS[name] for name in names]
    bank = RunningStatistics(
        tuple(Tracker(r, decay if decay is not None else r.decay or 0.0) for r in rows),
        epsilon=EPSILON,
    )
    network = Network((("norm", Norm(BatchNorm(m, EPSILON))),))
    generator = np.random.default_rng(m)
    state = bank.init(network, {"norm": {"gamma": np.ones((1, 1, UNITS))}})
    for _ in range(steps):
        x = generator.standard_normal((m, UNITS))
        moments = Moments(x.mean(axis=0)[None, None], x.var(axis=0)[None, None])
        state = bank.update(state, {"norm": moments}, m)
    return state


def within(values: Array, expected: float, z: float = 4.0) -> bool:
    error = values.std(ddof=1) / np.sqrt(values.size)
    return bool(abs(values.mean() - expected) < z * error)


def inverse_deviation(m: int) -> float:
    """E[sigma / batch deviation] of normal batches (biased): sqrt(m/2) G((m-2)/2) / G((m-1)/2)."""
    return float(np.sqrt(m / 2) * np.exp(gammaln((m - 2) / 2) - gammaln((m - 1) / 2)))


@pytest.mark.parametrize("m", [8, 32])
def test_steady_state_second_statistic(m: int) -> None:
    names = ("mxnet-gluon", "pytorch", "keras-2", "lasagne", "dl4j-old", "cntk")
    expected = {
        "mxnet-gluon": (m - 1) / m,
        "pytorch": 1.0,
        "keras-2": (m - 1) / (m - 1 - EPSILON),
        "lasagne": inverse_deviation(m),
        "dl4j-old": (m - 1) / m + EPSILON,
        "cntk": 1.0,
    }
    decay_09 = watch(names[:-1], 0.9, m, 200).averages["norm"].second[:, 0]
    for row, name in zip(decay_09, names, strict=False):
        assert within(row, expected[name]), name
    cntk = watch(("cntk",), -m / np.log(0.9), m, 200).averages["norm"].second[0, 0]
    assert within(cntk, expected["cntk"])


def test_lasagne_s_factor_at_small_batches_is_the_table_s() -> None:
    table = {8: 1.2036, 32: 1.0414, 256: 1.0049}
    for m, factor in table.items():
        assert inverse_deviation(m) == pytest.approx(factor, abs=1e-4)


@pytest.mark.parametrize("decay", [0.9, 0.99])
def test_steady_state_noise(decay: float) -> None:
    """sd of the running mean sqrt(r/m), of the running variance sqrt(2r/(m-1)); r=(1-d)/(1+d)."""
    m, r = 8, (1 - decay) / (1 + decay)
    mean, second = (
        part[0, 0]
        for part in watch(("pytorch",), decay, m, round(12 / (1 - decay))).averages["norm"]
    )
    # A variance estimated from UNITS normal values has a relative error of sqrt(2 / UNITS).
    assert mean.var() == pytest.approx(r / m, rel=4 * np.sqrt(2 / UNITS))
    assert second.var() == pytest.approx(2 * r / (m - 1), rel=6 * np.sqrt(2 / UNITS))


def test_the_start_is_forgotten_at_the_decay_or_never_known() -> None:
    names = ("keras-3", "caffe", "cntk", "pytorch-cumulative", "tensorflow-slim")
    state = watch(names, None, 16, 1)
    second = dict(zip(names, state.averages["norm"].second[:, 0].mean(axis=1), strict=True))
    batch = second["caffe"]  # the first batch's own unbiased variance, whole
    assert second["cntk"] == pytest.approx(batch)
    assert second["pytorch-cumulative"] == pytest.approx(batch)
    assert second["keras-3"] == pytest.approx(0.99 + 0.01 * batch * 15 / 16)
    assert second["tensorflow-slim"] == pytest.approx(0.999 + 0.001 * batch)


def test_cntk_s_noise_hardly_depends_on_the_batch_size() -> None:
    """sd of the running variance is sqrt(2 tanh(m / 10^4) / (m - 1)): 0.015 at 8, 0.014 at 256."""
    for m, sd in ((8, 0.015), (256, 0.014)):
        assert np.sqrt(2 * np.tanh(m / 1e4) / (m - 1)) == pytest.approx(sd, abs=6e-4)
    m, samples = 64, 2000.0
    second = watch(("cntk",), samples, m, 300).averages["norm"].second[0, 0]
    keep = np.exp(-m / samples)
    assert second.var() == pytest.approx(
        2 * (1 - keep) / (1 + keep) / (m - 1), rel=5 * np.sqrt(2 / UNITS)
    )


def test_frameworks_are_counted_by_project() -> None:
    """`keras-2` and `keras-3` are two rules of one framework."""
    study = tomllib.loads((ROOT / "studies" / "frameworks.toml").read_text(encoding="utf-8"))
    every, of_study = (
        len({name.partition("-")[0] for name in names})
        for names in (FRAMEWORKS, study["fixed"]["conventions"])
    )
    assert (every, of_study) == (15, 12)
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert "[how fifteen frameworks average]" in readme
    assert "the rules of twelve frameworks" in readme
