"""The registry: every claim once, in words that keep its promises, and with a known truth."""

from __future__ import annotations

import re

import pytest

from caviar.analysis.scorecard.claim import Claim
from caviar.analysis.scorecard.registry import CLAIMS
from tests.analysis.scorecard import (
    test_claims_of_alternatives,
    test_claims_of_averages,
    test_claims_of_noise,
    test_claims_of_size,
    test_claims_of_strength,
)
from tests.analysis.scorecard.scenarios import CLAIM

TESTED = (
    test_claims_of_alternatives,
    test_claims_of_averages,
    test_claims_of_noise,
    test_claims_of_size,
    test_claims_of_strength,
)


def test_every_claim_has_a_key_of_its_own_and_a_world() -> None:
    assert len(CLAIM) == len(CLAIMS)
    assert CLAIM.keys() == {scenario.key for module in TESTED for scenario in module.SCENARIOS}


def test_published_claims_come_before_those_of_this_study() -> None:
    derived = [claim.source.endswith("this study") for claim in CLAIMS]
    assert derived == sorted(derived)


@pytest.mark.parametrize("claim", CLAIMS, ids=CLAIM)
def test_a_claim_is_a_sentence_and_a_recalled_number_is_not_stated(claim: Claim) -> None:
    assert claim.text[0].isupper() and claim.text.endswith(".")
    assert claim.not_tested[0].isupper() and claim.not_tested.endswith(".")
    assert claim.region[0] < claim.region[1]
    if claim.known == "recalled":
        assert not re.search(r"\d", claim.text)
