"""Configs that are kept as what sets them apart, and made again."""

from __future__ import annotations

import pickle

import pytest
from hypothesis import given
from hypothesis import strategies as st

from caviar.runner.config import TrialConfig
from caviar.runner.trials import Compacting, Trials
from tests.runner.helpers import TINY, plan_of

PLAN = plan_of(*TINY)
ONE = PLAN.sample[0]

RATES = st.floats(1e-6, 10.0)
CHANGES = st.fixed_dictionaries(
    {},
    optional={
        "learning_rate": RATES,
        "dropout": st.sampled_from([0.0, -0.0, 0.5]),
        "hidden": st.lists(st.integers(1, 9), max_size=3).map(tuple),
        "batch_size": st.sampled_from([8, 16]),
        "seeds": st.sampled_from([(0, 1), (0, 1, 2)]),
        "arm": st.sampled_from(["", "layer norm"]),
        "draw": st.integers(0, 5),
    },
)


def identical(one: TrialConfig, other: TrialConfig) -> bool:
    """Equal to the sign of a zero and the type of each value."""
    return repr(one) == repr(other) and one == other and type(one) is type(other)


@given(st.lists(CHANGES, min_size=1, max_size=6))
def test_each_config_comes_back_as_it_was(changes: list[dict[str, object]]) -> None:
    configs = [ONE.model_copy(update=change) for change in changes]
    trials = Trials(configs)
    assert all(map(identical, trials, configs)) and len(trials) == len(configs)
    for config, compact in zip(configs, trials.compact, strict=True):
        assert compact.trial_id == config.trial_id == compact.config.trial_id
        assert compact.config.model_copy().trial_id == config.trial_id  # Computed again.


def test_only_what_differs_is_kept() -> None:
    first, same, other = map(
        Compacting(), (ONE, ONE.model_copy(), ONE.model_copy(update={"learning_rate": 0.3}))
    )
    assert PLAN.trials[0].learning_rate != 0.3
    assert (first.names, same.names) == ((), ()) and same.first is first.first is other.first
    assert (other.names, other.values) == (("learning_rate",), (0.3,))


def test_names_in_common_are_kept_once() -> None:
    compacting = Compacting()
    compacting(ONE)
    one, two = (compacting(ONE.model_copy(update={"learning_rate": r})) for r in (0.3, 0.4))
    assert one.names is two.names


def test_a_config_cannot_be_changed_and_copies_have_their_own_identity() -> None:
    made = Compacting()(ONE).config
    with pytest.raises(ValueError, match="frozen"):
        made.learning_rate = 0.3
    copied = made.model_copy(update={"learning_rate": 0.3})
    assert copied.trial_id != made.trial_id == ONE.trial_id


def test_a_message_holds_the_first_config_once() -> None:
    trials = Trials(ONE.model_copy(update={"learning_rate": 0.1 + i / 100}) for i in range(50))
    sent = pickle.dumps(list(trials.compact))
    assert [one.config for one in pickle.loads(sent)] == list(trials)
    assert len(sent) < len(pickle.dumps(list(trials))) / 3


def test_trials_are_a_sequence() -> None:
    trials = PLAN.trials
    configs = tuple(trials)
    assert trials[0] == configs[0] and trials[-1] == configs[-1]
    assert trials[1:3] == configs[1:3] and len(trials) == len(configs)
    assert trials == configs == Trials(configs) and trials != configs[:-1] and configs[0] in trials
    assert trials != Trials(configs[::-1]) and trials != 3
    assert repr(trials) == f"<{len(configs)} trials>"
    with pytest.raises(IndexError):
        trials[len(configs)]
