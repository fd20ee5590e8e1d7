"""What single keys ask is in the grammar of requests."""

from __future__ import annotations

from dataclasses import replace

import pytest

from caviar.runner.cli.panda.screen.keys import KEYS, PACES, free_name, request_of
from caviar.runner.panda.requests import read_request
from tests.runner.cli.panda.screen.made import MadePanda

VIEW = MadePanda().advance(400).view()


@pytest.mark.parametrize("key", [key.name for key in KEYS])
def test_every_request_of_a_key_can_be_read(key: str) -> None:
    text = request_of(key, VIEW)
    assert text is None or read_request(text).verb == text.split()[0]


def test_space_pauses_or_goes_on() -> None:
    assert request_of("space", VIEW) == "pause"
    assert request_of("space", replace(VIEW, paused=True)) == "go"


def test_the_learning_rate_is_halved_and_doubled() -> None:
    assert request_of("l", VIEW) == "set learning_rate*=0.5"
    assert request_of("L", VIEW) == "set learning_rate*=2"


def test_a_snapshot_has_a_name_that_no_other_has() -> None:
    assert free_name(VIEW) == "snap-1"
    assert free_name(replace(VIEW, snapshots=("snap-1", "mine", "snap-3"))) == "snap-2"


@pytest.mark.parametrize(
    ("pace", "key", "asked"),
    [
        (20.0, "plus", "pace 50"),
        (21.0, "minus", "pace 20"),
        (float(PACES[-1]), "plus", "pace off"),
        (1.0, "minus", "pace 1"),
        (None, "plus", "pace off"),
        (None, "minus", "pace 10"),
    ],
)
def test_plus_and_minus_go_through_the_paces(pace: float | None, key: str, asked: str) -> None:
    assert request_of(key, replace(VIEW, pace=pace)) == asked
