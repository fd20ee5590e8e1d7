"""Settings without effect are refused, or their trials run once."""

from __future__ import annotations

import pytest

from caviar.runner.errors import RequestError
from caviar.runner.study.idle import Repeats
from tests.runner.helpers import plan_of

PLAIN = (
    'dataset={ name = "wine", train = 96, validation = 40 }',
    *("fixed={ batch_size = 16, hidden = [6] }", "scientific={}", "nuisance={}"),
)
"""One trial; the whole batch is one ghost."""

ALL_THROUGH: dict[str, tuple[tuple[str, ...], str]] = {
    "a norm's": (("renorm_decay=0.5",), "renorm_decay has no effect with norm = 'batch'"),
    "at its default": (("noise_shared=ghost",), "noise_shared has no effect with norm = 'batch'"),
    "an optimiser's": (
        ("optimizer=sgd", "momentum=0.5"),
        "momentum has no effect with optimizer = 'sgd'",
    ),
    "a decay's": (
        ("weight_decay_style=coupled",),
        "weight_decay_style has no effect with weight_decay = 0.0",
    ),
    "ghosts of one": (
        ("ghosts=stratified",),
        "ghosts has no effect with norm_batch_size = 16 and batch_size = 16",
    ),
    "averages of nothing": (("norm=layer", "shadow=true"), "shadow has no effect with norm = 'la"),
    "crossed": (
        ("scientific.beta2=[0.9, 0.99]",),
        "beta2 has no effect with optimizer = 'momentum'; leave it out of [scientific]",
    ),
    "drawn": (
        ("nuisance.beta2={ scale = 'uniform', low = 0.5, high = 0.9 }", "draws.count=2"),
        "beta2 has no effect with optimizer = 'momentum'; leave it out of [nuisance]",
    ),
    "beside several": (
        ("scientific.norm=['layer', 'none']", "ghosts=random"),
        "ghosts has no effect with norm = 'layer' or with norm = 'none'; leave it out of [fixed]",
    ),
    "an arm's": (
        ("arms={ a = {}, b = { norm = 'layer', ghosts = 'random' } }",),
        "ghosts has no effect with norm = 'layer'; leave it out of arms.b",
    ),
    "an arm's, though another reads it": (
        ("arms={ a = { optimizer = 'sgd', momentum = 0.8 }, b = { momentum = 0.7 } }",),
        "momentum has no effect with optimizer = 'sgd'; leave it out of arms.a",
    ),
    "fixed for the arm that does not read it": (
        ("arms={ a = { optimizer = 'sgd' }, b = { momentum = 0.7 } }", "momentum=0.5"),
        "momentum has no effect with optimizer = 'sgd'; leave it out of [fixed]",
    ),
    "set by every arm": (
        ("arms={ a = { dropout = 0.1 }, b = { dropout = 0.2 } }", "dropout=0.3"),
        "dropout in [fixed] has no effect: every arm sets its own; leave it out",
    ),
}


@pytest.mark.parametrize("case", ALL_THROUGH)
def test_a_field_that_no_trial_reads_is_refused(case: str) -> None:
    settings, words = ALL_THROUGH[case]
    with pytest.raises(RequestError) as caught:
        plan_of(*PLAIN, *settings)
    assert words in str(caught.value)


READ_BY_SOME: dict[str, tuple[tuple[str, ...], int, Repeats]] = {
    "crossed": (
        ("scientific.norm=['batch', 'renorm']", "scientific.renorm_decay=[0.5, 0.7, 0.9]"),
        4,
        Repeats(2, ("renorm_decay has no effect with norm = 'batch'",)),
    ),
    "drawn": (
        (
            "scientific.optimizer=['sgd', 'momentum']",
            "nuisance.momentum={ scale = 'uniform', low = 0.5, high = 0.9 }",
            "draws.count=3",
        ),
        4,
        Repeats(2, ("momentum has no effect with optimizer = 'sgd'",)),
    ),
    "an arm at some sizes": (
        ("scientific.norm_batch_size=[4, 16]", "arms={ a = {}, b = { ghosts = 'stratified' } }"),
        3,
        Repeats(1, ("ghosts has no effect with norm_batch_size = 16 and batch_size = 16",)),
    ),
    "the strength of none": (
        ("scientific.weight_decay=[0.0, 0.1]", "scientific.weight_decay_scope=['weights', 'all']"),
        3,
        Repeats(1, ("weight_decay_scope has no effect with weight_decay = 0.0",)),
    ),
    "beside what is drawn": (
        (
            "scientific.optimizer=['sgd', 'momentum']",
            "nuisance.momentum={ scale = 'uniform', low = 0.5, high = 0.9 }",
            "nuisance.learning_rate={ scale = 'uniform', low = 0.1, high = 0.2 }",
            "draws.count=3",
        ),
        6,
        Repeats(0, ()),
    ),
    "an arm that overrides": (
        ("scientific.norm_batch_size=[4, 8]", "arms={ a = {}, b = { norm_batch_size = 16 } }"),
        3,
        Repeats(0, ()),
    ),
}


@pytest.mark.parametrize("case", READ_BY_SOME)
def test_trials_that_would_train_the_same_are_run_once(case: str) -> None:
    settings, trials, repeats = READ_BY_SOME[case]
    plan = plan_of(*PLAIN, *settings)
    assert (len(plan.trials), plan.repeats) == (trials, repeats)


def test_a_field_that_a_trial_does_not_read_stands_at_its_default() -> None:
    crossed = ("scientific.optimizer=['sgd', 'momentum']", "momentum=0.5")
    sgd, momentum = plan_of(*PLAIN, *crossed).trials
    assert (sgd.momentum, momentum.momentum) == (0.9, 0.5)
    (alone,) = plan_of(*PLAIN, "optimizer=sgd").trials
    assert sgd.trial_id == alone.trial_id


def test_a_study_is_not_refused_for_what_its_next_draws_read() -> None:
    drawn = (
        "nuisance.optimizer={ scale = 'choice', values = ['sgd', 'adam'] }",
        "nuisance.beta2={ scale = 'uniform', low = 0.5, high = 0.9 }",
    )
    seeds = range(20)
    firsts = [plan_of(*PLAIN, *drawn, f"seed={seed}", trials=1).trials[0] for seed in seeds]
    assert {first.optimizer for first in firsts} == {"sgd", "adam"}


def test_the_first_trials_of_a_study_may_read_less_than_all_of_it() -> None:
    crossed = ("scientific.norm=['batch', 'renorm']", "renorm_decay=0.5")
    (first,) = plan_of(*PLAIN, *crossed, trials=1).trials
    assert first.norm == "batch"
