"""Claims about the statistics of test time: the numbers, one a seed, that decide each."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from caviar.analysis.run.design import in_order
from caviar.analysis.scorecard.measures_of_size import Parts, at, slopes
from caviar.analysis.scorecard.seedwise import Seedwise, usual_tracker
from caviar.analysis.theory.running_mean import sum_of_squares

EVALNORM_UP_TO = 8
NOT_TINY = 16
LARGE = 64
BESSEL_FROM, BESSEL_UP_TO = 8, 32
FORGOTTEN = 0.01
"""What the starting value may still weigh where a bias is read."""


def norm_sizes(s: Seedwise) -> list[float]:
    """The sizes of batch norm, where the axis says how many examples are behind statistics."""
    together = (s.run.trials["norm_batch_size"] == s.run.trials["batch_size"]).all()
    return s.levels(s.own) if s.design.axis == "norm_batch_size" or together else []


def damage(s: Seedwise, kind: str, against: str, size: float) -> NDArray[Any]:
    return s.loss(s.own, size, f"test {kind}") - s.loss(s.own, size, f"test {against}")


def _measured(s: Seedwise, kind: str) -> bool:
    return f"test {kind}" in s.losses


def evalnorm_helps(s: Seedwise) -> Parts | None:
    """Population less EvalNorm at small sizes."""
    sizes = [size for size in norm_sizes(s) if size <= EVALNORM_UP_TO]
    if not _measured(s, "evalnorm"):
        return None
    return {at(size): damage(s, "population", "evalnorm", size) for size in sizes} or None


def precise_while_moving(s: Seedwise) -> Parts | None:
    """Running less precise at every size, where the learning rate never falls."""
    if s.of_own("schedule") != "constant":
        return None
    return _running_less_precise(s, norm_sizes(s))


def precise_equal_at_end(s: Seedwise) -> Parts | None:
    """Running less precise where the learning rate has ended at zero."""
    if s.of_own("schedule") == "constant":
        return None
    return _running_less_precise(s, [size for size in norm_sizes(s) if size >= NOT_TINY])


def _running_less_precise(s: Seedwise, sizes: list[float]) -> Parts | None:
    if not _measured(s, "running") or not _measured(s, "precise"):
        return None
    return {at(size): damage(s, "running", "precise", size) for size in sizes} or None


def layers_of(s: Seedwise) -> list[str]:
    return in_order(s.statistics["layer"]) if len(s.statistics) else []


def errors(s: Seedwise, layer: str, tracker: str, what: str) -> pd.DataFrame:
    """Seeds by size; no columns where it was not measured."""
    if what not in s.statistics:
        return pd.DataFrame()
    rows = s.statistics
    rows = rows[(rows["layer"] == layer) & (rows["tracker"] == tracker)]
    wide = rows.pivot(index="seed", columns="level", values=what).reindex(list(s.seeds))
    kept = [size for size in wide if size in norm_sizes(s)]
    return wide[kept].dropna(axis=1, how="all")


def shuffling_helps(s: Seedwise) -> Parts | None:
    """Squared sampling error in the first layer over that of independent batches."""
    decay, steps, batch = (s.of_own(name) for name in ("decay", "steps", "batch_size"))
    if not layers_of(s) or batch is None or steps is None or decay is None:
        return None
    if steps % (s.examples // batch):
        return None
    wide = errors(s, layers_of(s)[0], usual_tracker(s.run), "mean_sampling")
    law = sum_of_squares("constant", float(decay), float(steps))
    return {at(m): wide[m].to_numpy() ** 2 * m / law for m in wide if m >= LARGE} or None


def staleness_stays(s: Seedwise) -> Parts | None:
    """Slopes of the last layer's errors in halvings a doubling of m, while weights move."""
    if s.of_own("schedule") != "constant" or len(layers_of(s)) < 2:
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


def _bessel(s: Seedwise, layer: int, keeps: Any) -> Parts | None:
    decay, steps = s.of_own("decay"), s.of_own("steps")
    if decay is None or len(layers_of(s)) <= layer or s.of_own("schedule") == "constant":
        return None
    if steps is None or float(decay) ** float(steps) > FORGOTTEN:
        return None
    wide = errors(s, layers_of(s)[layer], f"unbiased/{float(decay)!r}", "variance_bias")
    return {at(m): wide[m].to_numpy() for m in wide if keeps(m)} or None
