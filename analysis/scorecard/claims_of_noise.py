"""Claims about noise at frozen weights, and about gradient noise between partitions."""

from __future__ import annotations

import math
from itertools import pairwise
from typing import Any

from numpy.typing import NDArray

from caviar.analysis.scorecard.claim import ABOVE_ZERO, SMALLEST, THIS_STUDY, Claim, Parts
from caviar.analysis.scorecard.claims_of_size import SMALL_NETWORKS
from caviar.analysis.scorecard.seedwise import Seedwise
from caviar.analysis.scorecard.sizes import LARGE, ghost_sizes, probed, size_label

PROBED = 8
SHARE_AT, SHARE_OF = 16, 256


def self_influence_share(s: Seedwise) -> Parts | None:
    """Self-influence over the mean penalty, at every large probed size."""
    influence, penalty = (probed(s, what, LARGE) for what in ("self_influence", "noise_penalty"))
    if influence.empty or penalty.empty:
        return None
    return {size_label(m): influence[m].to_numpy() / float(penalty[m].mean()) for m in influence}


def self_influence_predicted(s: Seedwise) -> Parts | None:
    """Measured over predicted self-influence, at every large probed size.

    The divisor is the mean prediction: a seed whose prediction is near zero would have a huge
    ratio.
    """
    measured, predicted = (
        probed(s, what, LARGE) for what in ("self_influence", "predicted_self_influence")
    )
    if measured.empty or predicted.empty:
        return None
    return {size_label(m): measured[m].to_numpy() / float(predicted[m].mean()) for m in measured}


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
    by_size = shares.mean().unstack("seed").reindex(columns=list(s.seeds))
    batch = s.of_batch_norm("batch_size") or 0
    kept = [size for size in ghost_sizes(s) if size < batch and size in by_size.index]
    return {size: by_size.loc[size].to_numpy() for size in kept}


def partition_shares_below_all(s: Seedwise) -> Parts:
    """What ghosts leave of the variance; where that is not above 0, too few draws were made."""
    return {size_label(size): 1 - share for size, share in partition_shares(s).items()}


def partition_share_falls(s: Seedwise) -> Parts | None:
    """The share at each size less that at the next."""
    shares = partition_shares(s)
    sizes = list(shares)
    return {f"m = {a:g} to {b:g}": shares[a] - shares[b] for a, b in pairwise(sizes)} or None


def partition_share_at_16(s: Seedwise) -> Parts | None:
    """The share where it was derived: ghosts of 16 in batches of 256."""
    shares = partition_shares(s)
    if SHARE_AT not in shares or s.of_batch_norm("batch_size") != SHARE_OF:
        return None
    return {size_label(SHARE_AT): shares[SHARE_AT]}


SELF_INFLUENCE = f"self-influence, {THIS_STUDY}"
GRADIENT_NOISE = f"ghosts and gradient noise, {THIS_STUDY}"

CLAIMS = (
    Claim(
        key="self-influence-share",
        source=SELF_INFLUENCE,
        text="An example's part in its own statistics is more than a tenth of the noise penalty.",
        tag="D",
        quote="measured once on one seed of the digits, before this test",
        quantity="self-influence over the mean noise penalty, at every probed size from 64 up",
        region=(0.1, math.inf),
        smallest=0.02,
        unit="share of the penalty",
        design="ghost-size",
        measure=self_influence_share,
        differs=f"{SMALL_NETWORKS}.",
        not_tested="Small norm batches, where deeper layers absorb the noise that examples share.",
    ),
    Claim(
        key="self-influence-predicted",
        source=SELF_INFLUENCE,
        text="One backward pass predicts self-influence within a quarter, from m = 64 up.",
        tag="D",
        quote="derived to first order in 1 / m, and measured once on one seed of the digits",
        quantity="measured over mean predicted self-influence, at every probed size from 64 up",
        region=(0.75, 1.25),
        smallest=0.0,
        unit="ratio",
        design="ghost-size",
        measure=self_influence_predicted,
        differs=f"{SMALL_NETWORKS}.",
        not_tested="What an example does to deeper statistics through the layers below.",
    ),
    Claim(
        key="adaptation",
        source=f"adaptation, {THIS_STUDY}",
        text="Networks trained with small norm batches are less sensitive to them.",
        tag="D",
        quote="measured once on one seed of the digits, before this test",
        quantity="penalty in groups of 8 of networks trained at the largest size less that of "
        "networks trained at the smallest",
        region=ABOVE_ZERO,
        smallest=SMALLEST,
        unit="nats",
        design="ghost-size",
        measure=adaptation,
        differs=f"{SMALL_NETWORKS}.",
        not_tested="Sizes in between, and other sizes at evaluation.",
    ),
    Claim(
        key="partition-share-falls",
        source=GRADIENT_NOISE,
        text="The share of gradient noise that ghosts make falls with every step up in size.",
        tag="D",
        quote="measured once on one seed of the digits, before this test",
        quantity="share at each size less that at the next one",
        region=ABOVE_ZERO,
        smallest=0.01,
        unit="share of variance",
        design="ghost-size",
        measure=partition_share_falls,
        premise=partition_shares_below_all,
        differs=f"{SMALL_NETWORKS}.",
        not_tested="Batch sizes that the run lacks.",
    ),
    Claim(
        key="partition-share-at-16",
        source=GRADIENT_NOISE,
        text="Ghosts of 16 in batches of 256 make 44 % of the gradient's variance, within ten "
        "points.",
        tag="D",
        quote="measured once on one seed of the digits, before this test",
        quantity="share of the gradient's variance between partitions at m = 16",
        region=(0.34, 0.54),
        smallest=0.0,
        unit="share of variance",
        design="ghost-size",
        measure=partition_share_at_16,
        premise=partition_shares_below_all,
        differs=f"{SMALL_NETWORKS}.",
        not_tested="Other architectures, and the course of training: the share is read at its end.",
    ),
)
