"""Statistics of the norms cost no memory for classes, of which there may be 100,000."""

from __future__ import annotations

import tracemalloc
from collections.abc import Callable
from dataclasses import replace

import pytest

from caviar.model.contract import NetworkParameters
from caviar.model.measurements.evalnorm import evalnorm_moments
from caviar.model.measurements.losses import batch_statistics, evaluate
from caviar.model.measurements.population import population
from caviar.model.measurements.precise_statistics import propagated
from caviar.model.network import Network
from caviar.model.steps.examples import Examples
from tests.model.helpers import generators, initial, random_examples, small_mlp, small_training

CLASSES, EXAMPLES = 4000, 1024
LOGITS = 8 * CLASSES * EXAMPLES
"""Bytes, in float64, as the tests' networks compute."""

Measured = Callable[[Network, NetworkParameters, Examples], object]

OF_NORMS: dict[str, Measured] = {
    "population": lambda n, p, x: population(n, p, x, (8,), generators(1)),
    "evalnorm": lambda n, p, x: evalnorm_moments(n, p, x, 8),
    "precise": lambda n, p, x: propagated(
        replace(small_training(network=n), batch_size=EXAMPLES), p, x, generators(1)
    ),
}


def peak(measured: Measured, network: Network) -> int:
    """The most bytes in use while something is measured."""
    examples, parameters = random_examples(EXAMPLES), initial(network, 4, (0,))
    tracemalloc.start()
    try:
        measured(network, parameters, examples)
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("kind", OF_NORMS)
def test_statistics_of_norms_need_no_logits(kind: str) -> None:
    assert peak(OF_NORMS[kind], small_mlp(classes=CLASSES)) < LOGITS / 4


def test_a_further_kind_of_statistics_needs_no_further_logits() -> None:
    def under(kinds: str) -> Measured:
        statistics = dict.fromkeys(kinds, batch_statistics(8))
        return lambda n, p, x: evaluate(n, p, x, statistics, group=8)

    network = small_mlp(classes=CLASSES)
    assert peak(under("abcd"), network) < peak(under("a"), network) + 1.5 * LOGITS


def test_what_draws_numbers_is_kept() -> None:
    """Dropout behind the last norm moves the generators that later passes go on with."""
    names = [name for name, _ in small_mlp(dropout=0.5).up_to_last_norm().layers]
    assert names[-1] == "dropout2" and "dense3" not in names
    assert [n for n, _ in small_mlp().up_to_last_norm().layers][-1] == "norm2"
    assert small_mlp("none").up_to_last_norm().layers == ()
