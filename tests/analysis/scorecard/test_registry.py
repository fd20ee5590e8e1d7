"""The registry: every claim once, in words that keep its promises, and with a known truth."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from caviar.analysis.scorecard import registry
from caviar.analysis.scorecard.claim import THIS_STUDY
from caviar.analysis.scorecard.registry import CLAIMS, declarations_hash
from tests.analysis.scorecard import (
    test_claims_of_alternatives,
    test_claims_of_averages,
    test_claims_of_injected_noise,
    test_claims_of_noise,
    test_claims_of_readers,
    test_claims_of_size,
    test_claims_of_strength,
)
from tests.analysis.scorecard.scenarios import CLAIM

TESTED = (
    test_claims_of_alternatives,
    test_claims_of_averages,
    test_claims_of_injected_noise,
    test_claims_of_noise,
    test_claims_of_readers,
    test_claims_of_size,
    test_claims_of_strength,
)


def test_every_claim_has_a_key_of_its_own_and_a_world() -> None:
    assert len(CLAIM) == len(CLAIMS)
    assert CLAIM.keys() == {scenario.key for module in TESTED for scenario in module.SCENARIOS}


def test_published_claims_come_first_and_all_others_are_said_to_be_ours() -> None:
    assert [claim.tag for claim in CLAIMS] == sorted((c.tag for c in CLAIMS), reverse=True)
    for claim in CLAIMS:
        assert (claim.tag == "D") == claim.source.endswith(THIS_STUDY)


def test_a_claim_says_what_it_is_and_where_it_was_read() -> None:
    for claim in CLAIMS:
        for text in (claim.text, claim.not_tested, claim.differs):
            assert text[0].isupper() and text.endswith("."), claim.key
        assert claim.region[0] < claim.region[1], claim.key
        if claim.tag == "V":
            assert re.search(r"“.+”|as above", claim.quote), claim.key
        two_ended = all(abs(end) < 100 for end in claim.region)
        # A region that is a tolerance has no smallest effect; one with a single end needs one,
        # unless that end is itself the smallest effect that matters.
        one_ended = not two_ended and claim.region[1] not in (0.005, 0.5)
        assert (claim.smallest > 0) == one_ended, claim.key


def test_a_registration_sees_a_change_of_words_or_numbers_but_not_of_a_quotation(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    first = CLAIMS[0]
    hashes = {declarations_hash()}
    for change in ({"smallest": 0.004}, {"region": (0.1, 1.0)}, {"text": "Else."}, {"quote": "x"}):
        monkeypatch.setattr(registry, "CLAIMS", (replace(first, **change), *CLAIMS[1:]))
        hashes.add(declarations_hash())
    assert len(hashes) == 4
