from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from caviar.analysis.interventions.effects import effects_of_edits
from caviar.analysis.interventions.told import one_by_one, together
from caviar.analysis.interventions.tree import tree_of
from tests.analysis.interventions.made import Array, Made, Point, panda

RATE, RESET = Made(0, 20, "learning_rate = 0.03"), Made(1, 40, "reset dense2")
SPREAD = 0.01 * np.array([-1.5, -1, -0.5, -0.1, 0.1, 0.5, 1, 1.5])
"""Differences of mean zero, with a standard error of 0.0038."""


def told(edits: list[Made], loss: Any, **how: Any) -> tuple[str, str]:
    """Both answers with all that belongs to them."""
    run = panda(edits, loss, **how)
    tree, effects = tree_of(run), effects_of_edits(run)
    answers = one_by_one(run, tree, effects), together(run, tree, effects)
    return tuple(" ".join((says, *more)) for says, more in answers)  # type: ignore[return-value]


def by(*effects: float) -> Any:
    """Losses in which each edit has the effect of its place, give or take `SPREAD`."""

    def loss(point: Point, seeds: int) -> Array:
        total: Array = 1.0 + np.sum(effects[: point.lineage]) + (point.lineage > 0) * SPREAD[:seeds]
        return total

    return loss


@pytest.mark.parametrize(
    ("effect", "word"),
    [
        (-0.05, "lower, \N{MINUS SIGN}0.05 ["),
        (0.05, "higher, +0.05 ["),
        (0.006, "not decided, +0.006 ["),
        (-0.006, "not decided, \N{MINUS SIGN}0.006 ["),
    ],
)
def test_a_word_is_said_where_the_interval_licenses_it(effect: float, word: str) -> None:
    first, _ = told([RATE], by(effect))
    assert first.startswith(
        "Test loss at the end over 8 seeds, each less the same training without that edit: "
        f"edit 1 (learning_rate = 0.03 after update 20): {word}"
    )


def test_what_does_not_count_is_said_even_where_it_is_significant() -> None:
    tiny = lambda point, seeds: 1.0 + (point.lineage > 0) * (SPREAD / 100 - 0.001)  # noqa: E731
    assert "within the 0.005 nats that count, \N{MINUS SIGN}0.001 [" in told([RATE], tiny)[0]


def test_an_edit_of_the_averages_alone_is_told_where_it_shows() -> None:
    def loss(point: Point, seeds: int) -> Array:
        added = 0.03 + SPREAD if point.statistics == "running" and point.lineage else 0.0
        return np.ones(seeds) + added

    first, _ = told([Made(0, 20, "recompute running statistics")], loss)
    assert ": the same weights, and with the running average higher, +0.03 [" in first
    assert "One epoch after" not in first and "With the running average: edit 1 +0.03 [" in first


def test_a_single_seed_has_no_interval_and_is_told_where_it_shows_too() -> None:
    def loss(point: Point, seeds: int) -> Array:
        return np.ones(seeds) + 0.03 * (point.statistics == "running" and point.lineage > 0)

    first, _ = told([Made(0, 20, "decay = 0.99")], loss, seeds=1)
    assert first.startswith("Test loss at the end over 1 seed, each less")
    assert ": the same weights, and with the running average +0.03 nats (too few for an" in first


def test_readings_that_are_lost_are_not_told_as_divergence() -> None:
    run = panda([RATE], by(-0.05))
    run = replace(run, readings=run.readings[run.readings["step"] < run.readings["step"].max()])
    first, _ = one_by_one(run, tree_of(run), effects_of_edits(run))
    assert first.endswith("not known, since its readings at the end are lost.")


def test_effects_are_told_earlier_read_otherwise_and_in_accuracy() -> None:
    first, _ = told([RATE], by(-0.05))
    for words in (
        "With the running average: edit 1 \N{MINUS SIGN}0.05 [",
        "One epoch after the edit: edit 1 \N{MINUS SIGN}0.05 [",
        "Validation loss at the end: edit 1 \N{MINUS SIGN}0.05 [",
        "Test accuracy at the end: edit 1 +2.5 [",
    ):
        assert words in first


def test_the_total_stands_beside_and_effects_along_the_chain_add_up_to_it() -> None:
    _, both = told([RATE, RESET], by(-0.05, 0.02))
    assert both.startswith("Edits 1 and 2 against none: test loss lower, \N{MINUS SIGN}0.03 [")
    assert "The effects of these edits add up to this" in both and "accuracy +1.5 [" in both


def test_what_was_undone_is_named_and_the_twin_alone_says_nothing() -> None:
    _, one = told([RATE, RESET], by(-0.05, 0.02), moved_to=1)
    assert one.startswith("Edit 1 against none: test loss lower") and "add up" not in one
    assert one.endswith("Undone, or left aside: edit 2.")
    assert told([RATE], by(-0.05), moved_to=0)[1].startswith("Nothing: the training that was")


def test_a_training_that_has_not_ended_gives_a_sentence_and_no_number() -> None:
    first, both = told([RATE, RESET], by(-0.05, 0.02), left=(2,))
    assert "edit 2 (reset dense2 after update 40): not known yet, since that with edit 2 has" in (
        first
    )
    assert "`caviar panda --resume runs/panda` trains on until every effect is known." in first
    assert both == (
        "Edits 1 and 2 against none: not known yet, since that with edit 2 has not ended."
    )


def test_seeds_that_diverged_are_counted_and_too_few_have_no_interval() -> None:
    def loss(point: Point, seeds: int) -> Array:
        losses = by(-0.05)(point, seeds)
        return np.where(np.arange(seeds) < point.lineage * 5, np.inf, losses)

    assert "edit 1 (learning_rate = 0.03 after update 20): " in told([RATE], loss)[0]
    assert "(too few for an interval), without 5 that diverged" in told([RATE], loss)[0]
    nothing = lambda point, seeds: np.full(seeds, np.nan)  # noqa: E731
    assert "not known, since every seed diverged on one side" in told([RATE], nothing)[0]


def test_of_many_edits_the_first_are_named() -> None:
    many = [RATE, *(Made(n, 20 + n, f"decay = 0.{n}") for n in range(1, 7))]
    first, both = told(many, by(*[-0.01] * 7))
    assert "; 3 more in the table." in first and "Edits 1, 2, 3, 4, 5, 6 and 7 against" in both


def test_without_an_edit_nothing_is_told() -> None:
    first, both = told([], by(), refused=1)
    assert first == "Nothing was edited: the only training is the one without edits."
    assert both.startswith("Nothing: ")
