"""Claims about how strongly batch noise regularises: its exponent, and its equivalent dropout."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from caviar.analysis.scorecard.claim import ABOVE_ZERO, SMALLEST, THIS_STUDY, Claim, Parts
from caviar.analysis.scorecard.claims_of_size import SMALL_NETWORKS
from caviar.analysis.scorecard.seedwise import TEST, TRAIN, Seedwise
from caviar.analysis.scorecard.sizes import LARGE, ghost_sizes, probed, size_label, slopes
from caviar.analysis.theory.batch_statistics import equivalent_dropout

MATCHED = 4
"""The norm batch whose noise is matched: the strongest, so that every seed's train loss is met."""


def penalty_exponent(s: Seedwise) -> Parts | None:
    """Slope of log mean penalty on log(1/m - 1/N), as a jackknife pseudo-value per seed.

    A seed's own penalty at a large size is so noisy that its logarithm is biased or missing; that
    of the mean over seeds is not, and leaving out one seed at a time shows its uncertainty.
    """
    wide = probed(s, "noise_penalty", LARGE)
    if wide.shape[1] < 3:
        return None
    u = 1 / wide.columns.to_numpy(float) - 1 / s.examples
    return {f"m from {LARGE}": pseudo_slopes(np.log(u), wide.to_numpy(float))}


def pseudo_slopes(x: NDArray[Any], penalties: NDArray[Any]) -> NDArray[Any]:
    """Jackknife pseudo-values (Miller 1974) of the slope of log mean penalty on `x`.

    `penalties` is `(seeds, sizes)`; NaN for seeds without all sizes, and for all where a mean
    is not positive.
    """
    pseudo = np.full(len(penalties), np.nan)
    whole = np.isfinite(penalties).all(axis=1)
    kept, n = penalties[whole], int(whole.sum())
    if n < 2:
        return pseudo
    means = np.vstack([kept.mean(axis=0), (kept.sum(axis=0) - kept) / (n - 1)])
    if (means <= 0).any():
        return pseudo
    every, *without = slopes(x, np.log(means))
    pseudo[whole] = n * every - (n - 1) * np.array(without)
    return pseudo


def dropout_path(s: Seedwise) -> list[tuple[float, str]]:
    """Dropout rates on population statistics, from none up, with their arms."""
    path = sorted((float(s.of_arm(arm, "dropout")), arm) for arm in s.on_population("dropout"))
    return path if len(path) > 2 and path[0][0] == 0 else []


def crossing(path: NDArray[Any], target: NDArray[Any]) -> NDArray[Any]:
    """Where along `path`, `(seeds, points)`, each seed first rises through its `target`.

    A position between points; NaN where the path never crosses from below.
    """
    positions = np.full(len(target), np.nan)
    for i, (losses, value) in enumerate(zip(path, target, strict=True)):
        rises = np.flatnonzero((losses[:-1] <= value) & (value < losses[1:]))
        if len(rises):
            j = rises[0]
            positions[i] = j + (value - losses[j]) / (losses[j + 1] - losses[j])
    return positions


def matched(s: Seedwise, size: float) -> tuple[NDArray[Any], NDArray[Any]]:
    """The dropout rate with batch norm's train loss at a size, and its test loss, by seed.

    All at the learning rate that batch norm chose at this size.
    """
    path, place = dropout_path(s), (s.batch_norm, size)
    train, test = (
        np.stack([s.loss_at_rate_of(place, arm, s.examples, what) for _, arm in path], axis=1)
        for what in (TRAIN, TEST)
    )
    where = crossing(train, s.loss(s.batch_norm, size, TRAIN))
    points = np.arange(len(path))
    rate = np.interp(where, points, [rate for rate, _ in path])
    loss = np.array([np.interp(w, points, row) for w, row in zip(where, test, strict=True)])
    return rate, loss


def matched_sizes(s: Seedwise) -> list[float]:
    """The size at which dropout is matched, where a path of dropout rates was trained."""
    return [size for size in ghost_sizes(s) if size == MATCHED] if dropout_path(s) else []


def dropout_strength(s: Seedwise) -> Parts | None:
    """log2 of measured over predicted rate."""
    parts = {}
    for size in matched_sizes(s):
        rate, _ = matched(s, size)
        ratio = np.where(rate > 0, rate, np.nan) / equivalent_dropout(1.5 / size)
        parts[size_label(size)] = np.log2(ratio)
    return parts or None


def better_than_dropout(s: Seedwise) -> Parts | None:
    """Test loss of dropout at the matched rate less that of batch norm."""
    return {
        size_label(size): matched(s, size)[1] - s.loss(s.batch_norm, size)
        for size in matched_sizes(s)
    } or None


EQUIVALENT = f"equivalent dropout, {THIS_STUDY}"
OUTSIDE = "Sizes whose train loss lies outside what the run's dropout rates give."

CLAIMS = (
    Claim(
        key="penalty-exponent",
        source=f"noise penalty, {THIS_STUDY}",
        text="The penalty of batch noise is linear in 1/m - 1/N, from m = 64 up.",
        tag="D",
        quote="derived as the leading order in 1 / m, after the expansion of Luo et al. 2019",
        quantity="exponent of the noise penalty in 1/m - 1/N at frozen weights",
        region=(0.9, 1.1),
        smallest=0.0,
        unit="exponent",
        design="ghost-size",
        measure=penalty_exponent,
        differs=f"{SMALL_NETWORKS}.",
        not_tested="The factor of the law, which takes features as independent.",
    ),
    Claim(
        key="dropout-strength",
        source=EQUIVALENT,
        text="Batch norm's noise at m = 4 fits like dropout at a rate of nu / (1 + nu) with "
        "nu = 1.5 / m: right within a factor of two.",
        tag="D",
        quote="derived by matching the variances of both noises",
        quantity="measured less predicted dropout rate at equal train loss, m = 4",
        region=(-1.0, 1.0),
        smallest=0.0,
        unit="doublings of the rate",
        design="norms",
        measure=dropout_strength,
        differs=f"{SMALL_NETWORKS}; all at the best learning rate of batch norm at m = 4.",
        not_tested=f"Other sizes. {OUTSIDE}",
    ),
    Claim(
        key="better-than-dropout",
        source=EQUIVALENT,
        text="At equal train loss, batch norm's noise at m = 4 generalises better than dropout.",
        tag="D",
        quote="a question of this study, without a prediction",
        quantity="test loss of dropout less that of ghosts of 4, at equal train loss",
        region=ABOVE_ZERO,
        smallest=SMALLEST,
        unit="nats",
        design="norms",
        measure=better_than_dropout,
        differs=f"{SMALL_NETWORKS}; all at the best learning rate of batch norm at m = 4.",
        not_tested=f"Dropout beside batch norm; other sizes. {OUTSIDE}",
    ),
)
