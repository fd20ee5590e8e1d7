from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from caviar.model.contract import Array
from caviar.model.steps.ghost_arrangement import (
    Arrangement,
    class_sorted,
    first_come,
    random,
    repartition,
    stratified,
)
from tests.model.helpers import generators

ARRANGEMENTS: dict[str, Arrangement] = {
    "random": random,
    "stratified": stratified(1),
    "stratified in pairs": stratified(2),
    "class sorted": class_sorted,
    "class sorted, first come": first_come(class_sorted, 2),
}


def _batch(seed: int, batch: int, classes: int, replicas: int = 3) -> tuple[Array, Array]:
    """Distinct rows of a data set in random order, and labels of unequal classes."""
    rng = np.random.default_rng(seed)
    rows = np.stack([rng.permutation(5 * batch)[:batch] for _ in range(replicas)])
    labels = np.minimum(rng.integers(0, classes, rows.shape), rng.integers(0, classes, rows.shape))
    return rows, labels


def _counts(rows: Array, labels: Array, arranged: Array, m: int, classes: int) -> Array:
    """Examples of every class in each ghost, `(replicas, ghosts, classes)`."""
    of_row = [dict(zip(r, c, strict=True)) for r, c in zip(rows, labels, strict=True)]
    after = np.array(
        [[label_of[row] for row in a] for label_of, a in zip(of_row, arranged, strict=True)]
    )
    ghosts = after.reshape(len(rows), -1, m)
    return np.stack([(ghosts == c).sum(axis=2) for c in range(classes)], axis=2)


@settings(deadline=None, max_examples=60)
@given(seed=st.integers(0, 999), batch=st.integers(1, 20), classes=st.integers(1, 6))
def test_the_same_rows_replica_by_replica_and_twice_the_same(
    seed: int, batch: int, classes: int
) -> None:
    rows, labels = _batch(seed, 2 * batch, classes)
    for arrange in ARRANGEMENTS.values():
        before = (rows.copy(), labels.copy())
        arranged = arrange(rows, labels)
        np.testing.assert_array_equal(np.sort(arranged, axis=1), np.sort(rows, axis=1))
        np.testing.assert_array_equal(arranged, arrange(rows, labels))
        np.testing.assert_array_equal((rows, labels), before)
        for r in range(3):
            alone = arrange(rows[r : r + 1], labels[r : r + 1])
            np.testing.assert_array_equal(alone[0], arranged[r])


def test_random_ghosts_are_the_batch_as_it_comes() -> None:
    rows, labels = _batch(0, 24, 4)
    np.testing.assert_array_equal(random(rows, labels), rows)


@settings(deadline=None, max_examples=60)
@given(seed=st.integers(0, 999), ghosts=st.integers(1, 15), m=st.integers(1, 32))
def test_stratified_ghosts_have_every_class_s_share(seed: int, ghosts: int, m: int) -> None:
    """Counts are the floor or the ceiling of the share, as equal as counts can be."""
    rows, labels = _batch(seed, ghosts * m, 4)
    counts = _counts(rows, labels, stratified(m)(rows, labels), m, 4)
    share = _counts(rows, labels, rows, ghosts * m, 4) / ghosts
    assert (counts >= np.floor(share)).all() and (counts <= np.ceil(share)).all()


def test_stratified_ghosts_nest() -> None:
    rows, labels = _batch(0, 24, 4)
    small, large = (stratified(m)(rows, labels).reshape(3, -1, m) for m in (3, 12))
    for r in range(3):
        for ghost in small[r]:
            assert sum(set(ghost) <= set(other) for other in large[r]) == 1


def test_rows_that_ghosts_do_not_divide_are_refused() -> None:
    with pytest.raises(ValueError, match="a batch of 10 cannot be dealt to ghost batches of 4"):
        stratified(4)(*_batch(0, 10, 2))


def test_stratified_ghosts_of_equal_classes_are_alike_and_random_ones_are_not() -> None:
    rows = np.random.default_rng(0).permutation(64)[None]
    counts = _counts(rows, rows % 4, stratified(8)(rows, rows % 4), 8, 4)
    np.testing.assert_array_equal(counts, 2)
    assert (_counts(rows, rows % 4, rows, 8, 4) != 2).any()


def test_sorted_ghosts_have_as_few_classes_as_they_can() -> None:
    rows = np.random.default_rng(0).permutation(64)[None]
    counts = _counts(rows, rows % 4, class_sorted(rows, rows % 4), 8, 4)
    np.testing.assert_array_equal(counts, 8 * np.repeat(np.eye(4), 2, axis=0)[None])


def test_rows_of_a_class_keep_their_order_where_sorted() -> None:
    rows, labels = np.array([[7, 3, 9, 1, 4, 2]]), np.array([[1, 0, 1, 0, 0, 1]])
    np.testing.assert_array_equal(class_sorted(rows, labels), [[3, 1, 4, 7, 9, 2]])
    np.testing.assert_array_equal(stratified(3)(rows, labels), [[3, 4, 9, 1, 7, 2]])


def test_sorting_keeps_the_order_within_classes_in_large_batches_too() -> None:
    rows, labels = _batch(0, 1000, 4)
    for replica_rows, classes, arranged in zip(
        rows, labels, class_sorted(rows, labels), strict=True
    ):
        expected = sorted(range(1000), key=classes.__getitem__)
        np.testing.assert_array_equal(arranged, replica_rows[expected])


def test_repartition_is_a_fresh_permutation_per_replica() -> None:
    rows, _ = _batch(0, 24, 4)
    streams = generators(3)
    first, second = repartition(rows, streams), repartition(rows, streams)
    for drawn in (first, second):
        np.testing.assert_array_equal(np.sort(drawn, axis=1), np.sort(rows, axis=1))
    assert not np.array_equal(first, second)
    np.testing.assert_array_equal(first, repartition(rows, generators(3)))
    np.testing.assert_array_equal(first[1:2], repartition(rows[1:2], generators(3)[1:2]))
    same = repartition(np.tile(rows[:1], (3, 1)), generators(3))
    assert not np.array_equal(same[0], same[1])


def test_repartition_puts_every_row_everywhere_equally_often() -> None:
    streams, count = generators(1), 4000
    rows = np.arange(5)[None]
    drawn = np.concatenate([repartition(rows, streams) for _ in range(count)])
    share = np.array([(drawn == k).mean(axis=0) for k in range(5)])
    assert np.abs((share - 0.2) / np.sqrt(0.2 * 0.8 / count)).max() < 4


@pytest.mark.parametrize("m", [4, 8])
def test_first_come_has_the_same_ghosts_with_that_of_the_first_row_first(m: int) -> None:
    rows, labels = _batch(0, 24, 4)
    for arrangement in (class_sorted, stratified(m)):
        plain = arrangement(rows, labels).reshape(3, -1, m)
        ordered = first_come(arrangement, m)(rows, labels).reshape(3, -1, m)
        for r in range(3):
            assert {tuple(g) for g in plain[r]} == {tuple(g) for g in ordered[r]}
            came = {row: i for i, row in enumerate(rows[r])}
            firsts = [min(came[row] for row in ghost) for ghost in ordered[r]]
            assert firsts == sorted(firsts) and firsts[0] == 0


def test_the_first_ghost_of_sorted_classes_is_as_often_of_each_class() -> None:
    """Each class fills one ghost: in a fixed order only the first class would come first."""
    labels = np.arange(32)[None] // 8
    rng, count = np.random.default_rng(0), 4000
    first = np.zeros(4)
    for _ in range(count):
        rows = rng.permutation(32)[None]
        shown = first_come(class_sorted, 8)(rows, labels[:, rows[0]])[0, :8]
        assert len(set(shown // 8)) == 1
        first[shown[0] // 8] += 1
    share = np.sqrt(0.25 * 0.75 / count)
    assert np.abs(first / count - 0.25).max() < 4 * share
