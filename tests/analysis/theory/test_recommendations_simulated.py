"""Each change that is advised, carried out on a simulated stream, leaves the state better."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from caviar.analysis.theory.advice.action import Action
from caviar.analysis.theory.advice.framework_words import words_of
from caviar.analysis.theory.optimum import DIVERGENCE
from caviar.analysis.theory.question import Question
from caviar.analysis.theory.recommendations import recommendations
from caviar.model.averages.conventions import Convention
from caviar.model.averages.frameworks import ALL
from tests.analysis.theory.simulation import State, averaged, followed, normal_batches, state

LAWS = ((1.0, 2.0), (-0.5, 4.0), (2.0, 0.3))
"""Mean in sigma and variance of a unit's inputs: starts of 0 and 1 are off by each."""


def asked(
    row: Convention, m: int, steps: int, law: tuple[float, float], **changes: Any
) -> Question:
    decay = row.decay if row.decay is not None else 0.99 if row.uses_decay else 0.0
    fields: dict[str, Any] = {
        **{"decay": decay, "keep": row.keep, "second": row.second, "epsilon": row.epsilon},
        **{"initial_mean": row.initial_mean, "initial_second": row.initial_second},
        **{"input_mean": law[0], "input_variance": law[1], "steps": steps},
    }
    return Question(m, **fields)


def after(
    action: Action, row: Convention, question: Question, random: np.random.Generator
) -> State:
    """The state once the action is carried out as its words say."""
    if action.kind == "decay":
        assert action.value is not None
        return followed(row, action.value, question, random)
    if action.kind == "recompute":
        batch = int(number_after("in batches of", action.do))
        steps = int(action.value or 0) // batch
        fresh = normal_batches(random, batch, steps)
        mean, variance = averaged(
            replace(row, keep="cumulative"), 0.0, fresh, replace(question, norm_batch_size=batch)
        )
        return state(mean, variance, question)
    assert action.kind == "debias"
    batches = normal_batches(random, question.norm_batch_size, int(question.steps))
    stored = stored_averages(row, question, batches)
    mean, second = (
        (r - float(taken.replace(",", ""))) / float(divisor)
        for r, (taken, divisor) in zip(stored, formulas(action.do), strict=True)
    )
    variance = 1 / second**2 if row.second == "inverse_deviation" else second
    return state(mean, variance, question)


def stored_averages(row: Convention, question: Question, batches: Any) -> tuple[Any, Any]:
    """The averages in the units in which the framework keeps them."""
    mean, variance = averaged(row, question.decay, batches, question)
    if row.second == "inverse_deviation":
        return mean, 1 / np.sqrt(variance + row.epsilon)
    return mean, variance + row.epsilon * (row.second == "biased_plus_epsilon")


def formulas(sentence: str) -> list[tuple[str, str]]:
    """What is subtracted and by what is divided, of the mean and of the second statistic."""
    words = sentence.split(" updates", 1)[1]
    pairs = [
        (taken or "0", divisor)
        for taken, divisor in re.findall(r"(?:- ([\d.]+)\))? / (\d+(?:\.\d+)?(?:e-\d+)?)", words)
    ]
    assert len(pairs) >= 2, sentence
    return pairs[-2:]


def number_after(words: str, text: str) -> float:
    match = re.search(re.escape(words) + r" ([0-9.,]*[0-9])", text)
    assert match, text
    return float(match[1].replace(",", ""))


@pytest.mark.parametrize("law", LAWS, ids=["near", "wide", "narrow"])
@pytest.mark.parametrize("name", ALL)
def test_what_is_advised_leaves_averages_better(name: str, law: tuple[float, float]) -> None:
    """For every rule, at sizes and lengths of which some have noise and some a start left."""
    row = ALL[name]
    random = np.random.default_rng(0)
    advised = 0
    for m, steps in ((5, 40), (4, 300), (24, 100), (64, 2000)):
        question = asked(row, m, steps, law)
        before = followed(row, question.decay, question, random)
        for action in recommendations(question, words_of(name)):
            if action.kind not in ("recompute", "decay", "debias") or not action.before:
                continue
            advised += 1
            left = after(action, row, question, random)
            assert left.divergence < before.divergence, (question, action)
            # What is printed is what happens, while errors are small enough for it to be exact.
            for printed, measured in ((action.before, before), (action.after, left)):
                if printed[0] < 0.05:
                    assert printed[0] == pytest.approx(measured.divergence, rel=0.3, abs=1e-5)
            if action.kind == "recompute":
                assert left.better_than(before), (question, action)
    assert advised >= (3 if row.keep == "constant" else 1)


@pytest.mark.parametrize("name", ALL)
def test_statistics_shared_by_devices_are_better_averaged(name: str) -> None:
    """Four examples on each of eight devices, for inputs that a start costs nothing."""
    row = ALL[name]
    random = np.random.default_rng(0)
    question = replace(asked(row, 4, 300, (0.0, 1.0)), devices=8)
    (sync,) = [a for a in recommendations(question, words_of(name)) if a.kind == "sync"]
    assert sync.value == 32
    before = followed(row, question.decay, question, random)
    larger = replace(question, norm_batch_size=32, devices=1)
    assert followed(row, question.decay, larger, random).divergence < before.divergence


def test_a_start_of_one_is_taken_out_before_the_division() -> None:
    """After 25 updates at d = 0.99, 1.67 is stored of 4; divided by 1 - d^t alone it is 7.5."""
    question = asked(ALL["keras-3"], 1000, 25, (0.0, 4.0))
    (action,) = [a for a in recommendations(question, words_of("keras-3")) if a.kind == "debias"]
    left = 0.99**25
    stored = left + (1 - left) * 4 * 999 / 1000
    assert stored == pytest.approx(1.669, abs=0.03)
    taken, divisor = map(float, formulas(action.do)[1])
    assert (stored - taken) / divisor == pytest.approx(4 * 999 / 1000, rel=1e-3)
    assert stored / (1 - left) > 7.4
    assert "(r - d^t * start) / (1 - d^t)" in action.do


@pytest.mark.parametrize("m", [2, 4, 8, 32])
@pytest.mark.parametrize("name", ["pytorch", "keras-3"])
def test_neither_evalnorm_nor_another_rule_is_recommended(name: str, m: int) -> None:
    for steps in (50, 100_000):
        text = " ".join(
            map(str, recommendations(asked(ALL[name], m, steps, LAWS[0]), words_of(name)))
        )
        assert "EvalNorm" not in text and "unbiased" not in text


def test_moving_statistics_are_better_recomputed() -> None:
    """A mean drifts by a tenth of sigma in 100 steps: the average lags, what is new does not."""
    row, steps, drift = ALL["keras-3"], 400, 1e-3
    question = asked(row, 64, steps, (1.0, 1.0))
    (action, *_) = recommendations(question, words_of("keras-3"))
    assert action.kind == "recompute" and "updates old on average" in action.gain
    random = np.random.default_rng(1)
    batches = normal_batches(random, 64, steps)
    behind = drift * np.arange(steps - 1, -1, -1)[:, None]
    moved = batches._replace(mean=batches.mean - behind)
    before = state(*averaged(row, question.decay, moved, question), question)
    behind_by = number_after("The running averages are", action.gain) * drift
    assert before.mean == pytest.approx(behind_by + 0.99**steps, rel=0.1)
    left = after(action, row, question, random)
    assert left.mean < before.mean / 5 and left.divergence < before.divergence / 5
    assert before.divergence > behind_by**2 / 2 > DIVERGENCE / 4
