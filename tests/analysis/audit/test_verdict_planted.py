"""Models with planted faults, trained here: an audit names what was planted."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from caviar.analysis.audit.verdict import Verdict, verdict_of
from caviar.runner.torch_models.measuring.measure import measure

ROOT = Path(__file__).resolve().parents[3]
sys.path.append(str(ROOT / "benchmarks"))

from planted.faults import COUNTED, FAULTS, Planted, Site  # noqa: E402
from planted.images import MNIST  # noqa: E402
from planted.networks import ARCHITECTURES  # noqa: E402


@pytest.fixture(scope="module", autouse=True)
def one_thread() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="module")
def site() -> Site:
    """An MLP on scikit-learn's digits."""
    return Site("mlp", 31, MNIST, steps=150)


def audited(planted: Planted, site: Site) -> Verdict:
    data = site.images
    return verdict_of(measure(planted.model(data), planted.batches(data), test=planted.test(data)))


@pytest.mark.parametrize("fault", ["healthy", *COUNTED])
def test_what_was_planted_is_named(site: Site, fault: str) -> None:
    planted = FAULTS[fault](site.fresh(fault))
    assert audited(planted, site).cause == planted.cause, planted.what


@pytest.mark.slow
@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_of_every_architecture_19_of_20_are_named(architecture: str) -> None:
    right, alarms = [], []
    for seed in (40, 41):
        site = Site(architecture, seed, MNIST)
        for fault in site.faults:
            planted = FAULTS[fault](site.fresh(fault))
            right.append(audited(planted, site).cause == planted.cause)
    for seed in range(60, 70):
        site = Site(architecture, seed, MNIST)
        planted = FAULTS["healthy"](site.fresh("healthy"))
        alarms.append(audited(planted, site).cause != "healthy")
    assert sum(right) >= 0.95 * len(right)
    assert sum(alarms) <= 1
