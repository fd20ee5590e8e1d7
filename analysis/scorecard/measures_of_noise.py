"""Claims about noise at frozen weights: the numbers, one a seed, that decide each."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from caviar.analysis.scorecard.measures_of_size import Parts, at, ghost_sizes, slopes
from caviar.analysis.scorecard.seedwise import Seedwise

LARGE = 64
"""From here up 1/m is a small number: SCIENCE's laws are leading orders in it."""
PROBED = 8
SHARE_AT, SHARE_OF = 16, 256


def probed(s: Seedwise, what: str, lowest: float) -> pd.DataFrame:
    """Seeds by probed size, a mean over the sizes trained with; sizes below N only."""
    if what not in s.noise:
        return pd.DataFrame()
    rows = s.noise[s.noise["probe_batch_size"].between(lowest, s.examples - 1)]
    wide = rows.pivot_table(
        index=["seed", "level"], columns="probe_batch_size", values=what, dropna=False
    )
    wide = wide.dropna(axis=1, how="all")
    # A size that is missing somewhere must not turn the mean into one over other networks.
    return wide.groupby("seed").agg(lambda x: x.mean(skipna=False)).reindex(list(s.seeds))


def penalty_exponent(s: Seedwise) -> Parts | None:
    """Slope of log mean penalty on log(1/m - 1/N), as a jackknife pseudo-value a seed.

    A seed's own penalty at a large size is so noisy that its logarithm is biased or missing; that
    of the mean over seeds is not, and what leaving a seed out does to it tells its uncertainty.
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
    found = np.full(len(penalties), np.nan)
    whole = np.isfinite(penalties).all(axis=1)
    kept, n = penalties[whole], int(whole.sum())
    if n < 2:
        return found
    means = np.vstack([kept.mean(axis=0), (kept.sum(axis=0) - kept) / (n - 1)])
    if (means <= 0).any():
        return found
    every, *without = slopes(x, np.log(means))
    found[whole] = n * every - (n - 1) * np.array(without)
    return found


def self_influence_share(s: Seedwise) -> Parts | None:
    """Self-influence less a tenth of the penalty, at every large probed size."""
    influence, penalty = (probed(s, what, LARGE) for what in ("self_influence", "noise_penalty"))
    if influence.empty or penalty.empty:
        return None
    return {at(m): (influence[m] - 0.1 * penalty[m]).to_numpy() for m in influence}


def self_influence_predicted(s: Seedwise) -> Parts | None:
    """Measured over predicted self-influence, at every large probed size.

    Over the mean prediction: a seed whose own is near zero would make a ratio of its own huge.
    """
    measured, predicted = (
        probed(s, what, LARGE) for what in ("self_influence", "predicted_self_influence")
    )
    if measured.empty or predicted.empty:
        return None
    return {at(m): measured[m].to_numpy() / float(predicted[m].mean()) for m in measured}


def adaptation(s: Seedwise) -> Parts | None:
    """The penalty in groups of 8 of the largest trained size less that of the smallest."""
    sizes = ghost_sizes(s)
    if len(sizes) < 2 or "noise_penalty" not in s.noise:
        return None
    rows = s.noise[s.noise["probe_batch_size"] == PROBED]
    wide = rows.pivot(index="seed", columns="level", values="noise_penalty").reindex(list(s.seeds))
    if sizes[0] not in wide or sizes[-1] not in wide:
        return None
    return {f"groups of {PROBED}": (wide[sizes[-1]] - wide[sizes[0]]).to_numpy()}


def partition_shares(s: Seedwise) -> dict[float, NDArray[Any]]:
    """By ghost size below the batch, the share of gradient variance between partitions."""
    if "partition_variance" not in s.noise:
        return {}
    rows = s.noise[s.noise["partition_variance"].notna()]
    shares = (rows["partition_variance"] / rows["gradient_variance"]).groupby(
        [rows["level"], rows["seed"]]
    )
    found = shares.mean().unstack("seed").reindex(columns=list(s.seeds))
    batch = s.of_own("batch_size") or 0
    kept = [size for size in ghost_sizes(s) if size < batch and size in found.index]
    return {size: found.loc[size].to_numpy() for size in kept}


def partition_share_falls(s: Seedwise) -> Parts | None:
    """The share at each size less that at the next."""
    shares = partition_shares(s)
    sizes = list(shares)
    return {f"m = {a:g} to {b:g}": shares[a] - shares[b] for a, b in pairwise(sizes)} or None


def partition_share_at_16(s: Seedwise) -> Parts | None:
    """The share where it was derived: ghosts of 16 in batches of 256."""
    shares = partition_shares(s)
    if SHARE_AT not in shares or s.of_own("batch_size") != SHARE_OF:
        return None
    return {at(SHARE_AT): shares[SHARE_AT]}
