from __future__ import annotations

from itertools import combinations, islice
from typing import get_args

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from caviar.model.contract import Array
from caviar.model.steps.random_streams import Purpose, at_rest, awake, batches, streams

PURPOSES: tuple[Purpose, ...] = get_args(Purpose)


def _epochs(seeds: tuple[int, ...], examples: int, batch_size: int, epochs: int) -> list[Array]:
    """The rows of each epoch in the order they come, `(replicas, steps * batch_size)`."""
    steps = examples // batch_size
    stream = batches(streams(seeds, "order"), examples, batch_size)
    return [np.concatenate(list(islice(stream, steps)), axis=1) for _ in range(epochs)]


@pytest.mark.parametrize("purpose", PURPOSES)
def test_equal_seeds_give_equal_bytes(purpose: Purpose) -> None:
    first, second = (streams((7, 8, 7), purpose) for _ in range(2))
    drawn = [g.bytes(64) for g in first]
    assert drawn == [g.bytes(64) for g in second]
    assert drawn[0] == drawn[2] != drawn[1]


def test_a_seed_draws_the_same_in_any_company() -> None:
    (alone,) = streams((5,), "noise")
    company = streams((1, 2, 5, 9), "noise")[2]
    assert alone.bytes(64) == company.bytes(64)


def test_seeds_and_purposes_are_independent() -> None:
    draws = {
        (seed, purpose): streams((seed,), purpose)[0].standard_normal(4000)
        for seed in (0, 1)
        for purpose in PURPOSES
    }
    for a, b in combinations(draws.values(), 2):
        assert abs(np.dot(a, b)) / np.sqrt(4000) < 4


def test_purposes_do_not_move_when_others_draw() -> None:
    weights, _ = streams((3,), "weights")[0], streams((3,), "noise")[0].bytes(1000)
    assert weights.bytes(32) == streams((3,), "weights")[0].bytes(32)


def test_the_key_of_each_purpose_is_fixed() -> None:
    """New purposes are appended, so that stored runs keep the draws of the others."""
    keys: dict[Purpose, int] = {"split": 0, "weights": 1, "order": 2, "noise": 3, "probe": 4}
    for purpose, i in keys.items():
        expected = np.random.default_rng(np.random.SeedSequence(11, spawn_key=(i,)))
        assert streams((11,), purpose)[0].bytes(32) == expected.bytes(32)


@settings(deadline=None, max_examples=40)
@given(seed=st.integers(0, 2**31), examples=st.integers(1, 40), data=st.data())
def test_every_example_comes_at_most_once_an_epoch(
    seed: int, examples: int, data: st.DataObject
) -> None:
    batch_size = data.draw(st.integers(1, examples))
    for order in _epochs((seed, seed + 1), examples, batch_size, epochs=3):
        assert order.shape == (2, examples // batch_size * batch_size)
        for rows in order:
            assert len(set(rows)) == len(rows)
            assert set(rows) <= set(range(examples))


@settings(deadline=None, max_examples=40)
@given(seed=st.integers(0, 2**31), examples=st.integers(1, 40), data=st.data())
def test_the_order_does_not_depend_on_the_batch_size(
    seed: int, examples: int, data: st.DataObject
) -> None:
    sizes = [data.draw(st.integers(1, examples)) for _ in range(2)]
    first, second = (_epochs((seed,), examples, size, epochs=3) for size in sizes)
    for a, b in zip(first, second, strict=True):
        common = min(a.shape[1], b.shape[1])
        np.testing.assert_array_equal(a[:, :common], b[:, :common])


@pytest.mark.parametrize("whole", [8, 16, 32])
def test_ghosts_nest(whole: int) -> None:
    """Every batch consists of two batches of half the size, in order."""
    large = islice(batches(streams((4, 5), "order"), 64, whole), 6)
    small = batches(streams((4, 5), "order"), 64, whole // 2)
    for batch in large:
        halves = np.concatenate([next(small), next(small)], axis=1)
        np.testing.assert_array_equal(batch, halves)


def test_every_epoch_and_every_replica_has_an_order_of_its_own() -> None:
    first, second = _epochs((0, 1), 50, 10, epochs=2)
    assert not np.array_equal(first, second)
    assert not np.array_equal(first[0], first[1])
    np.testing.assert_array_equal(np.sort(first, axis=1), np.tile(np.arange(50), (2, 1)))


def test_the_last_smaller_batch_is_dropped_and_changes() -> None:
    dropped = [set(range(11)) - set(order[0]) for order in _epochs((0,), 11, 4, epochs=20)]
    assert all(len(rows) == 3 for rows in dropped)
    assert set().union(*dropped) == set(range(11))


@pytest.mark.parametrize("purpose", PURPOSES)
def test_a_generator_that_rested_draws_on(purpose: Purpose) -> None:
    """Also from the middle of a 64-bit draw, of which 32 bits are left over."""
    live = streams((3, 4), purpose)
    for count in range(6):
        for g in live:
            g.random(count, dtype=np.float32)
        resting = at_rest(live)
        assert (resting[0].spare is None) == (sum(range(count + 1)) % 2 == 0)
        again = awake(resting)
        assert at_rest(again) == resting
        drawn = [[g.random(5, dtype=np.float32).tobytes() for g in gs] for gs in (again, live)]
        assert drawn[0] == drawn[1]
        assert at_rest(awake(resting)) == resting != at_rest(live)
        for g in live:
            g.random(5, dtype=np.float32)


@settings(deadline=None, max_examples=40)
@given(examples=st.integers(1, 30), data=st.data())
def test_batches_go_on_from_the_generators_before_the_epoch(
    examples: int, data: st.DataObject
) -> None:
    size = data.draw(st.integers(1, examples))
    done = data.draw(st.integers(0, 3 * (examples // size)))
    live = streams((7, 8), "order")
    for _ in range(done // (examples // size)):
        for g in live:
            g.permutation(examples)
    whole = list(islice(batches(streams((7, 8), "order"), examples, size), done + 40))[done:]
    for one, other in zip(batches(live, examples, size, done), whole, strict=False):
        np.testing.assert_array_equal(one, other)


def test_a_batch_above_the_examples_is_refused() -> None:
    with pytest.raises(ValueError, match="5 examples cannot fill one batch of 8"):
        next(batches(streams((0,), "order"), 5, 8))
