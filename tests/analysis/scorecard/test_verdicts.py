"""The scorecard: every claim confirmed, refuted, undecided and left out where it should be."""

from __future__ import annotations

import math
import re
from pathlib import Path

import pytest

from caviar.analysis.scorecard.hypotheses import HYPOTHESES
from caviar.analysis.scorecard.literature import CLAIMS, Claim
from caviar.analysis.scorecard.verdicts import (
    MEASURES,
    PREMISES,
    Verdict,
    verdict_on,
)
from tests.analysis.claim_scenarios import Quantity, Scenario, measured
from tests.analysis.claim_worlds_losses import OF_ARMS, OF_SIZE
from tests.analysis.claim_worlds_statistics import OF_AVERAGES, OF_NOISE

ALL = {claim.key: claim for claim in (*CLAIMS, *HYPOTHESES)}
SCENARIOS = [*OF_SIZE, *OF_ARMS, *OF_NOISE, *OF_AVERAGES]
NAMES = [scenario.name for scenario in SCENARIOS]


def decide(root: Path, scenario: Scenario, q: Quantity) -> Verdict:
    found = measured(root, scenario.trials, scenario.world(q))
    assert found is not None
    decided = verdict_on(ALL[scenario.key], found)
    assert decided is not None
    return decided


def steady(value: float) -> Quantity:
    return lambda seed: value + math.sin(3.0 * seed) * 1e-3


def mean_of(q: Quantity) -> float:
    return sum(q(seed) for seed in range(8)) / 8


def test_every_claim_has_a_measure_and_a_world() -> None:
    keys = [claim.key for claim in (*CLAIMS, *HYPOTHESES)]
    assert len(keys) == len(set(keys))
    assert set(keys) == MEASURES.keys() == {scenario.key for scenario in SCENARIOS}
    assert set(keys) >= PREMISES.keys()


@pytest.mark.parametrize("claim", ALL.values(), ids=ALL)
def test_a_claim_is_a_sentence_and_a_recalled_number_is_not_stated(claim: Claim) -> None:
    assert claim.says[0].isupper() and claim.says.endswith(".")
    assert claim.not_tested[0].isupper() and claim.not_tested.endswith(".")
    assert claim.region[0] < claim.region[1]
    if claim.tag == "recalled":
        assert not re.search(r"\d", claim.says)


@pytest.mark.parametrize("scenario", SCENARIOS, ids=NAMES)
def test_confirmed_where_it_holds(tmp_path: Path, scenario: Scenario) -> None:
    q = steady(scenario.values[0]) if scenario.exact else lambda seed: scenario.values[0]
    found = decide(tmp_path, scenario, q)
    assert found.verdict == "confirmed"
    assert found.effect == pytest.approx(mean_of(q), abs=1e-5)
    assert (found.seeds, found.left_out) == (8, 0)


@pytest.mark.parametrize("scenario", SCENARIOS, ids=NAMES)
def test_refuted_where_it_does_not(tmp_path: Path, scenario: Scenario) -> None:
    q = steady(scenario.values[1]) if scenario.exact else lambda seed: scenario.values[1]
    found = decide(tmp_path, scenario, q)
    assert found.verdict == "refuted"
    assert found.effect == pytest.approx(mean_of(q), abs=1e-5)
    low, high = ALL[scenario.key].region
    assert found.high < low or found.low > high


@pytest.mark.parametrize("scenario", SCENARIOS, ids=NAMES)
def test_undecided_where_seeds_disagree(tmp_path: Path, scenario: Scenario) -> None:
    found = decide(tmp_path, scenario, lambda seed: scenario.values[2][seed % 2])
    assert found.verdict == "inconclusive"
    low, high = ALL[scenario.key].region
    assert found.low < high and found.high > low
    assert found.low <= low or found.high >= high


@pytest.mark.parametrize("scenario", SCENARIOS, ids=NAMES)
def test_no_row_without_the_data(tmp_path: Path, scenario: Scenario) -> None:
    found = measured(tmp_path, scenario.without)
    assert found is None or verdict_on(ALL[scenario.key], found) is None
