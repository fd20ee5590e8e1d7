"""How much one study, trial or data set may be: far above what is of use, below what hurts.

Whatever is larger is refused with the number, before memory or time is spent on it.
"""

from __future__ import annotations

MOST_STUDY_BYTES = 1_000_000
"""A study file is a page; a million bytes are read in a second."""

MOST_TRIALS = 10_000_000
"""Levels times draws; a trial takes 2 KB while it is planned."""

MOST_SEEDS = 10_000
HIGHEST_SEED = 2**62
"""Seeds are 64-bit columns."""

MOST_STEPS = 1_000_000_000
"""Days of the smallest network."""

MOST_EXAMPLES = 1_000_000_000
MOST_LISTED = 100
"""Layers, decays, conventions or probed sizes of one trial."""

WIDEST = 100_000
MOST_WEIGHTS = 1_000_000_000
"""Of all seeds of a trial together, which advance as one stack: 4 GB in float32."""

MOST_MOMENTS = 1_000
"""Moments of evaluation, and partitions of a batch."""

MOST_CURVE_ROWS = 100_000

MOST_FILE_BYTES = 2**30
"""Of a file of data, and of what it unpacks to."""

MOST_VALUES = 2**28
"""Examples times features, 2 GiB as float64: CIFAR-10 has two thirds of them."""

MOST_COLUMNS = 100_000
LONGEST_LABEL = 1000
"""Bytes of a class label."""
