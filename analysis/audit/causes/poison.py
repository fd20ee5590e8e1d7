"""One batch shortly before the end whose inputs were far too large."""

from __future__ import annotations

import numpy as np

from caviar.analysis.audit.causes.cause import RECOMPUTE, Cause, Told
from caviar.analysis.audit.causes.first_norm import First, first_norm
from caviar.analysis.audit.causes.words import cost_in_words
from caviar.analysis.audit.facts import Facts
from caviar.analysis.number_format import number


def _poisoned(facts: Facts) -> Told | None:
    if first_norm(facts) is not First.poisoned or not facts.costs():
        return None
    part = facts.parts[0]
    mean = float(np.sqrt(np.nanmean(part.difference_mean**2)))
    return Told(
        f"A batch shortly before the end was poisoned: the stored variance of {part.name} is "
        f"{number(float(np.exp(np.nanmedian(part.difference_variance))))} times the data's, too "
        f"large in nearly all units, and the mean is off by {number(mean)} deviations only; "
        f"{cost_in_words(facts)}.",
        (
            RECOMPUTE,
            "Find the example with extreme values (a file that does not decode, a missing "
            "normalisation, an outlier) and clip or drop it.",
        ),
    )


POISONED_BATCH = Cause("poisoned-batch", _poisoned, frozenset({"lag", "sampling"}))
