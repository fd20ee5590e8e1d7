"""Losses under the statistics of batches that are sorted by class."""

from __future__ import annotations

import numpy as np

from caviar.model.measurements.losses import AtWeights, Scores, batch_statistics
from caviar.model.steps.examples import Examples


def sorted_scores(weights: AtWeights, examples: Examples, size: int) -> Scores:
    """Loss and accuracy under batch statistics where the split comes class by class.

    Groups of `size` then hold one class, or two where classes meet; the last one is filled with
    examples of the first class, which are not scored. A test set in a folder per class that is read
    without shuffling comes like this; Ioffe 2017 calls such batches not independent.
    """
    order = np.argsort(examples.labels, axis=1, kind="stable")
    kinds = {"batch": batch_statistics(size)}
    return weights.evaluate(examples, kinds, group=size, order=order)["batch"]
