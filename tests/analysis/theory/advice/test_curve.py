"""Errors and noise at other norm batch sizes are those of the question asked there."""

from __future__ import annotations

from dataclasses import replace

import pytest

from caviar.analysis.theory.advice.curve import SIZES, curve, in_words
from caviar.analysis.theory.prediction import divergence, dropout_rate
from caviar.analysis.theory.question import Question


def test_the_curve_is_the_question_at_every_size() -> None:
    question = Question(24, 0.9, steps=500)
    points = curve(question)
    assert [point.norm_batch_size for point in points] == sorted({*SIZES, 24})
    for point in points:
        alone = replace(question, norm_batch_size=point.norm_batch_size)
        assert point.divergence == (divergence(alone),)
        assert point.dropout_rate == (dropout_rate(alone),)
        assert point.recomputed[0] < 1.2e-4
    assert points[0].divergence[0] > 10 * points[-1].divergence[0]


def test_no_size_is_beyond_the_data_and_a_convolution_has_both_ends() -> None:
    question = Question(4, 0.9, dataset_size=100, positions=9, devices=3)
    points = curve(question)
    assert [point.norm_batch_size for point in points] == [2, 4, 8, 16, 32]
    for point in points:
        alike, independent = point.dropout_rate
        assert alike > independent
        assert alike == dropout_rate(replace(question, norm_batch_size=point.norm_batch_size))


def test_eight_or_thirty_two() -> None:
    """Dropout at 1.5 / (m + 1.5)."""
    told = in_words(curve(Question(8, 0.9)), Question(8, 0.9))
    for m in (2, 8, 32):
        part = told.split(f" {m} examples: ")[1].split(";")[0]
        assert float(part.split("dropout at ")[1].rstrip(".")) == pytest.approx(
            1.5 / (m + 1.5), rel=0.05
        )
        error = divergence(Question(m, 0.9))
        assert float(part.split(" ")[0]) == pytest.approx(error, rel=0.05)
    shared = Question(4, 0.9, devices=8)
    assert "; 32 examples" in in_words(curve(shared), shared)
