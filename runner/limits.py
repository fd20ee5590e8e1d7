"""How large a study, trial or data set may be: far more than is useful, but still harmless.

Anything larger is refused, with the number, before memory or time is spent on it.
"""

from __future__ import annotations

MOST_STUDY_BYTES = 1_000_000
"""A study file has about a page; a million bytes are read in a second."""

MOST_TRIALS = 10_000_000
"""Levels times draws; a trial takes 2 KB while it is planned."""

MOST_SEEDS = 10_000
HIGHEST_SEED = 2**62
"""Seeds are 64-bit columns."""

MOST_STEPS = 1_000_000_000
"""The smallest network takes days for them."""

MOST_EXAMPLES = 1_000_000_000
MOST_LISTED = 100
"""The longest list of layers, decays, conventions or probed sizes in one trial."""

WIDEST = 100_000
MOST_WEIGHTS = 1_000_000_000
"""All weights of a trial, whose seeds advance as one stack: 4 GB in float32."""

MOST_MOMENTS = 1_000
"""The most moments of evaluation, and the most partitions of a batch."""

MOST_CURVE_ROWS = 100_000

MOST_FILE_BYTES = 2**30
"""The largest file of data, before and after decompression."""

MOST_VALUES = 2**28
"""Examples times features, 2 GiB as float64: CIFAR-10 has two thirds of them."""

MOST_COLUMNS = 100_000
LONGEST_LABEL = 1000
"""The longest class label, in bytes."""

CHECKPOINTS_PER_SECOND = 2.0
"""Of all trials together, at most: the driver writes them, and that of a large network has tens of
megabytes."""
