"""Claims about control arms: the numbers, one a seed, that decide each."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from caviar.analysis.scorecard.measures_of_size import Parts, at, ghost_sizes
from caviar.analysis.scorecard.seedwise import TEST, TRAIN, Seedwise
from caviar.analysis.theory.batch_statistics import equivalent_dropout

MEDIUM = 32
"""The norm batch that batch norm is at its best with, in the comparison with group norm."""
SAFE = 64
"""The norm batch at which batch norm is held to lose nothing yet."""
SMALL = 8


def shared(s: Seedwise, arm: str) -> list[float]:
    """The sizes that an arm and batch norm both have."""
    return [size for size in s.levels(arm) if size in ghost_sizes(s)]


def layer_norm_crosses(s: Seedwise) -> Parts | None:
    """Batch norm less layer norm at the smallest size, layer norm less batch norm at 32."""
    arms, sizes = s.arms_with(norm="layer"), ghost_sizes(s)
    if not arms or MEDIUM not in sizes or sizes[0] == MEDIUM or not s.levels(arms[0]):
        return None
    layer = s.loss(arms[0], s.levels(arms[0])[0])
    return {
        at(sizes[0]): s.loss(s.own, sizes[0]) - layer,
        at(MEDIUM): layer - s.loss(s.own, MEDIUM),
    }


def renorm_closes_gap(s: Seedwise) -> Parts | None:
    """Half of batch norm's loss from 64 to each small size, less renormalisation's."""
    found = {}
    for arm in s.arms_with(norm="renorm")[:1]:
        sizes = shared(s, arm)
        for size in sizes if SAFE in sizes else ():
            if size <= SMALL:
                lost = renorm_gap(s, size)
                found[at(size)] = 0.5 * lost - (s.loss(arm, size) - s.loss(arm, SAFE))
    return found or None


def renorm_gap(s: Seedwise, size: float) -> NDArray[Any]:
    """What batch norm loses from 64 to a size."""
    return s.loss(s.own, size) - s.loss(s.own, SAFE)


def renorm_premises(s: Seedwise) -> Parts:
    """There is something to close only where batch norm itself loses."""
    return {at(size): renorm_gap(s, size) for size in ghost_sizes(s) if size <= SMALL}


def sorted_ghosts_hurt(s: Seedwise) -> Parts | None:
    """Class-sorted less random ghosts, both read with population statistics."""
    arms = s.arms_with(norm="batch", ghosts="class-sorted")[:1]
    return {
        at(size): s.loss(arm, size) - s.loss(s.own, size) for arm in arms for size in shared(s, arm)
    } or None


def leave_one_out_helps(s: Seedwise) -> Parts | None:
    """Batch norm less leave-one-out statistics at small sizes."""
    arms = s.arms_with(norm="leave-one-out")[:1]
    return {
        at(size): s.loss(s.own, size) - s.loss(arm, size)
        for arm in arms
        for size in shared(s, arm)
        if size <= SMALL
    } or None


def injected_noise(s: Seedwise) -> tuple[str, list[float]] | None:
    """The arm with a ghost's noise, and the sizes it shares with batch norm."""
    for arm in s.arms_with(norm="shift-and-scale-noise", noise_shared="ghost"):
        if len(shared(s, arm)) > 1:
            return arm, shared(s, arm)
    return None


def injected_noise_as_good(s: Seedwise) -> Parts | None:
    """Injected noise less batch norm, each at its best size."""
    found = injected_noise(s)
    if found is None:
        return None
    arm, sizes = found
    return {"best m of each": s.best(arm, sizes) - s.best(s.own, sizes)}


def injected_noise_optimum(s: Seedwise) -> Parts | None:
    """log2 of each seed's own best size under noise, less that under batch norm."""
    found = injected_noise(s)
    if found is None:
        return None
    arm, sizes = found
    own_best = []
    for name in (arm, s.own):
        losses = np.stack([s.loss(name, size) for size in sizes], axis=1)
        best = np.log2(sizes)[np.where(np.isfinite(losses), losses, np.inf).argmin(axis=1)]
        own_best.append(np.where(np.isfinite(losses).any(axis=1), best, np.nan))
    return {"best m of each": own_best[0] - own_best[1]}


def gamma_decays(s: Seedwise) -> list[str]:
    fixed: dict[str, Any] = {"norm": "batch", "norm_batch_size": s.examples, "dropout": 0.0}
    return [arm for arm in s.arms_with(**fixed) if s.of_arm(arm, "gamma_decay") > 0]


def gamma_decay_closes_gap(s: Seedwise) -> Parts | None:
    """What the best gamma decay gains over population statistics, less half of batch norm's."""
    arms, none = gamma_decays(s), s.population()
    if not arms or none is None or not ghost_sizes(s):
        return None
    decayed = s.loss(*none) - s.best_of([(arm, s.examples) for arm in arms])
    return {"best of each": decayed - 0.5 * batch_norm_gain(s)}


def batch_norm_gain(s: Seedwise) -> NDArray[Any]:
    """What batch norm at its best noisy size gains over population statistics."""
    none = s.population()
    assert none is not None
    noisy = [size for size in ghost_sizes(s) if size < s.examples]
    return s.loss(*none) - s.best(s.own, noisy)


def gamma_premises(s: Seedwise) -> Parts:
    """There is a gap to close only where batch norm gains."""
    return {"best of each": batch_norm_gain(s)}


def dropout_path(s: Seedwise) -> list[tuple[float, str]]:
    """Dropout rates on population statistics, from none up, with their arms."""
    fixed: dict[str, Any] = {"norm": "batch", "norm_batch_size": s.examples, "gamma_decay": 0.0}
    path = sorted((float(s.of_arm(arm, "dropout")), arm) for arm in s.arms_with(**fixed))
    return path if len(path) > 2 and path[0][0] == 0 else []


def crossing(path: NDArray[Any], target: NDArray[Any]) -> NDArray[Any]:
    """Where along `path`, `(seeds, points)`, each seed first rises through its `target`.

    A position between points; NaN where the path never crosses from below.
    """
    found = np.full(len(target), np.nan)
    for i, (losses, value) in enumerate(zip(path, target, strict=True)):
        rises = np.flatnonzero((losses[:-1] <= value) & (value < losses[1:]))
        if len(rises):
            j = rises[0]
            found[i] = j + (value - losses[j]) / (losses[j + 1] - losses[j])
    return found


def matched(s: Seedwise, size: float) -> tuple[NDArray[Any], NDArray[Any]]:
    """The dropout rate with batch norm's train loss at a size, and its test loss, a seed."""
    path = dropout_path(s)
    train, test = (
        np.stack([s.loss(arm, s.examples, what) for _, arm in path], axis=1)
        for what in (TRAIN, TEST)
    )
    where = crossing(train, s.loss(s.own, size, TRAIN))
    points = np.arange(len(path))
    rate = np.interp(where, points, [rate for rate, _ in path])
    loss = np.array([np.interp(w, points, row) for w, row in zip(where, test, strict=True)])
    return rate, loss


def matched_sizes(s: Seedwise) -> list[float]:
    """The sizes at which at least half of the seeds cross batch norm's train loss."""
    if not dropout_path(s):
        return []
    sizes = [size for size in ghost_sizes(s) if size < s.examples]
    return [size for size in sizes if np.isfinite(matched(s, size)[0]).mean() >= 0.5]


def dropout_strength(s: Seedwise) -> Parts | None:
    """log2 of measured over predicted rate."""
    found = {}
    for size in matched_sizes(s):
        rate, _ = matched(s, size)
        ratio = np.where(rate > 0, rate, np.nan) / equivalent_dropout(1.5 / size)
        found[at(size)] = np.log2(ratio)
    return found or None


def better_than_dropout(s: Seedwise) -> Parts | None:
    """Test loss of dropout at the matched rate less that of batch norm."""
    return {
        at(size): matched(s, size)[1] - s.loss(s.own, size) for size in matched_sizes(s)
    } or None
