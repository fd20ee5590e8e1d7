from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from caviar.model.averages.bank import frozen
from caviar.model.contract import Array
from caviar.model.kernels.measuring import at_weights
from caviar.model.kernels.measuring.at_weights import OnKernels, evaluates
from caviar.model.kernels.measuring.workspace import Workspace
from caviar.model.measurements.evalnorm import evalnorm_moments, evalnorm_statistics
from caviar.model.measurements.losses import (
    AtWeights,
    batch_and_external_statistics,
    batch_statistics,
)
from caviar.model.measurements.population import population
from caviar.model.network import Network, Statistics
from tests.model.helpers import generators, random_examples, randomised_network, small_mlp

pytestmark = pytest.mark.usefixtures("kernels")
NETWORK = small_mlp()
DATA = random_examples(1100, 2)
PARAMETERS = randomised_network(NETWORK.init(generators(2), 4, np.float64)[0], 3)
EXACT = population(NETWORK, PARAMETERS, DATA, (), generators(2))


def kinds() -> dict[str, Statistics]:
    inside, external = batch_and_external_statistics(12)
    around = evalnorm_statistics(EXACT.moments, 8)
    known = frozen(EXACT.moments)
    return {"known": known, "evalnorm": around, "inside": inside, "external": external}


@pytest.mark.parametrize("kept", [True, False])
@pytest.mark.parametrize("count", [None, 500, 1090])
def test_scores_are_those_of_the_plain_lines(
    kept: bool, count: int | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In several chunks, with a last group that is filled up, with and without kept outputs."""
    monkeypatch.setattr(at_weights, "KEPT", 2**24 if kept else 0)
    order = None if count is None else np.stack([g.permutation(1100) for g in generators(2)])
    order = None if order is None else order[:, :count]
    ours, theirs = (
        weights(NETWORK, PARAMETERS).evaluate(DATA, kinds(), group=24, order=order)
        for weights in (OnKernels, AtWeights)
    )
    assert list(ours) == list(theirs)
    for key, scores in theirs.items():
        np.testing.assert_allclose(ours[key], scores, rtol=1e-12)


def test_population_and_evalnorm_are_those_of_the_plain_lines() -> None:
    weights, draws = OnKernels(NETWORK, PARAMETERS), (generators(2, 5), generators(2, 5))
    ours = weights.population(DATA, (4, 16), draws[0])
    theirs = population(NETWORK, PARAMETERS, DATA, (4, 16), draws[1])
    around = evalnorm_moments(NETWORK, PARAMETERS, DATA, 8)
    pairs = (ours.moments, theirs.moments), (weights.evalnorm(DATA, 8), around)
    for one, other in pairs:
        for name, moments in other.items():
            np.testing.assert_allclose(one[name], moments, rtol=1e-12)
    for name, sizes in theirs.spread.items():
        for size, spread in sizes.items():
            for field, expected in spread._asdict().items():
                value = getattr(ours.spread[name][size], field)
                np.testing.assert_allclose(value, expected, rtol=1e-12)


def test_what_a_pass_of_the_whole_split_has_found_is_not_made_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """For all rows in any order; not for fewer, for some of them twice, or for another split."""
    weights = OnKernels(NETWORK, PARAMETERS)
    exact = weights.population(DATA, (), generators(2)).moments
    around = evalnorm_statistics(weights.evalnorm(DATA, 8), 8)
    asked: dict[str, Statistics] = {"a": frozen(exact), "b": around}
    expected = AtWeights(NETWORK, PARAMETERS).evaluate(DATA, asked)
    made: list[int] = []
    right = Workspace.logits

    def counted(*given: Any) -> Array:
        made.append(1)
        return right(*given)

    monkeypatch.setattr(Workspace, "logits", counted)
    whole = np.stack([g.permutation(1100) for g in generators(2)])
    for order in (None, whole):
        for key, scores in weights.evaluate(DATA, asked, order=order).items():
            np.testing.assert_allclose(scores, expected[key], rtol=1e-12)
    assert not made
    twice = whole.copy()
    twice[1, 0] = twice[1, 1]
    for order in (whole[:, :1000], twice):
        weights.evaluate(DATA, {"a": frozen(exact)}, order=order)
    weights.evaluate(replace(DATA), {"a": frozen(exact)})
    weights.evaluate(DATA, {"a": frozen(dict(exact)), "c": batch_statistics(4)}, group=4)
    assert len(made) == 1 + 2 + 2 + 4


def test_some_replicas_are_a_smaller_stack() -> None:
    weights, kept = OnKernels(NETWORK, PARAMETERS), np.array([1])
    whole = weights.evaluate(DATA, kinds(), group=24)
    part = weights.of_replicas(kept).evaluate(DATA.of_replicas(kept), kinds_of(kept), group=24)
    for key, scores in whole.items():
        np.testing.assert_allclose(np.array(part[key])[:, 0], np.array(scores)[:, 1], rtol=1e-12)


def test_some_replicas_keep_the_first_outputs_of_all(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of the same rows, not of others or of rows standardised otherwise."""
    made: list[int] = []
    kept, right = np.array([1]), Workspace.outputs

    def counted(*given: Any) -> Array:
        made.append(1)
        return right(*given)

    monkeypatch.setattr(Workspace, "outputs", counted)
    weights = OnKernels(NETWORK, PARAMETERS)
    weights.evaluate(DATA, kinds(), group=24)
    some, part = DATA.of_replicas(kept), weights.of_replicas(kept)
    part.evaluate(some, kinds_of(kept), group=24)
    assert len(made) == 1
    for other in (replace(some, scale=2 * some.scale), DATA.of_replicas(np.array([0]))):
        expected = AtWeights(NETWORK, part.parameters).evaluate(other, kinds_of(kept), group=24)
        for key, scores in part.evaluate(other, kinds_of(kept), group=24).items():
            np.testing.assert_allclose(scores, expected[key], rtol=1e-12)
    assert len(made) == 3


def kinds_of(kept: np.ndarray) -> dict[str, Statistics]:
    some = {n: type(m)(*(part[kept] for part in m)) for n, m in EXACT.moments.items()}
    inside, external = batch_and_external_statistics(12)
    around = evalnorm_statistics(some, 8)
    return {"known": frozen(some), "evalnorm": around, "inside": inside, "external": external}


@pytest.mark.parametrize(
    ("network", "can"),
    [(NETWORK, True), (small_mlp("layer"), False), (small_mlp("none"), False)],
)
def test_networks_of_batch_norms_alone_are_evaluated(network: Network, can: bool) -> None:
    assert evaluates(network) is can
