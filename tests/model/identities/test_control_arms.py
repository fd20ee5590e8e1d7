"""Every arm passes its identities, and no arm with a mistake does."""

from __future__ import annotations

from itertools import product
from typing import Any

import numpy as np
import pytest
from numpy.typing import DTypeLike

from caviar.model.contract import Array, Generators, Layer, NormTape, Parameters
from caviar.model.layers import Dense, Dropout, Relu, Tanh
from caviar.model.network import Network
from caviar.model.norms.batch_norm import BatchNorm
from caviar.model.norms.layer_norm import LayerNorm
from caviar.model.norms.norm import Norm, Normaliser
from caviar.model.norms.other_examples import OtherExamplesNorm
from caviar.model.norms.stop_gradient import StopGradientNorm
from caviar.model.steps.proof import check_step
from tests.model.broken_arms import BROKEN_BACKWARD, BROKEN_FORWARD, right
from tests.model.broken_passes import with_backward, with_forward
from tests.model.helpers import (
    checked,
    generators,
    normal,
    randomised_network,
    two_norms,
    with_moved_references,
)

ARMS = tuple(right(8))
FORWARD = [(arm, how) for arm, rows in BROKEN_FORWARD.items() for how in rows]
BACKWARD = [(arm, how) for arm, rows in BROKEN_BACKWARD.items() for how in rows]
DTYPES: list[DTypeLike] = [np.float32, np.float64]
SIZES: list[tuple[int, DTypeLike]] = [(4, np.float32), (8, np.float64), (32, np.float32)]
"""Mistakes are as large at every size; single precision has the wider tolerance."""


@pytest.mark.parametrize("arm", ARMS)
def test_every_arm_passes(arm: str) -> None:
    for m, dtype in product((3, 4, 5, 8, 16, 64, 128), DTYPES):
        for ghosts in (8, 24) if m < 64 else (2, 4):
            x = normal(ghosts, 2, ghosts * m, 9).astype(dtype)
            # Each precision has both, one at few ghosts and one at many.
            bias = (dtype == np.float64) == (ghosts in (8, 2))
            invariants = checked(two_norms(right(m)[arm], bias), x, ghosts)
            assert invariants.passed, (m, dtype, bias, invariants)


@pytest.mark.parametrize("arm", ARMS)
def test_every_arm_passes_on_awkward_inputs(arm: str) -> None:
    values = normal(1, 2, 256, 9)
    for m, dtype in product((4, 16, 128), DTYPES):
        first = np.arange(256)[:, None] % m == 0
        inputs = {
            "far from zero": 0.01 * values + 20,
            "constant": np.full_like(values, 17.3),
            "tiny": 1e-6 * values,
            "huge": 1e6 * values,
            "binary": (values > 1).astype(float),
            "one outlier per ghost": np.where(first, 1000 * values, 0),
        }
        for kind, x in inputs.items():
            invariants = checked(two_norms(right(m)[arm], bias=True), x.astype(dtype))
            assert invariants.passed, (m, dtype, kind, invariants)


@pytest.mark.parametrize("arm", ["batch", "stop gradient", "renorm", "shift noise", "noise"])
def test_rounding_that_goes_one_way_is_no_fault(arm: str) -> None:
    """One outlier among 255 equal values: every addition rounds to the same side."""
    x = np.where(np.arange(256)[:, None] == 0, 1000 * normal(1, 2, 256, 9), 0)
    for seed, dtype in product((256, 257, 1256), DTYPES):
        invariants = checked(two_norms(right(256)[arm]), x.astype(dtype), seed)
        assert invariants.passed, (seed, dtype, invariants)


@pytest.mark.parametrize(("arm", "how"), FORWARD)
def test_a_wrong_forward_pass_fails(arm: str, how: str) -> None:
    forward, expected = BROKEN_FORWARD[arm][how]
    for m, dtype in SIZES:
        invariants = checked(two_norms(with_forward(right(m)[arm], forward)), _plain(dtype))
        assert expected <= set(invariants.failed), (m, dtype, invariants)


@pytest.mark.parametrize(("arm", "how"), BACKWARD)
def test_a_wrong_backward_pass_fails(arm: str, how: str) -> None:
    backward, expected = BROKEN_BACKWARD[arm][how]
    for m, dtype in SIZES:
        invariants = checked(two_norms(with_backward(right(m)[arm], backward)), _plain(dtype))
        assert expected <= set(invariants.failed), (m, dtype, invariants)


def _plain(dtype: DTypeLike) -> Array:
    return normal(0, 4, 256, 9).astype(dtype)


@pytest.mark.parametrize(("arm", "how"), FORWARD)
def test_one_wrong_layer_is_enough(arm: str, how: str) -> None:
    layer = right(8)[arm]
    wrong = with_forward(layer, BROKEN_FORWARD[arm][how][0])
    for place in ("norm1", "norm2"):
        layers = two_norms(layer).layers
        network = Network(
            tuple((k, wrong if k == place else right_layer) for k, right_layer in layers)
        )
        assert not checked(network, _plain(np.float64)).passed


KINDS = {type(layer.normaliser) for layer in right(8).values()}


@pytest.mark.parametrize("kind", sorted(KINDS, key=str))
def test_every_identity_of_an_arm_fails_for_some_mistake(kind: type[Normaliser]) -> None:
    """No identity holds whatever the arm does; the coupling has its own tests."""
    failed: set[str] = set()
    for arm, layer in right(8).items():
        if isinstance(layer.normaliser, kind):
            wrong = [with_forward(layer, f) for f, _ in BROKEN_FORWARD[arm].values()]
            wrong += [with_backward(layer, b) for b, _ in BROKEN_BACKWARD[arm].values()]
            for broken in wrong:
                failed |= set(checked(two_norms(broken), _plain(np.float64)).failed)
    assert kind.identities.keys() - {"coupling"} <= failed


@pytest.mark.parametrize("arm", ARMS)
def test_identities_that_do_not_apply_are_absent(arm: str) -> None:
    names = set(checked(two_norms(right(8)[arm]), _plain(np.float64)).checks)
    assert ("coupling" in names) == (arm == "batch")
    assert ("stopped" in names) == (arm == "stop gradient")
    assert ("shift_null" in names) == (arm not in ("stop gradient", "momentum"))
    assert ("centre" in names) == (arm not in ("leave one out", "other examples", "momentum"))
    assert ("limits" in names) == (arm == "renorm")
    assert ("noise" in names) == ("noise" in arm and arm != "ghost noise")
    assert ("borrowed" in names) == (arm in ("ghost noise", "drawn ghosts"))
    assert ("drawn" in names) == (arm == "drawn ghosts")
    assert ("moments" in names) == (arm not in ("layer", "group"))
    assert ("groups" in names) == (arm == "group")
    assert ("stretch" in names) == (arm == "momentum")
    assert {"deviation", "definition", "gains", "output"} <= names


@pytest.mark.parametrize("arm", ARMS)
def test_examples_without_a_loss_are_no_hindrance(arm: str) -> None:
    """Rows without a loss have upstream gradients of 0, and so may all rows."""
    x, network = normal(0, 2, 64, 9), two_norms(right(8)[arm])
    parameters, _ = network.init(generators(2), 9, np.float64)
    parameters = randomised_network(parameters, 3)
    parameters = with_moved_references(network, parameters, 3)
    logits, tape = network.forward(parameters, x, generators(2))
    upstream = normal(1, *logits.shape)
    upstream[:, 16:] = 0
    for dy in (upstream, 0 * upstream):
        invariants = check_step(network, parameters, tape, dy)
        assert invariants is not None and invariants.passed, invariants


@pytest.mark.parametrize("activation", [Relu(), Tanh()])
@pytest.mark.parametrize("arm", ARMS)
def test_the_output_is_followed_through_what_comes_after(arm: str, activation: Layer) -> None:
    """The output is followed through activation and dropout to the next dense layer."""
    x, layer = normal(0, 2, 64, 9), right(8)[arm]

    def network(norm: Norm) -> Network:
        after = (("act", activation), ("dropout", Dropout(0.4)), ("dense2", Dense(3)))
        return Network((("dense1", Dense(8)), ("norm1", norm), *after))

    invariants = checked(network(layer), x)
    assert invariants.passed and "output" in invariants.checks, invariants

    def late(
        self: Norm, parameters: Parameters, h: Array, streams: Generators
    ) -> tuple[Array, Any]:
        y, tape = Norm.forward(self, parameters, h, streams)
        return y + 1e-6, tape

    assert checked(network(with_forward(layer, late)), x).failed == ("output",)


def test_an_output_that_no_dense_layer_takes_up_is_not_checked() -> None:
    x, layer = normal(0, 2, 64, 9), Norm(LayerNorm())
    network = Network((("dense1", Dense(7)), ("norm1", layer), ("norm2", layer)))
    invariants = checked(network, x)
    assert invariants.passed and "output" not in invariants.checks


def test_two_ghosts_are_each_other_s_statistics() -> None:
    x = normal(0, 2, 16, 9)
    assert checked(two_norms(Norm(OtherExamplesNorm(8))), x).passed


def test_what_a_layer_carries_besides_its_gains_stays_in_reach_of_its_backward_pass() -> None:
    x, layer = normal(0, 2, 64, 9), Norm(BatchNorm(8))

    def backward(
        self: Norm, parameters: Parameters, tape: NormTape, dy: Array
    ) -> tuple[Array, Parameters]:
        dx, gradients = Norm.backward(layer, parameters, tape, dy)
        return dx * parameters["one"], gradients

    network = Network(
        (("dense1", Dense(7)), ("norm1", with_backward(Norm(StopGradientNorm(8)), backward)))
    )
    parameters, _ = network.init(generators(2), 9, np.float64)
    parameters["norm1"]["one"] = np.ones((2, 1, 1))
    logits, tape = network.forward(parameters, x, ())
    invariants = check_step(network, parameters, tape, normal(1, *logits.shape))
    assert invariants is not None and invariants.failed == ("stopped",)
