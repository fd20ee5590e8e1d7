from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from torch.nn.functional import cross_entropy

from caviar.model.contract import Moments
from caviar.runner.torch_models.watching.averages import trackers_of
from caviar.runner.torch_models.watching.preparation import Data, probe_of
from caviar.runner.torch_models.watching.probes import Trained
from tests.runner.torch_models.watching.trained import batches, train

TRACKERS = trackers_of(("biased",), (0.5,))


def test_a_probe_measures_what_a_network_that_knows_its_data_would_give() -> None:
    """Whole-set statistics layer by layer, with dropout off, written out in PyTorch."""
    model = train()[0].model
    x, y = (torch.cat(parts) for parts in zip(*batches(), strict=True))
    probe = probe_of(model, Data(batches(), None, 128, None, None, None), TRACKERS)
    averages = {name: Moments(np.ones((1, 1, f)), np.full((1, 1, f), 2.0)) for name, f in SIZES}
    rows = probe.rows(Trained(7, 32, averages), last=True)
    known: dict[str, tuple[Any, Any]] = {}
    with torch.no_grad():
        h = x
        for name, layer in model.eval().named_children():
            if name in dict(SIZES):
                axes = [0, *range(2, h.ndim)]
                mean, variance = h.double().mean(axes), h.double().var(axes, correction=0)
                known[name] = mean.numpy(), variance.numpy()
                layer.running_mean.copy_(mean)
                layer.running_var.copy_(variance)
            h = layer(h)
        loss = float(cross_entropy(h, y))
    evaluations = {(r["statistics"], r["tracker"]): r for r in rows["evaluations"]}
    assert evaluations["population", ""]["loss"] == pytest.approx(loss, rel=1e-5)
    errors = {(r["layer"], r["tracker"]): r for r in rows["statistics"]}
    for name, (centre, spread) in known.items():
        shift = (1 - centre) / np.sqrt(spread + 1e-5)
        ratio = np.log((2 + 1e-5) / (spread + 1e-5))
        row = errors[name, "biased/0.5"]
        assert row["mean_error"] == pytest.approx(np.sqrt(np.mean(shift**2)), rel=1e-4)
        assert row["variance_bias"] == pytest.approx(ratio.mean(), rel=1e-4)
    assert {row["step"] for table in rows.values() for row in table} == {7}


SIZES = (("1", 4), ("6", 8))


def test_the_penalty_is_that_of_random_batches_and_nothing_at_the_whole_probe() -> None:
    """One batch of everything has population statistics: no penalty, whatever the order."""
    model = train()[0].model
    probe = probe_of(model, Data(batches(), None, 128, None, None, None), TRACKERS)
    noise = probe.rows(Trained(1, 128, {}), last=True)["noise"]
    penalties = {r["norm_batch_size"]: r["noise_penalty"] for r in noise if r["layer"] == "network"}
    assert list(penalties) == [4, 8, 16, 32, 64, 128]
    assert penalties[128] == pytest.approx(0, abs=1e-6)
    assert penalties[4] > penalties[16] > penalties[64]
    before = probe.rows(Trained(1, 16, {}), last=False)["noise"]
    assert {row["norm_batch_size"] for row in before} == {16}


def test_a_batch_is_held_against_its_own_examples() -> None:
    """One batch of the whole probe adds nothing, and that is certain, in whatever order."""
    model = train()[0].model
    probe = probe_of(model, Data(batches(), None, 128, None, None, None), TRACKERS)
    rows = probe.rows(Trained(1, 128, {}), last=False)["evaluations"]
    (batch,) = [row for row in rows if row["statistics"] == "batch"]
    assert batch["excess_error"] < 1e-6
    # Of 128 examples two batches of 48 hold 96, drawn at random.
    noise = probe.rows(Trained(1, 48, {}), last=False)["noise"]
    (network,) = [row for row in noise if row["layer"] == "network"]
    assert network["batches"] == 2 and 0 < network["noise_penalty"] < 0.1
