from __future__ import annotations

import numpy as np
import pytest

from caviar.model.averages.bank import frozen
from caviar.model.kernels.measuring.workspace import Workspace
from caviar.model.measurements.evalnorm import evalnorm_statistics
from caviar.model.measurements.losses import batch_and_external_statistics
from caviar.model.measurements.population import moments_over_examples, population
from caviar.model.network import Statistics
from tests.model.helpers import generators, random_examples, randomised_network, small_mlp

pytestmark = pytest.mark.usefixtures("kernels")
NETWORK = small_mlp(hidden=(37, 5, 9), epsilon=1e-3)
DATA = random_examples(240, 2)
PARAMETERS = randomised_network(NETWORK.init(generators(2), 4, np.float64)[0], 3)
ROWS = np.stack([g.permutation(240)[:208] for g in generators(2)])


def test_logits_are_those_of_the_network_under_every_kind_of_statistics() -> None:
    work = Workspace.of(NETWORK, PARAMETERS)
    exact = population(NETWORK, PARAMETERS, DATA, (), generators(2)).moments
    kinds: list[Statistics] = [frozen(exact), evalnorm_statistics(exact, 8)]
    kinds += batch_and_external_statistics(8)
    order = np.tile(np.arange(240), (2, 1))
    for kind in kinds:
        logits = work.logits(work.outputs(DATA, order), ROWS, kind)
        expected = NETWORK.predict(PARAMETERS, DATA.take(ROWS)[0], kind)
        np.testing.assert_allclose(logits, expected, rtol=1e-12, atol=1e-12)


def test_a_layer_is_taken_alone_for_one_replica() -> None:
    work = Workspace.of(NETWORK, PARAMETERS)
    x, h = work.outputs(DATA, ROWS)[1], DATA.take(ROWS)[0][1:]
    layers = list(NETWORK.layers)
    for i in range(3):
        (dense, below), (norm, layer), *_ = layers[3 * i : 3 * i + 2]
        one = {n: {k: a[1:] for k, a in by.items()} for n, by in PARAMETERS.items()}
        h = below.predict(one[dense], h, lambda x: moments_over_examples(x))
        exact_here = work.exact(x, i)
        for ours, theirs in zip(exact_here, moments_over_examples(h), strict=True):
            np.testing.assert_allclose(ours, theirs, rtol=1e-12)
        x = work.above(x, 1, i, frozen({norm: exact_here}))
        h = np.maximum(layer.predict(one[norm], h, moments_over_examples), 0)
    logits = x.reshape(1, 208, -1)[:, :, :3] + work.bias[1]
    expected = layers[-1][1].predict(one[layers[-1][0]], h, moments_over_examples)
    np.testing.assert_allclose(logits, expected, rtol=1e-12, atol=1e-12)
