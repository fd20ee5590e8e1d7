from __future__ import annotations

import itertools
from collections.abc import Mapping

import numpy as np
import pytest
import torch
from torch import Tensor

from caviar.analysis.audit.evidence import Estimate, Moments
from caviar.runner.torch_models.measuring.enough import in_order, read_until, shortfall
from caviar.runner.torch_models.running.batches import Reader
from tests.runner.torch_models.nets import mlp, rows, subject


def _estimate(mean_error: float, variance_error: float) -> Estimate:
    """Three features of deviation 2, the last of them constant."""
    variance = np.array([4.0, 4.0, 0.0])
    error = Moments(np.full(3, 2 * mean_error), np.full(3, 4 * variance_error))
    return Estimate(Moments(np.zeros(3), variance), error)


def _stored(mean: float, log_ratio: float) -> Moments:
    return Moments(np.full(3, 2 * mean), np.full(3, 4 * np.exp(log_ratio)))


@pytest.mark.parametrize(
    "errors, distances, expected",
    [
        ((0.019, 0.019), (0.0, 0.0), True),
        ((0.021, 0.019), (0.0, 0.0), False),
        ((0.019, 0.021), (0.0, 0.0), False),
        ((0.049, 0.019), (0.5, 0.0), True),
        ((0.051, 0.019), (0.5, 0.0), False),
        ((0.019, 0.049), (0.0, -0.5), True),
        ((0.019, 0.051), (0.0, -0.5), False),
        ((np.nan, 0.01), (0.0, 0.0), True),
    ],
)
def test_errors_are_a_tenth_of_what_is_reported(
    errors: tuple[float, float], distances: tuple[float, float], expected: bool
) -> None:
    worst = shortfall({"1": _estimate(*errors)}, {"1": _stored(*distances)})
    assert (worst <= 1) is expected


def test_every_layer_counts_and_one_without_statistics_too() -> None:
    good, bad = _estimate(0.01, 0.01), _estimate(0.03, 0.01)
    assert shortfall({"1": good, "2": good}, {"1": None, "2": None}) == pytest.approx(0.5)
    assert shortfall({"1": good, "2": bad}, {"1": None, "2": None}) == pytest.approx(1.5)


@torch.no_grad()
@pytest.mark.parametrize(
    "lacking, most, expected",
    [
        ([1.0], 10_000, 100),
        ([2.0, 1.0], 10_000, 440),
        ([100.0, 1.0], 10_000, 800),
        ([1.01, 1.0], 10_000, 120),
        ([2.0, 2.0, 1.0], 10_000, 1940),
        ([2.0, 5.0], 300, 300),
    ],
)
def test_the_next_number_of_examples_follows_from_the_error(
    lacking: list[float], most: int, expected: int
) -> None:
    """Errors fall as one over the root: twice too large takes 4.4 times as many."""
    model, errors = mlp(4), iter(lacking)
    batches = (rows(10, seed=i) for i in itertools.count())
    reader = Reader(batches, model, None, None)
    part, generator = subject(model, rows(10)), np.random.default_rng(0)
    enough = read_until(reader, part, (100, most), lambda _: next(errors), generator)
    assert enough.examples.number == expected
    assert next(errors, None) is None


def _labels(kind: str) -> Tensor:
    random = torch.as_tensor(np.random.default_rng(0).integers(5, size=500))
    by_batch = torch.as_tensor(np.random.default_rng(0).integers(5, size=50)).repeat_interleave(10)
    kinds = {"random": random, "by batch": by_batch, "one": torch.ones(500, dtype=torch.int64)}
    return (kinds | {"sorted": random.sort().values, "numbers": random.sort().values / 2})[kind]


@pytest.mark.parametrize(
    "kind, expected",
    [("random", False), ("by batch", True), ("one", True), ("sorted", True), ("numbers", False)],
)
def test_labels_that_come_in_an_order_are_seen(kind: str, expected: bool) -> None:
    assert in_order(_labels(kind)) is expected
    assert not in_order(None)


@torch.no_grad()
def test_sorted_data_are_read_on_and_errors_are_those_of_their_order() -> None:
    """What comes first is another population than the whole."""

    x, _ = rows(4000)
    by_size = x[x[:, 0].argsort()]
    model, generator = mlp(4), np.random.default_rng(0)
    part = subject(model, rows(10))

    def read(data: Tensor, labels: Tensor) -> int:
        given = zip(data.split(50), labels.split(50), strict=True)
        reader = Reader(given, model, None, None)
        return read_until(reader, part, (500, 4000), lacking, generator).examples.number

    def lacking(estimates: Mapping[str, Estimate]) -> float:
        return shortfall(estimates, {"1": None}) / 3

    monotone, mixed = torch.arange(4000) // 1000, torch.arange(4000) % 5
    assert read(x, mixed) < 1500
    assert read(by_size, mixed) == 4000
    assert read(x, monotone) == 4000
