"""The contract of `--json`."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from caviar.analysis.audit.contract import (
    batch_noise_of,
    charged_most,
    layers_of,
    losses_of,
    told_of,
)
from caviar.analysis.audit.evidence import Difference
from caviar.analysis.audit.facts import facts_of
from caviar.analysis.audit.verdict import judged
from tests.analysis.audit.made import evidence, layer, readings


def test_the_keys_of_the_contract() -> None:
    facts = facts_of(evidence(train=readings(charged={"bn2": Difference(0.02, 0.01)})))
    told = told_of(facts, judged(facts))
    assert {"cause", "sentence", "actions", "loss", "layers", "also"} <= told.keys()
    assert told["loss"] == {"stored": 0.2, "population": 0.2, "precise": 0.2, "batch": 0.25}
    parts = {"name", "start", "sampling", "lag", "bias", "shift", "kl_per_unit", "loss"}
    assert all(parts <= one.keys() for one in told["layers"])
    assert [one["loss"] for one in told["layers"]] == [None, 0.02, None]
    assert told["layers"][0]["shift"] is None
    assert told["layers"][0]["sampling"]["mean"].keys() == {"rms", "low", "high"}


def test_what_is_not_finite_is_null() -> None:
    facts = facts_of(evidence(train=readings(stored=float("nan"))))
    told = json.loads(json.dumps(told_of(facts, judged(facts)), allow_nan=False))
    assert told["loss"]["stored"] is None


def test_losses_are_those_of_the_test_set_where_there_is_one() -> None:
    both = evidence(test=readings(population=0.4))
    assert (losses_of(both) or {})["population"] == 0.4
    assert losses_of(evidence(train=None)) is None


def test_batch_noise_is_the_loss_in_batches_less_that_with_the_population() -> None:
    assert batch_noise_of(evidence()) == pytest.approx({"4": 0.4, "64": 0.02})
    tested = evidence(test=replace(readings(population=0.4), batches={}))
    assert batch_noise_of(tested) == batch_noise_of(evidence())  # Training examples alone have it.


def test_a_norm_that_stores_nothing_has_no_parts() -> None:
    one = replace(layer(), stored=None)
    (told,) = layers_of(facts_of(evidence(one)))
    assert (told["start"], told["kl_per_unit"]) == (None, None)
    assert told["units"]["units"] == 64


def test_layers_that_cost_most_come_first() -> None:
    layers: list[dict[str, object]] = [
        {"name": "a", "loss": None, "kl_per_unit": 0.1},
        {"name": "b", "loss": 0.2, "kl_per_unit": 0.0},
        {"name": "c", "loss": None, "kl_per_unit": 0.3},
    ]
    assert [one["name"] for one in charged_most(layers)] == ["b", "c", "a"]
