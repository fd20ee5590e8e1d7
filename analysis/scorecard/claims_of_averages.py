"""Claims about the errors of running averages: sampling, staleness and bias."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from caviar.analysis.run.design import in_order
from caviar.analysis.scorecard.claim import ABOVE_ZERO, SMALLEST, THIS_STUDY, Claim, Parts
from caviar.analysis.scorecard.claims_of_size import SMALL_NETWORKS
from caviar.analysis.scorecard.seedwise import Seedwise, usual_tracker
from caviar.analysis.scorecard.sizes import LARGE, norm_sizes, size_label, slopes
from caviar.analysis.theory.running_mean import sum_of_squares

BESSEL_FROM, BESSEL_UP_TO = 8, 32
FORGOTTEN = 0.01
"""The largest weight of the starting value with which a bias is read."""


def layers_of(s: Seedwise) -> list[str]:
    """The measured layers from the input on."""
    return in_order(s.statistics["layer"]) if len(s.statistics) else []


def errors(s: Seedwise, layer: str, tracker: str, what: str) -> pd.DataFrame:
    """An error by seed (rows) and size (columns); no columns where it was not measured."""
    if what not in s.statistics:
        return pd.DataFrame()
    rows = s.statistics
    rows = rows[(rows["layer"] == layer) & (rows["tracker"] == tracker)]
    wide = rows.pivot(index="seed", columns="level", values=what).reindex(list(s.seeds))
    kept = [size for size in wide if size in norm_sizes(s)]
    return wide[kept].dropna(axis=1, how="all")


def shuffling_helps(s: Seedwise) -> Parts | None:
    """Squared sampling error in the first layer over that of independent batches."""
    decay, steps, batch = (s.of_batch_norm(name) for name in ("decay", "steps", "batch_size"))
    if not layers_of(s) or batch is None or steps is None or decay is None:
        return None
    if steps % (s.examples // batch):
        return None
    wide = errors(s, layers_of(s)[0], usual_tracker(s.run), "mean_sampling")
    law = sum_of_squares("constant", float(decay), float(steps))
    return {size_label(m): wide[m].to_numpy() ** 2 * m / law for m in wide if m >= LARGE} or None


def sampling_falls(s: Seedwise) -> Parts | None:
    """Halvings of the last layer's sampling error per doubling of m, while weights move."""
    falls = _falls(s)
    return falls and {"all m": falls[0]}


def staleness_stays(s: Seedwise) -> Parts | None:
    """A quarter of that less the halvings of its staleness."""
    falls = _falls(s)
    return falls and {"all m": falls[0] / 4 - falls[1]}


def _falls(s: Seedwise) -> tuple[NDArray[Any], NDArray[Any]] | None:
    """Halvings of sampling error and of staleness per doubling of m, `(seeds,)` each."""
    if s.of_batch_norm("schedule") != "constant" or len(layers_of(s)) < 2:
        return None
    both = [
        errors(s, layers_of(s)[-1], usual_tracker(s.run), f"mean_{part}")
        for part in ("sampling", "staleness")
    ]
    if any(wide.shape[1] < 3 for wide in both):
        return None
    sampling, staleness = (
        -slopes(np.log2(wide.columns.to_numpy(float)), np.log2(wide.where(wide > 0).to_numpy()))
        for wide in both
    )
    return sampling, staleness


def bessel_first_layer(s: Seedwise) -> Parts | None:
    """Bias of the unbiased rule in the first layer."""
    return _bessel(s, 0, lambda m: m >= BESSEL_FROM)


def bessel_deeper(s: Seedwise) -> Parts | None:
    """Bias of the unbiased rule in the second layer, where batches are small."""
    return _bessel(s, 1, lambda m: m <= BESSEL_UP_TO)


def _bessel(s: Seedwise, layer: int, keeps: Callable[[float], bool]) -> Parts | None:
    decay, steps = s.of_batch_norm("decay"), s.of_batch_norm("steps")
    if decay is None or len(layers_of(s)) <= layer or s.of_batch_norm("schedule") == "constant":
        return None
    if steps is None or float(decay) ** float(steps) > FORGOTTEN:
        return None
    wide = errors(s, layers_of(s)[layer], f"unbiased/{float(decay)!r}", "variance_bias")
    return {size_label(m): wide[m].to_numpy() for m in wide if keeps(m)} or None


SHUFFLED = f"shuffled running averages, {THIS_STUDY}"
ERRORS = f"errors of running averages, {THIS_STUDY}"
BESSEL = f"Bessel's correction, {THIS_STUDY}"
HALVINGS = "halvings of the error per doubling of m"

CLAIMS = (
    Claim(
        key="shuffling-helps",
        source=SHUFFLED,
        text="At an epoch's end running means scatter less than over independent batches.",
        tag="D",
        quote="derived for batches drawn without replacement, and checked on one seed",
        quantity="squared sampling error of the first running mean over (1 - d) / (1 + d) / m, "
        "m >= 64",
        region=(-math.inf, 1.0),
        smallest=0.05,
        unit="ratio",
        design="running-average",
        measure=shuffling_helps,
        differs=f"{SMALL_NETWORKS}.",
        not_tested="Within an epoch; small ghosts, which see too little of an epoch to gain.",
    ),
    Claim(
        key="sampling-falls",
        source=ERRORS,
        text="As the norm batch grows, the sampling error of the running mean falls.",
        tag="D",
        quote="derived: its square is proportional to 1 / m",
        quantity="fall of the sampling error of the last layer's running mean",
        region=ABOVE_ZERO,
        smallest=0.05,
        unit=HALVINGS,
        design="running-average",
        measure=sampling_falls,
        differs=f"{SMALL_NETWORKS}.",
        not_tested="Learning rates that grow with the batch.",
    ),
    Claim(
        key="staleness-stays",
        source=ERRORS,
        text="Staleness of the running mean falls less than a quarter as fast as sampling error.",
        tag="D",
        quote="derived: staleness hangs on how fast weights move, not on m",
        quantity="a quarter of the fall of sampling error less the fall of staleness",
        region=ABOVE_ZERO,
        smallest=0.05,
        unit=HALVINGS,
        design="running-average",
        measure=staleness_stays,
        differs=f"{SMALL_NETWORKS}; each size trains at its own best learning rate.",
        not_tested="Learning rates that grow with the batch, where staleness should grow.",
    ),
    Claim(
        key="bessel-first-layer",
        source=BESSEL,
        text="In the first layer the unbiased rule has no bias, within two percent.",
        tag="D",
        quote="derived, and measured once on one seed of the digits",
        quantity="bias of the unbiased running variance, log ratio, from m = 8 up",
        region=(-0.02, 0.02),
        smallest=0.0,
        unit="log ratio",
        design="ghost-size",
        measure=bessel_first_layer,
        differs=f"{SMALL_NETWORKS}.",
        not_tested="Decays whose starting value has not been forgotten.",
    ),
    Claim(
        key="bessel-deeper",
        source=BESSEL,
        text="In the second layer the unbiased rule's variance is too large.",
        tag="D",
        quote="measured once on one seed of the digits, before this test",
        quantity="bias of the unbiased running variance, log ratio, up to m = 32",
        region=ABOVE_ZERO,
        smallest=SMALLEST,
        unit="log ratio",
        design="ghost-size",
        measure=bessel_deeper,
        differs=f"{SMALL_NETWORKS}.",
        not_tested="Layers beyond the second.",
    ),
)
