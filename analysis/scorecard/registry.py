"""All claims, in the order of the scorecard: published ones first, then those of this study."""

from __future__ import annotations

from caviar.analysis.scorecard.claim import Claim
from caviar.analysis.scorecard.claims_of_alternatives import CLAIMS as OF_ALTERNATIVES
from caviar.analysis.scorecard.claims_of_averages import CLAIMS as OF_AVERAGES
from caviar.analysis.scorecard.claims_of_noise import CLAIMS as OF_NOISE
from caviar.analysis.scorecard.claims_of_size import CLAIMS as OF_SIZE
from caviar.analysis.scorecard.claims_of_strength import CLAIMS as OF_STRENGTH

CLAIMS: tuple[Claim, ...] = (
    *OF_SIZE,
    *OF_ALTERNATIVES,
    *OF_STRENGTH,
    *OF_NOISE,
    *OF_AVERAGES,
)
