from __future__ import annotations

import copy
import math
from itertools import product
from typing import Literal, get_args

import numpy as np
import pytest
from numpy.typing import DTypeLike

from caviar.model.contract import NetworkParameters
from caviar.model.parameters import arrays
from caviar.model.steps.optimizers import (
    Adam,
    CoupledDecay,
    DecoupledDecay,
    GammaDecay,
    Momentum,
    Optimizer,
    OptimizerState,
    Sgd,
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
    "dense1": {"weight": (2, 3, 4), "bias": (2, 1, 4)},
    "norm1": {"gamma": (2, 1, 4), "beta": (2, 1, 4)},
    "relu1": {},
}
NAMES = [(layer, name) for layer, shapes in SHAPES.items() for name in shapes]


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


def _arrays(seed: int, dtype: DTypeLike = np.float64) -> NetworkParameters:
    return {
        layer: {
            name: normal(seed + NAMES.index((layer, name)), *shape).astype(dtype)
            for name, shape in shapes.items()
        }
        for layer, shapes in SHAPES.items()
    }


def _run(
    optimizer: Optimizer, dtype: DTypeLike = np.float64
) -> tuple[NetworkParameters, OptimizerState]:
    parameters = _arrays(0, dtype)
    state = optimizer.init(parameters)
    for t, rate in enumerate(RATES):
        gradients = _arrays(100 * (t + 1), dtype)
        parameters, state = optimizer.step(state, parameters, gradients, rate)
    return parameters, state


@pytest.mark.parametrize(("kind", "decay", "scope"), TABLE)
def test_steps_follow_the_scalar_recursion(
    kind: Kind, decay: Decay, scope: WeightDecayScope
) -> None:
    moved, _ = _run(_build(kind, decay, scope))
    start, gradients = _arrays(0), [_arrays(100 * (t + 1)) for t in range(len(RATES))]
    for layer, name in NAMES:
        style: Decay = decay if scope == "all" or name == "weight" else "none"
        array = moved[layer][name]
        for index in np.ndindex(array.shape):
            series = [float(g[layer][name][index]) for g in gradients]
            expected = _scalar(kind, style, float(start[layer][name][index]), series)
            assert array[index] == pytest.approx(expected, rel=1e-12, abs=1e-12)


@pytest.mark.parametrize(("kind", "decay", "scope"), TABLE)
def test_arguments_are_left_alone(kind: Kind, decay: Decay, scope: WeightDecayScope) -> None:
    optimizer = _build(kind, decay, scope)
    parameters, gradients = _arrays(0), _arrays(50)
    _, state = optimizer.step(optimizer.init(parameters), parameters, gradients, 0.1)
    before = copy.deepcopy((state, parameters, gradients))
    first = optimizer.step(state, parameters, gradients, 0.1)
    second = optimizer.step(state, parameters, gradients, 0.1)
    np.testing.assert_equal((vars(state), parameters, gradients), (vars(before[0]), *before[1:]))
    np.testing.assert_equal((first[0], vars(first[1])), (second[0], vars(second[1])))


@pytest.mark.parametrize(("kind", "decay", "scope"), TABLE)
def test_single_precision_stays_single(kind: Kind, decay: Decay, scope: WeightDecayScope) -> None:
    optimizer = _build(kind, decay, scope)
    single, state = _run(optimizer, np.float32)
    double, _ = _run(optimizer)
    carried = [array for slot in state.slots.values() for array in arrays(slot)]
    assert {array.dtype for array in carried} <= {np.dtype(np.float32)}
    for layer, name in NAMES:
        w = single[layer][name]
        assert w.dtype == np.float32
        np.testing.assert_allclose(w, double[layer][name], rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("kind", OPTIMIZERS)
@pytest.mark.parametrize("decay", [CoupledDecay, DecoupledDecay])
def test_decay_spares_gains_shifts_and_biases_unless_told(
    kind: Kind, decay: type[CoupledDecay | DecoupledDecay]
) -> None:
    inner = OPTIMIZERS[kind]
    plain, _ = _run(inner)
    default, _ = _run(decay(inner, DECAY))
    everything, _ = _run(decay(inner, DECAY, "all"))
    for layer, name in NAMES:
        before = plain[layer][name]
        assert np.array_equal(default[layer][name], before) == (name != "weight")
        assert not np.array_equal(everything[layer][name], before)


@pytest.mark.parametrize("kind", OPTIMIZERS)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_gamma_decay_is_the_penalty_on_gamma_alone(kind: Kind, dtype: DTypeLike) -> None:
    inner = OPTIMIZERS[kind]
    plain, state = _run(inner, dtype)
    decayed, decayed_state = _run(GammaDecay(inner, DECAY), dtype)
    everything, _ = _run(CoupledDecay(inner, DECAY, "all"), dtype)
    assert state.slots.keys() == decayed_state.slots.keys()
    for layer, name in NAMES:
        assert decayed[layer][name].dtype == dtype
        expected = everything if name == "gamma" else plain
        np.testing.assert_array_equal(decayed[layer][name], expected[layer][name])
    assert not np.array_equal(decayed["norm1"]["gamma"], plain["norm1"]["gamma"])


def test_gamma_decay_adds_the_slope_of_half_the_rate_times_gamma_squared() -> None:
    parameters, gradients = _arrays(0), _arrays(50)
    before = copy.deepcopy((parameters, gradients))
    moved, _ = GammaDecay(Sgd(), 0.4).step(OptimizerState({}), parameters, gradients, 0.1)
    gamma = parameters["norm1"]["gamma"]
    penalty = (0.2 * (gamma + 1e-6) ** 2 - 0.2 * (gamma - 1e-6) ** 2) / 2e-6
    expected = gamma - 0.1 * (gradients["norm1"]["gamma"] + penalty)
    np.testing.assert_allclose(moved["norm1"]["gamma"], expected, rtol=1e-8)
    np.testing.assert_equal((parameters, gradients), before)


def test_coupled_and_decoupled_agree_for_sgd_and_differ_for_adam() -> None:
    expected: dict[Kind, bool] = {"sgd": True, "momentum": False, "adam": False}
    for kind, same in expected.items():
        coupled, _ = _run(CoupledDecay(OPTIMIZERS[kind], DECAY))
        decoupled, _ = _run(DecoupledDecay(OPTIMIZERS[kind], DECAY))
        one, other = (moved["dense1"]["weight"] for moved in (coupled, decoupled))
        assert np.allclose(one, other, rtol=1e-12, atol=1e-12) == same


def _one(value: float) -> NetworkParameters:
    return {"dense1": {"weight": np.full((1, 1, 1), value)}}


def _value(parameters: NetworkParameters) -> float:
    return float(parameters["dense1"]["weight"][0, 0, 0])


def test_without_gradient_only_decay_moves() -> None:
    """Adam makes of any coupled penalty a step of the learning rate; decoupled shrinks w."""
    w, zero = _one(5.0), _one(0.0)
    shrunk = 5 * (1 - 0.1 * 0.01)
    for optimizer, expected in (
        (CoupledDecay(Adam(0.9, 0.999), 0.01), 5 - 0.1),
        (DecoupledDecay(Adam(0.9, 0.999), 0.01), shrunk),
        (CoupledDecay(Sgd(), 0.01), shrunk),
        (DecoupledDecay(Sgd(), 0.01), shrunk),
    ):
        moved, _ = optimizer.step(optimizer.init(w), w, zero, 0.1)
        assert _value(moved) == pytest.approx(expected, rel=1e-7)


def test_closed_forms_under_a_constant_gradient() -> None:
    g, rate, steps = 2.0, 0.1, 50
    parameters, gradients = _one(0.0), _one(g)
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
        np.testing.assert_allclose(-_value(w), distance, rtol=1e-12)


def test_sgd_on_a_parabola_shrinks_geometrically() -> None:
    w = _one(3.0)
    for _ in range(20):
        w, _ = Sgd().step(OptimizerState({}), w, _one(0.5 * _value(w)), 0.2)
    np.testing.assert_allclose(_value(w), 3 * 0.9**20, rtol=1e-12)
