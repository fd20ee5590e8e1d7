from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from caviar.analysis.audit.audit import Audit
from caviar.analysis.models.compared import compare_audits, text
from caviar.analysis.models.results import model_results
from caviar.analysis.run.read import read_run
from caviar.runner.errors import RequestError
from caviar.runner.store.open import storage_at
from caviar.runner.torch_models.audit_rows import audit_rows, keep_audit, updates_of
from caviar.runner.verify.run import verify_run
from tests.analysis.audit.made import evidence, layer, reading, readings, stored


def test_losses_are_rows_of_evaluations_with_the_error_of_their_excess() -> None:
    made = evidence(train=readings(), test=readings(stored=0.5))
    rows = {
        (r["split"], r["statistics"], r["tracker"], r["norm_batch_size"]): r
        for r in audit_rows(made)["evaluations"]
    }
    assert rows["test", "running", "own", 32]["loss"] == 0.5
    assert rows["train", "running", "own", 32]["excess_error"] == 0.001
    assert rows["train", "batch", "", 4]["loss"] == pytest.approx(0.6)
    assert rows["train", "population", "", 32]["excess_error"] is None
    assert len(rows) == 12


def test_errors_of_what_is_stored_are_rows_of_statistics() -> None:
    one = layer("bn1")
    exact = one.population.moments
    moved = stored(one, exact.mean + 0.5 * np.sqrt(exact.variance + 1e-5), 2 * exact.variance)
    nothing = replace(layer("bn2"), stored=None)
    (row,) = audit_rows(evidence(moved, nothing))["statistics"]
    assert (row["layer"], row["tracker"]) == ("bn1", "own")
    assert row["mean_error"] == pytest.approx(0.5)
    assert row["variance_error"] == pytest.approx(np.log(2), rel=1e-4)
    assert "mean_sampling" not in row


def test_penalties_are_losses_in_batches_less_those_of_the_population() -> None:
    made = readings(batches={4: reading(0.6), 32: reading(0.3)})
    noise = audit_rows(evidence(train=made))["noise"]
    network = {r["norm_batch_size"]: r["noise_penalty"] for r in noise if r["layer"] == "network"}
    assert network == pytest.approx({4: 0.4, 32: 0.1})
    of_layers = [r["mean_variance"] for r in noise if r["layer"] != "network"]
    assert of_layers == pytest.approx([1 / 32] * 3)
    bare = audit_rows(evidence(train=None))
    assert not bare["evaluations"] and len(bare["noise"]) == 3


def test_updates_are_those_counted_or_given() -> None:
    unknown = evidence(layer(updates=5), replace(layer("b"), updates=None))
    assert updates_of(unknown) == 5 and updates_of(replace(unknown, steps=70)) == 70
    assert updates_of(evidence(replace(layer(), updates=None))) == 0


def test_a_kept_audit_is_read_verified_reported_and_compared(tmp_path: Path) -> None:
    healthy = evidence(layer("bn1"), layer("bn2"))
    begun = evidence(layer("bn1", weight=0.8, updates=100, momentum=0.002), layer("bn3"))
    begun = replace(begun, train=readings(stored=2.0))
    for name, made in (("before", begun), ("after", healthy)):
        told = json.loads(Audit(made).to_json())
        keep_audit(tmp_path / name, "Net", made, told, "caviar audit")
    assert verify_run(storage_at(tmp_path / "before")).faults == 0
    before, after = (read_run(tmp_path / name) for name in ("before", "after"))
    results = model_results(before)
    assert results.answers[0].says == Audit(begun).sentence
    assert results.tables[0].table["layer"].tolist() == ["bn1", "bn3"]
    two = compare_audits(before, after)
    assert two.differ and two.causes[1] == "healthy" and two.losses["stored"] == (2.0, 0.2)
    assert [change.name for change in two.layers] == ["bn1"]
    assert (two.only_before, two.only_after) == (("bn3",), ("bn2",))
    assert "stored 2, then 0.2" in text(two, before, after)
    (trial,) = pq.read_table(tmp_path / "after/trials").to_pylist()
    assert trial["norm_batch_size"] == 32 and trial["learning_rate"] is None
    with pytest.raises(RequestError, match="holds the audit of Net, 2 norms already"):
        keep_audit(tmp_path / "after", "Net", healthy, {}, "caviar audit")
