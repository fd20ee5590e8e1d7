"""The values that a quantity can have, beyond which no mean and no end of an interval lies."""

from __future__ import annotations

import math

from caviar.analysis.statistics.intervals import Interval

Range = tuple[float, float]

ANY: Range = (-math.inf, math.inf)
SHARE: Range = (0.0, 1.0)
NOT_NEGATIVE: Range = (0.0, math.inf)

RANGES: dict[str, Range] = {
    "train_loss": NOT_NEGATIVE,
    "train_mode_loss": NOT_NEGATIVE,
    "validation_loss": NOT_NEGATIVE,
    "test_loss": NOT_NEGATIVE,
    "matched_test_loss": NOT_NEGATIVE,
    "test_accuracy": SHARE,
    "mean_error": NOT_NEGATIVE,
    "variance_error": NOT_NEGATIVE,
    "partition_share": SHARE,
    "dropout": SHARE,
    "gamma_decay": NOT_NEGATIVE,
    "weight_decay": NOT_NEGATIVE,
    "measured_mean": NOT_NEGATIVE,
    "measured_deviation": NOT_NEGATIVE,
    "measured_noise_to_signal": NOT_NEGATIVE,
    "measured_coupling": SHARE,
}
"""Quantities that are not listed can have any value."""


def range_of(quantity: str) -> Range:
    """The smallest and largest value that a quantity can have."""
    return RANGES.get(quantity, ANY)


def range_of_difference(quantity: str) -> Range:
    """The same of a difference between two of its values: accuracies differ by at most 1."""
    low, high = range_of(quantity)
    return (low - high, high - low) if math.isfinite(high - low) else ANY


def clipped(interval: Interval, limits: Range) -> Interval:
    """An interval whose mean and ends lie where its quantity can; NaN stays.

    A mean of ratios of two estimates, as the share of gradient variance, may itself lie beyond.
    """
    mean, low, high = (
        value if math.isnan(value) else min(max(value, limits[0]), limits[1])
        for value in (interval.mean, interval.low, interval.high)
    )
    return interval._replace(mean=mean, low=low, high=high)
