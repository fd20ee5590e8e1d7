"""Claims about the errors of running averages: sampling, staleness and bias."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pandas as pd

from caviar.analysis.run.design import in_order
from caviar.analysis.scorecard.claim import ABOVE_ZERO, Claim, Parts
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


def staleness_stays(s: Seedwise) -> Parts | None:
    """Slopes of the last layer's errors in halvings per doubling of m, while weights move."""
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
    return {"sampling": sampling, "staleness": sampling / 4 - staleness}


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


CLAIMS = (
    Claim(
        key="shuffling-helps",
        source="shuffled running averages, this study",
        text="At an epoch's end running means scatter less than over independent batches.",
        known="derived and measured once",
        quantity=(
            "squared sampling error of the first running mean over (1 - d) / (1 + d) / m, m >= 64"
        ),
        region=(-math.inf, 1.0),
        unit="ratio",
        measure=shuffling_helps,
        not_tested="Within an epoch; small ghosts, which see too little of an epoch to gain.",
    ),
    Claim(
        key="staleness-stays",
        source="three errors of running averages, this study",
        text=(
            "As the norm batch grows, sampling error falls and staleness falls less than a quarter "
            "as fast."
        ),
        known="derived and measured once",
        quantity=(
            "fall of the last running mean's sampling error, and a quarter of it less the fall of "
            "staleness"
        ),
        region=ABOVE_ZERO,
        unit="halvings of the error per doubling of m",
        measure=staleness_stays,
        not_tested="Learning rates that grow with the batch, where staleness should grow.",
    ),
    Claim(
        key="bessel-first-layer",
        source="Bessel's correction, this study",
        text="In the first layer the unbiased rule has no bias, within two percent.",
        known="derived and measured once",
        quantity="bias of the unbiased running variance, log ratio, from m = 8 up",
        region=(-0.02, 0.02),
        unit="log ratio",
        measure=bessel_first_layer,
        not_tested="Decays whose starting value has not been forgotten.",
    ),
    Claim(
        key="bessel-deeper",
        source="Bessel's correction, this study",
        text="In the second layer the unbiased rule's variance is too large.",
        known="derived and measured once",
        quantity="bias of the unbiased running variance, log ratio, up to m = 32",
        region=ABOVE_ZERO,
        unit="log ratio",
        measure=bessel_deeper,
        not_tested="Layers beyond the second.",
    ),
)
