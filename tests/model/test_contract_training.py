"""Every norm with batch statistics trains and is measured like batch norm."""

from __future__ import annotations

import numpy as np
import pytest

from caviar.model.norms.registry import NORMS
from caviar.model.records import (
    Checked,
    Curve,
    Evaluation,
    LogProbabilities,
    Noise,
    Probing,
    Record,
    StatisticsError,
)
from tests.model.helpers import built, run, small_mlp, small_probes, small_splits, small_training

REPORTED = {Curve, Evaluation, StatisticsError, Noise, LogProbabilities, Probing}
ABSENT: dict[tuple[type, bool], set[str]] = {
    (Noise, False): {
        *("noise_penalty", "external_penalty", "self_influence", "predicted_self_influence"),
        *("partition_variance", "gradient_variance"),
        *("self_influence_error", "penalty_partitions"),
    },
    (Evaluation, False): {"sorted_loss", "sorted_accuracy"},
    (Noise, True): {
        *("mean_variance", "deviation_variance", "excess_kurtosis"),
        *("noise_to_signal", "coupling"),
    },
}
KINDS = {"population", "precise", "evalnorm", "running", "batch"}


@pytest.mark.parametrize("name", [k for k, kind in NORMS.items() if kind.uses_batch_statistics])
def test_arms_train_and_are_measured_like_batch_norm(name: str) -> None:
    arm = built(name, norm_batch_size=4)
    assert arm is not None
    last = frozenset({4})
    training = small_training(
        network=small_mlp(norm=arm),
        steps=4,
        curve_steps=last,
        norm_batch_size=4,
        probes=small_probes(
            sizes=(4,),
            evaluation_steps=last,
            probe_steps=last,
            penalty_partitions=2,
            shadow=True,
            log_probabilities=True,
        ),
    )
    records = run(training, small_splits(2))
    assert {type(r) for r in records if not isinstance(r, Checked)} == REPORTED
    scores = [r for r in records if isinstance(r, Evaluation)]
    assert {r.statistics for r in scores} == KINDS
    for record in records:
        absent = ABSENT.get(_row(record), set())
        for field, value in vars(record).items():
            if isinstance(value, np.ndarray):
                assert np.isfinite(value).all() == (field not in absent), (_row(record), field)


def _row(record: Record) -> tuple[type, bool]:
    """Rows by their columns: noise rows are either about a layer or about the network, and the test
    split under batch statistics alone is evaluated in sorted batches."""
    if isinstance(record, Evaluation):
        return Evaluation, (record.split, record.statistics) == ("test", "batch")
    return type(record), isinstance(record, Noise) and record.layer == "network"
