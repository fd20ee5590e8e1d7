"""Batches sorted by class, against a network evaluated class by class by hand."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from caviar.model.measurements.losses import AtWeights, batch_statistics, evaluate
from caviar.model.measurements.sorted_batches import sorted_scores
from tests.model.helpers import (
    initial,
    random_examples,
    randomised_network,
    small_mlp,
)
from tests.model.moment import LIGHT, SPLITS, STATE, TRAINING, evaluations, measured

NETWORK = small_mlp()
PARAMETERS = randomised_network(initial(NETWORK, 4, (0, 1)), 70)
EXAMPLES = random_examples(24, 2)
CLASSES = replace(EXAMPLES, labels=EXAMPLES.index % 3)
"""Three classes of eight in any order, another one for each replica."""


def test_whole_classes_share_their_statistics() -> None:
    """In groups of eight: the mean over classes of a class evaluated alone."""
    scores = sorted_scores(AtWeights(NETWORK, PARAMETERS), CLASSES, 8)
    kinds = {"batch": batch_statistics(8)}
    alone = []
    for label in range(3):
        rows = np.stack([np.flatnonzero(of == label) for of in CLASSES.labels])
        alone.append(evaluate(NETWORK, PARAMETERS, CLASSES, kinds, group=8, order=rows)["batch"])
    for of_sorted, of_classes in zip(scores, zip(*alone, strict=True), strict=True):
        np.testing.assert_allclose(of_sorted, np.mean(of_classes, axis=0), rtol=1e-12)


def test_sorting_changes_nothing_where_all_share_their_statistics() -> None:
    kinds = {"batch": batch_statistics(24)}
    shuffled = evaluate(NETWORK, PARAMETERS, CLASSES, kinds, group=24)["batch"]
    for one, other in zip(
        sorted_scores(AtWeights(NETWORK, PARAMETERS), CLASSES, 24), shuffled, strict=True
    ):
        np.testing.assert_allclose(one, other, rtol=1e-12)


@pytest.mark.parametrize("size", [5, 7])
def test_a_group_where_classes_meet_is_scored_once(size: int) -> None:
    """24 is no multiple: whatever the order within a class, every example counts once."""
    scores = sorted_scores(AtWeights(NETWORK, PARAMETERS), CLASSES, size)
    assert np.isfinite(scores.loss).all() and ((scores.accuracy * 24) % 1 < 1e-9).all()


def test_a_probed_moment_reads_the_test_split_in_batches_sorted_by_class() -> None:
    """And no other row, nor a moment at which little is measured."""
    rows = evaluations(measured())
    size = TRAINING.norm_batch_size
    expected = sorted_scores(AtWeights(TRAINING.network, STATE.parameters), SPLITS.test, size)
    for key, row in rows.items():
        if key == ("test", "batch", ""):
            np.testing.assert_array_equal([row.sorted_loss, row.sorted_accuracy], expected)
            assert (row.sorted_loss != row.loss).all()
        else:
            assert np.isnan([row.sorted_loss, row.sorted_accuracy]).all()
    light = evaluations(measured(step=LIGHT))
    assert all(np.isnan(row.sorted_loss).all() for row in light.values())
