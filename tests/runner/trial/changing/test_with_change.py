"""A further change of a trial: what is taken, and what is refused in which words."""

from __future__ import annotations

import pytest

from caviar.runner.errors import RequestError
from caviar.runner.fields.changes import read_change
from caviar.runner.trial.changing.with_change import check_changes, with_change
from tests.runner.attempts import trial

CONFIG, DATA = trial()


def test_a_change_joins_those_that_are_there() -> None:
    one = with_change(CONFIG, read_change("3: learning_rate=0.5"), DATA)
    two = with_change(one, read_change("3: learning_rate = 0.1"), DATA)
    assert two.changes == ("3: learning_rate = 0.5", "3: learning_rate = 0.1")
    assert len({CONFIG.trial_id, one.trial_id, two.trial_id}) == 3
    check_changes(two, DATA)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ("0: momentum = 0.5", "ends after step 12, so that a change must come at the end of one "),
        ("12: momentum = 0.5", "of steps 1 to 11"),
        ("3: momentum = 0.9", "'3: momentum = 0.9' has no effect: momentum is 0.9 already; leave"),
        ("3: momentum = 1", "momentum must be less than 1"),
        ("3: learning_rate = 0", "learning_rate must be greater than 0"),
        ("3: learning_rate = nan", "learning_rate must be "),
        ("3: schedule = linear", "schedule must be 'constant', 'step' or 'cosine'"),
        ("6: norm_batch_size = 7", "change '6: norm_batch_size = 7': norm_batch_size 7 does not"),
        ("6: norm_batch_size = 97", "takes 97 examples per step, above the 96 of the training"),
        (
            "4: norm_batch_size = 16",
            "at the end of an epoch only, and an epoch has 6 steps; name",
        ),
        ("8: norm_batch_size = 16", "steps; name step 6"),
        ("3: reset dense4", "has no layer 'dense4' that learns; did you mean 'dense"),
        ("3: reset relu1", "has no layer 'relu1' that learns; "),
    ],
)
def test_what_cannot_be_is_refused(change: str, says: str) -> None:
    with pytest.raises(RequestError) as refused:
        with_change(CONFIG, read_change(change), DATA)
    assert says in str(refused.value) and "\n" not in str(refused.value)


@pytest.mark.parametrize(
    ("settings", "change", "says"),
    [
        ("optimizer=sgd", "3: momentum = 0.5", "momentum has no effect with optimizer = 'sgd'"),
        ("norm=layer", "6: norm_batch_size = 16", "has no effect with norm = 'layer'"),
        ("norm=layer", "3: decay = 0.5", "decay has no effect with norm = 'layer'"),
        ("norm=layer", "3: recompute", "with norm = 'layer', which keeps no running average"),
        ("conventions=['pytorch']", "3: decay = 0.5", "with conventions = ['pytorch']"),
        ("conventions=[]", "3: recompute", "with conventions = [], which keeps no running average"),
    ],
)
def test_a_change_without_effect_is_refused(settings: str, change: str, says: str) -> None:
    config, data = trial(settings)
    with pytest.raises(RequestError) as refused:
        with_change(config, read_change(change), data)
    assert says in str(refused.value)


def test_changes_come_in_the_order_of_their_steps() -> None:
    later = with_change(CONFIG, read_change("6: momentum = 0.5"), DATA)
    with pytest.raises(RequestError, match="changes at step 6 already, and a further change must"):
        with_change(later, read_change("5: learning_rate = 0.5"), DATA)


def test_the_same_twice_is_refused() -> None:
    again = with_change(CONFIG, read_change("6: reset dense1"), DATA)
    with pytest.raises(RequestError, match="'6: reset dense1' is there already"):
        with_change(again, read_change("6: reset dense1"), DATA)


def test_a_change_is_judged_by_what_is_in_force() -> None:
    """A second value is no repetition, and the first value may come back."""
    config = CONFIG
    for change in ("3: momentum = 0.5", "5: momentum = 0.9"):
        config = with_change(config, read_change(change), DATA)
    with pytest.raises(RequestError, match=r"momentum is 0\.9 already"):
        with_change(config, read_change("7: momentum = 0.9"), DATA)
