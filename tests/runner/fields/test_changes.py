"""Changes as text: what is understood, how it is written again, what is refused."""

from __future__ import annotations

from typing import Any

import pytest

from caviar.runner.errors import RequestError
from caviar.runner.fields.changes import (
    Change,
    canonical,
    in_turn,
    is_ever_read,
    never_read,
    read_change,
)
from caviar.runner.fields.trial import TrialFields

RATE = Change(400, "set", "learning_rate", 0.03)


@pytest.mark.parametrize(
    ("text", "change"),
    [
        ("400: learning_rate = 0.03", RATE),
        ("  400:learning_rate=3e-2 ", RATE),
        ("7: norm_batch_size = 16", Change(7, "set", "norm_batch_size", 16)),
        ("7: schedule = 'constant'", Change(7, "set", "schedule", "constant")),
        ("7: reset dense2", Change(7, "reset", "dense2")),
        ("7:  recompute   running statistics", Change(7, "recompute")),
        ("7: recompute", Change(7, "recompute")),
    ],
)
def test_a_change_is_read_and_written_as_one_text(text: str, change: Change) -> None:
    assert read_change(text) == change
    assert read_change(str(change)) == change and str(read_change(str(change))) == str(change)


def test_the_canonical_text_is_short() -> None:
    texts = ["12: learning_rate=1", "3: recompute", "12: schedule='step'", "3: reset norm1"]
    assert canonical(texts) == (
        "3: recompute running statistics",
        "3: reset norm1",
        "12: learning_rate = 1.0",
        "12: schedule = step",
    )


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("learning_rate = 0.03", "change 'learning_rate = 0.03' is not STEP: WHAT; write '400: "),
        ("-4: reset dense1", "is not STEP: WHAT"),
        ("4: go faster", "'go faster' is not understood; write '400: learning_rate = 0.03'"),
        ("4: learning_rat = 1", "'learning_rat' cannot be set during training; did you mean 'lea"),
        ("4: hidden = 3", "'hidden' cannot be set during training; allowed are decay, dropout"),
        ("4: learning_rate = fast", "learning_rate must be a number; got 'fast'"),
        ("4: norm_batch_size = 8.5", "norm_batch_size must be a whole number; got '8.5'"),
        ("4: norm_batch_size = train", "norm_batch_size must be a whole number; got 'train'"),
    ],
)
def test_what_is_not_understood_is_refused_in_a_sentence(text: str, says: str) -> None:
    with pytest.raises(RequestError) as refused:
        read_change(text)
    assert says in str(refused.value) and "\n" not in str(refused.value)


def fields(**given: Any) -> dict[str, Any]:
    """The fields of a trial of a study file, `norm_batch_size` as a number."""
    return {**dict(TrialFields(**given)), "norm_batch_size": given.get("norm_batch_size", 128)}


def test_each_change_leaves_the_others_in_force() -> None:
    trial = fields(changes=["1: momentum = 0.5", "2: reset dense1", "3: learning_rate = 1"])
    rates = [(values["momentum"], values["learning_rate"]) for values in in_turn(trial)]
    assert rates == [(0.9, 0.1), (0.5, 0.1), (0.5, 1.0)]
    assert all(values["changes"] == () for values in in_turn(trial))


def test_a_field_is_read_where_only_a_change_makes_it_so() -> None:
    plain = fields(weight_decay_style="coupled", ghosts="stratified")
    assert {"weight_decay_style", "ghosts"} <= set(never_read(plain))
    decayed = {**plain, "changes": ("3: weight_decay = 0.1", "5: norm_batch_size = 16")}
    assert not {"weight_decay_style", "ghosts"} & set(never_read(decayed))
    assert is_ever_read("ghosts", decayed) and not is_ever_read("ghosts", plain)
