"""What may join a run: seeds, levels and arms, and nothing else."""

from __future__ import annotations

from typing import Any

import pytest

from caviar.runner.session.difference import difference
from caviar.runner.session.growth import blocks_of, grown, same_data
from tests.runner.helpers import TINY, plan_of

ONE_CHANGED = "arms={ relu={activation='relu'}, tanh={activation='relu'} }"
ARMS = 'arms={ relu={activation="relu"}, tanh={activation="tanh"} }'


def identity(*settings: str) -> dict[str, Any]:
    return plan_of(*TINY, *settings).identity()


@pytest.mark.parametrize(
    ("before", "now", "words"),
    [
        ((), ("replicas=5",), ["seeds 2 to 4"]),
        ((), ("replicas=3",), ["seed 2"]),
        ((), ("norm_batch_size=[4, 8, 16]",), ["norm_batch_size = 8"]),
        ((), ("scientific.dropout=[0.0, 0.1]",), ["dropout = 0.1"]),
        (("scientific.dropout=[0.1]",), ("scientific.dropout=[0.1, 0.2]",), ["dropout = 0.2"]),
        ((ARMS,), (ARMS[:-2] + ", wide={hidden=[8]} }",), ["arm 'wide'"]),
        ((), ("norm_batch_size=[2, 4, 16]", "replicas=4"), ["seeds 2 to 3", "norm_batch_size = 2"]),
    ],
)
def test_what_joins_a_study_is_named(
    before: tuple[str, ...], now: tuple[str, ...], words: list[str]
) -> None:
    recorded, requested = identity(*before), identity(*now)
    larger, added = grown(recorded, requested)
    assert added == words
    assert difference(larger, requested) == []
    assert recorded == identity(*before)


@pytest.mark.parametrize(
    ("before", "now", "changed"),
    [
        ((), ("replicas=1",), "replicas"),
        ((), ("norm_batch_size=[8, 16]",), "scientific.norm_batch_size"),
        ((), ("norm_batch_size=[4]",), "scientific.norm_batch_size"),
        ((), ("replicas=4", "budget.epochs=3"), "budget.epochs"),
        ((), ("replicas=4", "seed=1"), "seed"),
        ((), ("scientific.dropout=[0.1, 0.2]",), "fixed.dropout"),
        ((), (ARMS,), "arms.relu"),
        (
            (ARMS,),
            (ONE_CHANGED,),
            "arms.tanh.activation",
        ),
    ],
)
def test_what_goes_or_changes_is_no_growth(
    before: tuple[str, ...], now: tuple[str, ...], changed: str
) -> None:
    requested = identity(*now)
    larger, _ = grown(identity(*before), requested)
    assert any(line.startswith(f"{changed} is ") for line in difference(larger, requested))


def test_a_recorded_study_of_another_shape_gets_nothing() -> None:
    assert grown({"replicas": 2}, identity("replicas=4")) == ({"replicas": 2}, [])


def test_seeds_come_in_blocks() -> None:
    run: dict[str, Any] = {"study": {"replicas": 2}}
    assert blocks_of(None, 5) == (5,)
    assert blocks_of(run, 2) == (2,)
    assert blocks_of(run, 5) == (2, 3)
    assert blocks_of(run | {"blocks": [2, 3]}, 5) == (2, 3)
    assert blocks_of(run | {"blocks": [2, 3]}, 9) == (2, 3, 4)
    assert blocks_of(run | {"blocks": [2, 3]}, 4) == (4,)


def test_data_may_have_moved_if_their_content_is_the_same() -> None:
    requested = identity()
    for fingerprint, kept in ((requested["dataset"]["fingerprint"], []), ("x", ["dataset"])):
        recorded = identity()
        recorded["dataset"] |= {"path": "elsewhere.csv", "fingerprint": fingerprint}
        same_data(recorded, requested)
        lines = difference(recorded, requested)
        assert [line.partition(".")[0] for line in lines][:1] == kept
