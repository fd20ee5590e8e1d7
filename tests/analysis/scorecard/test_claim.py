"""A claim as one value: made anew, it is decided as those of the registry are."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np

from caviar.analysis.scorecard.card import decided
from caviar.analysis.scorecard.claim import Claim, Parts
from caviar.analysis.scorecard.seedwise import Seedwise
from caviar.analysis.scorecard.verdicts import NO_PREMISE
from tests.analysis.scorecard.scenarios import ghosts, seedwise_of


def levels_of_seeds(s: Seedwise) -> Parts:
    return {"all": 1.0 + np.array(s.seeds)}


ANEW = Claim(
    key="anew",
    source="A 2001",
    text="Seeds have numbers.",
    tag="V",
    quote="“Seeds have numbers.”",
    quantity="number of a seed, from 1 up",
    region=(0.0, np.inf),
    smallest=0.5,
    unit="seeds",
    design="ghost-size",
    measure=levels_of_seeds,
    differs="Nothing.",
    not_tested="Seeds without a number.",
)


def test_a_claim_brings_its_measure(tmp_path: Path) -> None:
    """Seeds 2 to 7 decide."""
    s = seedwise_of(tmp_path, ghosts(8, 64))
    one = decided(ANEW, s)
    assert one is not None
    assert (one[0].verdict, one[0].effect, one[0].place) == ("seen here", 5.5, "all")
    assert decided(replace(ANEW, measure=lambda s: None), s) is None


def test_a_claim_brings_its_premise(tmp_path: Path) -> None:
    s = seedwise_of(tmp_path, ghosts(8, 64))
    failing = replace(ANEW, premise=lambda s: {"all": -levels_of_seeds(s)["all"]})
    one = decided(failing, s)
    assert one is not None
    assert (one[0].verdict, one[0].why) == ("not decided", NO_PREMISE)
