from __future__ import annotations

import copy
import math
from itertools import product
from typing import Literal, get_args

import numpy as np
import pytest
from numpy.typing import DTypeLike

from caviar.model.contract import Parameters
from caviar.model.steps.optimizers import (
    Adam,
    CoupledDecay,
    DecoupledDecay,
    GammaDecay,
    Momentum,
    Optimizer,
    Sgd,
    State,
    WeightDecayScope,
)
from tests.model.helpers import normal

Kind = Literal["sgd", "momentum", "adam"]
Decay = Literal["none", "coupled", "decoupled"]

OPTIMIZERS: dict[Kind, Optimizer] = {
    "sgd": Sgd(),
    "momentum": Momentum(0.9),
    "adam": Adam(0.8, 0.95, 1e-3),
}
TABLE = list(product(OPTIMIZERS, get_args(Decay), get_args(WeightDecayScope)))

RATES = [0.1, 0.05, 0.2, 0.1, 0.01, 0.3]
DECAY = 0.3
SHAPES = {
    "dense1.weight": (2, 3, 4),
    "dense1.bias": (2, 1, 4),
    "norm1.gamma": (2, 1, 4),
    "norm1.beta": (2, 1, 4),
}


def _build(kind: Kind, decay: Decay, scope: WeightDecayScope) -> Optimizer:
    inner = OPTIMIZERS[kind]
    if decay == "none":
        return inner
    wrap = CoupledDecay if decay == "coupled" else DecoupledDecay
    return wrap(inner, DECAY, scope)


def _scalar(kind: Kind, decay: Decay, w: float, gradients: list[float]) -> float:
    """One weight after all steps, by the formulas of the papers."""
    m = v = 0.0
    for t, (g, rate) in enumerate(zip(gradients, RATES, strict=True), start=1):
        old = w
        if decay == "coupled":
            g += DECAY * w
        if kind == "sgd":
            w -= rate * g
        elif kind == "momentum":
            m = 0.9 * m + g
            w -= rate * m
        else:
            m = 0.8 * m + 0.2 * g
            v = 0.95 * v + 0.05 * g**2
            w -= rate * (m / (1 - 0.8**t)) / (math.sqrt(v / (1 - 0.95**t)) + 1e-3)
        if decay == "decoupled":
            w -= rate * DECAY * old
    return w


def _arrays(seed: int) -> Parameters:
    return {k: normal(seed + i, *shape) for i, (k, shape) in enumerate(SHAPES.items())}


def _run(optimizer: Optimizer, dtype: DTypeLike = np.float64) -> tuple[Parameters, State]:
    parameters = {k: v.astype(dtype) for k, v in _arrays(0).items()}
    state = optimizer.init(parameters)
    for t, rate in enumerate(RATES):
        gradients = {k: v.astype(dtype) for k, v in _arrays(100 * (t + 1)).items()}
        parameters, state = optimizer.step(state, parameters, gradients, rate)
    return parameters, state


@pytest.mark.parametrize(("kind", "decay", "scope"), TABLE)
def test_steps_follow_the_scalar_recursion(
    kind: Kind, decay: Decay, scope: WeightDecayScope
) -> None:
    moved, _ = _run(_build(kind, decay, scope))
    start, gradients = _arrays(0), [_arrays(100 * (t + 1)) for t in range(len(RATES))]
    for name, array in moved.items():
        own: Decay = decay if scope == "all" or name == "dense1.weight" else "none"
        for at in np.ndindex(array.shape):
            series = [float(g[name][at]) for g in gradients]
            expected = _scalar(kind, own, float(start[name][at]), series)
            assert array[at] == pytest.approx(expected, rel=1e-12, abs=1e-12)


@pytest.mark.parametrize(("kind", "decay", "scope"), TABLE)
def test_arguments_are_left_alone(kind: Kind, decay: Decay, scope: WeightDecayScope) -> None:
    optimizer = _build(kind, decay, scope)
    parameters, gradients = _arrays(0), _arrays(50)
    _, state = optimizer.step(optimizer.init(parameters), parameters, gradients, 0.1)
    before = copy.deepcopy((state, parameters, gradients))
    first = optimizer.step(state, parameters, gradients, 0.1)
    second = optimizer.step(state, parameters, gradients, 0.1)
    for now, then in zip((state, parameters, gradients), before, strict=True):
        assert now.keys() == then.keys()
        for k in then:
            np.testing.assert_array_equal(now[k], then[k])
    for a, b in zip(first, second, strict=True):
        for k in a:
            np.testing.assert_array_equal(a[k], b[k])


@pytest.mark.parametrize(("kind", "decay", "scope"), TABLE)
def test_single_precision_stays_single(kind: Kind, decay: Decay, scope: WeightDecayScope) -> None:
    optimizer = _build(kind, decay, scope)
    single, state = _run(optimizer, np.float32)
    double, _ = _run(optimizer)
    assert all(v.dtype == np.float32 for k, v in state.items() if k != "count")
    for k, w in single.items():
        assert w.dtype == np.float32
        np.testing.assert_allclose(w, double[k], rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("kind", OPTIMIZERS)
@pytest.mark.parametrize("decay", [CoupledDecay, DecoupledDecay])
def test_decay_spares_gains_shifts_and_biases_unless_told(
    kind: Kind, decay: type[CoupledDecay | DecoupledDecay]
) -> None:
    inner = OPTIMIZERS[kind]
    plain, _ = _run(inner)
    default, _ = _run(decay(inner, DECAY))
    everything, _ = _run(decay(inner, DECAY, "all"))
    for k in SHAPES:
        assert np.array_equal(default[k], plain[k]) == (k != "dense1.weight")
        assert not np.array_equal(everything[k], plain[k])


@pytest.mark.parametrize("kind", OPTIMIZERS)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_gamma_decay_is_the_penalty_on_gamma_alone(kind: Kind, dtype: DTypeLike) -> None:
    inner = OPTIMIZERS[kind]
    plain, state = _run(inner, dtype)
    decayed, decayed_state = _run(GammaDecay(inner, DECAY), dtype)
    everything, _ = _run(CoupledDecay(inner, DECAY, "all"), dtype)
    assert state.keys() == decayed_state.keys()
    for k in SHAPES:
        assert decayed[k].dtype == dtype
        expected = everything if k == "norm1.gamma" else plain
        np.testing.assert_array_equal(decayed[k], expected[k])
    assert not np.array_equal(decayed["norm1.gamma"], plain["norm1.gamma"])


def test_gamma_decay_adds_the_slope_of_half_the_rate_times_gamma_squared() -> None:
    parameters, gradients = _arrays(0), _arrays(50)
    before = copy.deepcopy((parameters, gradients))
    moved, _ = GammaDecay(Sgd(), 0.4).step({}, parameters, gradients, 0.1)
    gamma = parameters["norm1.gamma"]
    penalty = (0.2 * (gamma + 1e-6) ** 2 - 0.2 * (gamma - 1e-6) ** 2) / 2e-6
    expected = gamma - 0.1 * (gradients["norm1.gamma"] + penalty)
    np.testing.assert_allclose(moved["norm1.gamma"], expected, rtol=1e-8)
    for now, then in zip((parameters, gradients), before, strict=True):
        for k in then:
            np.testing.assert_array_equal(now[k], then[k])


def test_coupled_and_decoupled_agree_for_sgd_and_differ_for_adam() -> None:
    expected: dict[Kind, bool] = {"sgd": True, "momentum": False, "adam": False}
    for kind, same in expected.items():
        coupled, _ = _run(CoupledDecay(OPTIMIZERS[kind], DECAY))
        decoupled, _ = _run(DecoupledDecay(OPTIMIZERS[kind], DECAY))
        k = "dense1.weight"
        assert np.allclose(coupled[k], decoupled[k], rtol=1e-12, atol=1e-12) == same


def test_without_gradient_only_decay_moves() -> None:
    """Adam makes of any coupled penalty a step of the learning rate; decoupled shrinks w."""
    w = {"dense1.weight": np.full((1, 1, 1), 5.0)}
    zero = {"dense1.weight": np.zeros((1, 1, 1))}
    shrunk = 5 * (1 - 0.1 * 0.01)
    for optimizer, expected in (
        (CoupledDecay(Adam(0.9, 0.999), 0.01), 5 - 0.1),
        (DecoupledDecay(Adam(0.9, 0.999), 0.01), shrunk),
        (CoupledDecay(Sgd(), 0.01), shrunk),
        (DecoupledDecay(Sgd(), 0.01), shrunk),
    ):
        moved, _ = optimizer.step(optimizer.init(w), w, zero, 0.1)
        assert moved["dense1.weight"][0, 0, 0] == pytest.approx(expected, rel=1e-7)


def test_closed_forms_under_a_constant_gradient() -> None:
    g, rate, steps = 2.0, 0.1, 50
    parameters = {"w": np.zeros((1, 1, 1))}
    gradients = {"w": np.full((1, 1, 1), g)}
    travelled: dict[Kind, float] = {
        "sgd": rate * g * steps,
        "momentum": rate * g * (steps - 0.9 * (1 - 0.9**steps) / 0.1) / 0.1,
        "adam": rate * g / (g + 1e-3) * steps,
    }
    for kind, distance in travelled.items():
        optimizer, w = OPTIMIZERS[kind], parameters
        state = optimizer.init(w)
        for _ in range(steps):
            w, state = optimizer.step(state, w, gradients, rate)
        np.testing.assert_allclose(-w["w"][0, 0, 0], distance, rtol=1e-12)


def test_sgd_on_a_parabola_shrinks_geometrically() -> None:
    w = {"w": np.full((1, 1, 1), 3.0)}
    for _ in range(20):
        w, _ = Sgd().step({}, w, {"w": 0.5 * w["w"]}, 0.2)
    np.testing.assert_allclose(w["w"][0, 0, 0], 3 * 0.9**20, rtol=1e-12)
