"""A claim as one value: made anew, it is decided as those of the registry are."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np

from caviar.analysis.scorecard.claim import ABOVE_ZERO, Claim, Parts
from caviar.analysis.scorecard.seedwise import Seedwise
from caviar.analysis.scorecard.verdicts import verdict_on
from tests.analysis.scorecard.scenarios import ghosts, seedwise_of


def levels_of_seeds(s: Seedwise) -> Parts:
    return {"all": 1.0 + np.array(s.seeds)}


ANEW = Claim(
    key="anew",
    source="A 2001",
    text="Seeds have numbers.",
    known="recalled",
    quantity="number of a seed, from 1 up",
    region=ABOVE_ZERO,
    unit="seeds",
    measure=levels_of_seeds,
    not_tested="Seeds without a number.",
)


def test_a_claim_brings_its_measure(tmp_path: Path) -> None:
    s = seedwise_of(tmp_path, ghosts(8, 64))
    verdict = verdict_on(ANEW, s)
    assert verdict is not None
    assert (verdict.verdict, verdict.effect, verdict.place) == ("confirmed", 4.5, "all")
    assert verdict_on(replace(ANEW, measure=lambda s: None), s) is None


def test_a_claim_brings_its_premise(tmp_path: Path) -> None:
    s = seedwise_of(tmp_path, ghosts(8, 64))
    failing = replace(ANEW, premise=lambda s: {"all": -levels_of_seeds(s)["all"]})
    verdict = verdict_on(failing, s)
    assert verdict is not None
    assert (verdict.verdict, verdict.places) == ("inconclusive", 0)
