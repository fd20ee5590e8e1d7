"""What a difference of losses must be to matter."""

from __future__ import annotations

from dataclasses import replace
from math import nan

from caviar.analysis.audit.costs import CLEAR, PLAIN, Worth, dearest, matters, minus, negative
from caviar.analysis.audit.evidence import Difference
from tests.analysis.audit.made import reading, readings


def test_a_difference_must_be_beyond_its_error_and_large_enough() -> None:
    beside = reading(0.2)
    assert matters(Difference(0.006, 0.001), beside, CLEAR)
    assert not matters(Difference(0.006, 0.0031), beside, CLEAR)
    assert matters(Difference(0.05, 0.016), beside, PLAIN)
    assert not matters(Difference(0.05, 0.017), beside, PLAIN)
    assert not matters(Difference(0.004, 0.0), beside, CLEAR)
    assert not matters(Difference(0.006, 0.001), reading(1.0), CLEAR)
    assert not matters(Difference(0.006, 0.001), beside, PLAIN)
    assert not matters(Difference(-0.5, 0.001), beside, CLEAR)
    assert not matters(None, beside, CLEAR)


def test_a_loss_that_is_no_number_matters() -> None:
    assert matters(Difference(nan, nan), reading(0.2), PLAIN)


def test_a_loss_of_unknown_unit_counts_by_its_share() -> None:
    small = replace(reading(1e-4), accuracy=None)
    assert matters(Difference(1e-5, 1e-7), small, Worth(0.005, 0.02))
    assert not matters(Difference(1e-5, 1e-7), reading(1e-4), Worth(0.005, 0.02))


def test_the_readings_on_which_statistics_cost_most() -> None:
    cheap, dear = readings(stored=0.21), readings(stored=0.3)
    assert dearest(cheap, dear) is dear
    assert dearest(dear, readings(stored=0.31, error=0.05)) is dear
    assert dearest(None, replace(dear, stored_minus_population=None)) is None


def test_differences_of_differences() -> None:
    assert minus(Difference(0.5, 0.3), Difference(0.2, 0.4)) == Difference(0.3, 0.5)
    assert negative(Difference(0.5, 0.3)) == Difference(-0.5, 0.3)
