"""Everything that causes are told from, computed once from the evidence."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from math import isfinite

import numpy as np

from caviar.analysis.audit.costs import CLEAR, PLAIN, Worth, dearest, matters
from caviar.analysis.audit.evidence import Evidence, NormLayer, Readings
from caviar.analysis.audit.parts import LayerParts, parts_of
from caviar.analysis.audit.start_weight import StartWeight, fitted, known_weight

EXPLAINS = 0.7
"""A fitted weight of the start counts where it explains this share of the deviations."""

PARTLY, AS_COUNTED = (0.01, 0.99), 0.1
"""A start that is left in part; how near its weight is to what the counted updates leave."""

HARDLY = 0.9
"""A loss above this share of that of a guess is one of weights that learned next to nothing."""

LARGE_KL = 0.02
"""A mean divergence per unit, in nats, from which on a layer's statistics are called others."""


@dataclass(frozen=True)
class Facts:
    """The evidence with the parts of each layer that stores statistics.

    `start` is the fitted weight of the start, `weight` the one that the parts are split with:
    the fitted one where it explains most, else that which momentum and updates leave.
    """

    evidence: Evidence
    layers: tuple[NormLayer, ...]
    parts: tuple[LayerParts, ...]
    start: StartWeight
    weight: float

    @cached_property
    def readings(self) -> Readings | None:
        """The losses on which stored statistics cost most: of the data given or of the test set.

        Those of a test set with other moments are left out: they judge the data.
        """
        test = None if self.other_moments else self.evidence.test
        return dearest(self.evidence.train, test)

    @property
    def of(self) -> str:
        """Whose losses `readings` are, in words."""
        return "the test set" if self.readings is self.evidence.test else "the data given"

    def costs(self, worth: Worth = CLEAR) -> bool:
        """Whether the stored statistics cost enough to act on.

        Without a loss, whether they are far from the population's.
        """
        if self.readings is None:
            return self.largest_kl > LARGE_KL
        return matters(self.readings.stored_minus_population, self.readings.population, worth)

    @property
    def costs_plainly(self) -> bool:
        """The same where nothing but the cost shows a fault."""
        return self.costs(PLAIN)

    @property
    def cost(self) -> float:
        """What stored statistics add to the loss; 0 where there is no loss, infinite for NaN."""
        difference = self.readings and self.readings.stored_minus_population
        if not difference:
            return 0.0
        return difference.loss if isfinite(difference.loss) else np.inf

    @cached_property
    def guess(self) -> float | None:
        """The cross-entropy of a guess by how frequent each class is; None without classes."""
        if self.evidence.class_shares is None:
            return None
        mean = self.evidence.class_shares.mean(0)
        return -float(np.sum(mean * np.log(np.clip(mean, 1e-12, None))))

    @property
    def untrained(self) -> bool:
        """Whether the data given are hardly known better than by a guess, whatever normalises."""
        given = self.evidence.train
        if self.guess is None or given is None or given.stored is None:
            return False
        return min(given.stored.loss, given.population.loss) > HARDLY * self.guess

    @cached_property
    def largest_kl(self) -> float:
        """The largest mean divergence per unit of a layer, in nats."""
        values = [one.kl_per_unit for one in self.parts if isfinite(one.kl_per_unit)]
        return max(values, default=0.0)

    @cached_property
    def other_moments(self) -> bool:
        """Whether the test set has other moments than the data given, in the first norm or all."""
        sizes = [
            kl_of(one.shift.mean.value, one.shift.variance.value)
            for one in self.parts
            if one.shift is not None
        ]
        return bool(sizes) and sizes[0] > LARGE_KL

    @cached_property
    def excess(self) -> float:
        """What start and bias leave of all layers' deviations over what sampling explains, as a
        ratio of root mean squares."""
        rest, expected = 0.0, 0.0
        for one in self.parts:
            for squares, law in (
                (one.rest_mean**2, one.expected_mean),
                (one.rest_variance**2, one.expected_variance),
            ):
                usable = np.isfinite(squares) & np.isfinite(law)
                if usable.any():
                    rest += float(squares[usable].mean())
                    expected += float(law[usable].mean())
        return float(np.sqrt(rest / expected)) if expected > 0 else float(np.inf if rest else 0.0)

    @property
    def still_starting(self) -> bool:
        """Whether as much of the start is left as the counted updates leave: the norms were
        updated in training, and so not frozen, whatever their statistics are worth by chance."""
        known = known_weight(self.layers[0]) if self.layers and self.layers[0].updates else None
        if known is None or self.start.share < EXPLAINS:
            return False
        return PARTLY[0] < known < PARTLY[1] and abs(self.start.weight - known) < AS_COUNTED

    @property
    def momentum(self) -> float | None:
        """The momentum of most norms, None for cumulative averages."""
        values = [layer.momentum for layer in self.layers]
        return max(values, key=values.count, default=None)


def kl_of(mean: float, log_ratio: float) -> float:
    """The divergence of two normal laws whose means lie so many deviations apart and whose
    variances have this log ratio, to second order, in nats."""
    return mean**2 / 2 + log_ratio**2 / 4


def facts_of(evidence: Evidence) -> Facts:
    """The facts behind a verdict."""
    layers = tuple(
        layer if evidence.steps is None else replace(layer, updates=evidence.steps)
        for layer in evidence.layers
        if layer.stored is not None
    )
    start = fitted(layers)
    known = [weight for layer in layers if (weight := known_weight(layer)) is not None]
    weight = start.weight if start.share > EXPLAINS else (float(np.median(known)) if known else 0.0)
    return Facts(evidence, layers, tuple(parts_of(one, weight) for one in layers), start, weight)
