"""All claims, in the order of the scorecard: published ones first, then those of this study."""

from __future__ import annotations

import hashlib
import json

from caviar.analysis.scorecard.claim import Claim
from caviar.analysis.scorecard.claims_of_alternatives import CLAIMS as OF_ALTERNATIVES
from caviar.analysis.scorecard.claims_of_averages import CLAIMS as OF_AVERAGES
from caviar.analysis.scorecard.claims_of_injected_noise import CLAIMS as OF_INJECTED_NOISE
from caviar.analysis.scorecard.claims_of_noise import CLAIMS as OF_NOISE
from caviar.analysis.scorecard.claims_of_readers import CLAIMS as OF_READERS
from caviar.analysis.scorecard.claims_of_size import CLAIMS as OF_SIZE
from caviar.analysis.scorecard.claims_of_strength import CLAIMS as OF_STRENGTH

_EVERY = (
    *OF_SIZE,
    *OF_READERS,
    *OF_ALTERNATIVES,
    *OF_INJECTED_NOISE,
    *OF_STRENGTH,
    *OF_NOISE,
    *OF_AVERAGES,
)
CLAIMS: tuple[Claim, ...] = tuple(sorted(_EVERY, key=lambda claim: claim.tag == "D"))


def declarations_hash() -> str:
    """SHA-256 of what all claims declare: words, quantities, regions and smallest effects."""
    declared = [claim.declaration() for claim in CLAIMS]
    return hashlib.sha256(json.dumps(declared, sort_keys=True).encode()).hexdigest()
