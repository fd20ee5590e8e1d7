"""The declaration of which fields are read, checked against the rows of real trials."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
import pytest

from caviar.model.norms.registry import NORMS
from caviar.model.steps.setup import Probes
from caviar.runner.config import TrialConfig
from caviar.runner.effects import NEEDS, OPTIMIZERS, is_read, is_trained_with, reason, unread
from caviar.runner.fields.trial import TrialFields
from caviar.runner.study.bench import Bench
from caviar.runner.study.grid import Position
from caviar.runner.trial.events import Block, Job
from caviar.runner.trial.measurement_schedule import Sizes, probes_of
from caviar.runner.trial.run_trial import run_trial
from tests.runner.helpers import Rows, outcome_of, plan_of, rows_of

PLAN = plan_of(
    'dataset={ name = "wine", train = 24, validation = 12, test = 12 }',
    *(
        "scientific={}",
        "nuisance={}",
        "fixed={ batch_size = 8 }",
        "replicas=1",
        "budget={ steps = 5 }",
    ),
)
BENCH = Bench.of(PLAN.study, PLAN.data)
BASE: dict[str, Any] = {
    **{"hidden": [4], "batch_size": 8, "norm_batch_size": 4, "probe_batch_sizes": [4, 8]},
    **{"norm_groups": 2, "evaluations": 1, "probe_share": 0.99, "curve_rows": 2},
}
"""A trial of about ten milliseconds: two ghosts per step, everything measured."""

OTHER: dict[str, Any] = {
    **{"hidden": [8], "activation": "tanh", "norm": "stop-gradient", "batch_size": 12},
    **{"norm_batch_size": 8, "ghosts": "class-sorted", "partitions": 2, "noise_shared": "example"},
    **{"renorm_r_max": 1.0, "renorm_d_max": 0.0, "renorm_decay": 0.1, "renorm_ramp": 1.0},
    **{"norm_groups": 1, "running_weight": 0.2},
    **{"convention": "keras-3", "epsilon": 0.1, "dropout": 0.5, "optimizer": "sgd"},
    **{"learning_rate": 0.2, "momentum": 0.5, "beta2": 0.5, "adam_epsilon": 0.1},
    **{"weight_decay": 0.3, "weight_decay_style": "coupled", "weight_decay_scope": "all"},
    **{"gamma_decay": 0.2, "schedule": "constant", "conventions": ["unbiased"], "decay": 0.5},
    **{"decays": [0.5], "ghost_update": "average", "probe_batch_sizes": [4], "evaluations": 2},
    **{"probe_share": 0.01, "shadow": True, "log_probabilities": True, "curve_rows": 3},
    **{"dtype": "float64", "changes": ["2: learning_rate = 0.05"]},
}
"""For every field a value that differs from those in `BASE` and its variants."""

TO_ROUNDING = {"partitions"}
"""Without ghosts it averages the same gradient with itself, summed in another order, and what is
measured of the gradient's noise is drawn anew."""

WHERE_GIVEN = {"changes"}
"""It is read wherever it is given."""

VARIANTS: dict[str, dict[str, Any]] = {
    "as it is": {},
    **{f"norm {norm}": {"norm": norm} for norm in NORMS},
    **{f"optimizer {name}": {"optimizer": name} for name in OPTIMIZERS},
    "weight decay": {"weight_decay": 0.1},
    "no hidden layer": {"norm": "none", "hidden": []},
    "no averages": {"conventions": []},
    "a framework's decay": {"conventions": ["pytorch"]},
    "a convention": {"conventions": [], "convention": "torch7", "norm": "layer"},
    "dropout without ghosts": {"norm": "layer", "dropout": 0.3},
}
LITTLE_READ = {"as it is", "norm layer", "no hidden layer", "no averages", "optimizer sgd"}

COUNTED = {("a framework's decay", "decays")}
"""Fields that are read only for the cost of measuring: see the test below."""

WHOLE: dict[str, dict[str, Any]] = {
    f"{norm}, {size} of 8": {"norm": norm, "norm_batch_size": size, "shadow": True}
    for norm in NORMS
    for size in (8, 12)
}
"""One ghost per step, of the batch or larger."""


def trial(changes: dict[str, Any]) -> TrialConfig:
    return BENCH.given(Position("", {**BASE, **changes}, 0, {}))


@cache
def rows(config: TrialConfig) -> Rows:
    events = list(run_trial(Job(config, "t", 0), PLAN.data))
    assert outcome_of(events).status == "completed", outcome_of(events).error
    return rows_of(events)


def other(base: dict[str, Any], *fields: str) -> TrialConfig:
    """The trial with other values of these fields; of convention and epsilon one is given."""
    changes = {**base, **{field: OTHER[field] for field in fields}}
    if "epsilon" in changes and "convention" in changes:
        del changes["epsilon" if "convention" in fields else "convention"]
    return trial(changes)


def in_question(name: str) -> list[str]:
    """Fields to try on a variant: those that need what it sets, or every one that needs anything
    where the variant leaves much unread."""
    base = VARIANTS[name]
    return [
        field
        for field, needs in NEEDS.items()
        if name in LITTLE_READ or any(base.keys() & need.decided_by for need in needs)
    ]


def test_every_field_has_another_value() -> None:
    assert OTHER.keys() == TrialFields.model_fields.keys()
    config = vars(trial({}))
    assert not [field for field in OTHER if vars(other({}, field))[field] == config[field]]


@pytest.mark.parametrize("name", [*VARIANTS, *WHOLE])
def test_fields_that_nothing_reads_change_no_bit(name: str) -> None:
    base = {**VARIANTS, **WHOLE}[name]
    config = trial(base)
    idle = [field for field in unread(vars(config)) if field not in {*TO_ROUNDING, *WHERE_GIVEN}]
    changed = other(base, *idle)
    assert unread(vars(changed)) == unread(vars(config)), "fields without effect decide nothing"
    assert rows(changed) == rows(config), idle


@pytest.mark.parametrize("name", VARIANTS)
def test_fields_that_something_reads_change_rows(name: str) -> None:
    base = VARIANTS[name]
    config = trial(base)
    for field in in_question(name):
        if is_read(field, vars(config)) and (name, field) not in COUNTED:
            assert rows(other(base, field)) != rows(config), field


@pytest.mark.parametrize("norm", NORMS)
def test_networks_that_do_not_train_with_a_size_are_the_same_at_every_size(norm: str) -> None:
    """Their losses under population statistics, to the bit; those of the others differ."""

    def losses(size: int) -> list[float]:
        events = run_trial(Job(trial({"norm": norm, "norm_batch_size": size}), "t", 0), PLAN.data)
        blocks = [e for e in events if isinstance(e, Block) and e.table == "evaluations"]
        named = (zip(b.columns["statistics"], b.columns["loss"], strict=True) for b in blocks)
        return [loss for block in named for statistics, loss in block if statistics == "population"]

    config = vars(trial({"norm": norm}))
    assert is_read("norm_batch_size", config), "every row contains it"
    assert (losses(4) == losses(8)) != is_trained_with("norm_batch_size", config)


@pytest.mark.parametrize("name", WHOLE)
def test_what_tells_ghosts_apart_is_read_where_there_are_several(name: str) -> None:
    base = WHOLE[name]
    config = trial(base)
    for field in ("ghosts", "partitions", "ghost_update"):
        if is_read(field, vars(config)):
            assert rows(other(base, field)) != rows(config), field


@pytest.mark.parametrize("field", sorted(TrialFields.model_fields.keys() - NEEDS.keys()))
def test_fields_that_need_nothing_change_rows(field: str) -> None:
    assert rows(other({}, field)) != rows(trial({}))


def test_decays_that_no_average_takes_count_as_what_measuring_takes() -> None:
    def probes(share: float, decays: list[float]) -> Probes:
        changes = {"conventions": ["pytorch"], "probe_share": share, "decays": decays}
        return probes_of(trial(changes), Sizes(24, 12, 12, 8))

    more = [i / 20 for i in range(20)]
    assert any(probes(i / 100, []) != probes(i / 100, more) for i in range(50, 99))


DRAWN_ANEW = {("noise", "partition_variance"), ("noise", "gradient_variance")}


def numbers(changes: dict[str, Any]) -> dict[tuple[str, str], list[float]]:
    config = trial({**changes, "dtype": "float64"})
    return {
        (event.table, name): column
        for event in run_trial(Job(config, "t", 0), PLAN.data)
        if isinstance(event, Block)
        for name, column in event.columns.items()
        if isinstance(column[0], float)
    }


@pytest.mark.parametrize("norm", NORMS)
def test_partitions_without_ghosts_change_rows_by_rounding_alone(norm: str) -> None:
    base = {"norm": norm, "norm_batch_size": 8}
    if is_read("partitions", vars(trial(base))):
        return
    one, two = numbers(base), numbers({**base, "partitions": 2})
    assert one.keys() == two.keys()
    for key in one.keys() - DRAWN_ANEW:
        np.testing.assert_allclose(two[key], one[key], rtol=1e-6, atol=1e-9, err_msg=str(key))


SENTENCES = [
    ("renorm_decay", {}, "norm = 'batch'"),
    ("beta2", {}, "optimizer = 'momentum'"),
    ("weight_decay_style", {}, "weight_decay = 0.0"),
    ("ghosts", {"norm": "layer"}, "norm = 'layer'"),
    ("ghosts", {"norm_batch_size": 8}, "norm_batch_size = 8 and batch_size = 8"),
    ("activation", {"norm": "none", "hidden": []}, "hidden = []"),
    ("decay", {"conventions": ["pytorch"]}, "conventions = ['pytorch']"),
    (
        "partitions",
        {"norm": "none"},
        "norm = 'none', norm_batch_size = 4, batch_size = 8 and dropout = 0.0",
    ),
]


@pytest.mark.parametrize(("field", "changes", "words"), SENTENCES)
def test_a_reason_quotes_what_decides(field: str, changes: dict[str, Any], words: str) -> None:
    assert reason(field, vars(trial(changes))) == words
