"""Noise of a ghost drawn for each example: values by direct computation, and its law."""

from __future__ import annotations

import numpy as np

from caviar.model.contract import Array, Parameters
from caviar.model.norms.noise.drawn_ghost_noise import DrawnGhostNoiseNorm
from caviar.model.norms.norm import Norm
from tests.model.helpers import generators, normal

EPSILON = 0.05
UNIT: Parameters = {"gamma": np.ones((2, 1, 5)), "beta": np.zeros((2, 1, 5))}


def _lenders(m: int, batch: int, seed: int = 0) -> Array:
    x = normal(0, 2, batch, 5)
    _, tape = Norm(DrawnGhostNoiseNorm(m, EPSILON)).forward(UNIT, x, generators(2, seed))
    assert tape.lenders is not None
    return tape.lenders


def test_an_example_is_standardised_by_the_ghost_drawn_for_it() -> None:
    x = 2 * normal(0, 2, 14, 5) + 3
    y, tape = Norm(DrawnGhostNoiseNorm(4, EPSILON)).forward(UNIT, x, generators(2))
    assert tape.lenders is not None and tape.moments is not None
    for r in range(2):
        for i in range(14):
            ghost = x[r, tape.lenders[r, i]]
            deviation = np.sqrt(ghost.var(axis=0) + EPSILON)
            np.testing.assert_allclose(y[r, i], (x[r, i] - ghost.mean(axis=0)) / deviation)
    np.testing.assert_allclose(tape.moments.variance[:, 0], x.var(axis=1))


def test_it_agrees_with_the_authors_formula() -> None:
    """X less the shift, divided by the scale, of a batch that is already normalised (their
    injector stands behind a batch norm without gains), with our epsilon."""
    x = normal(0, 2, 64, 5)
    y, tape = Norm(DrawnGhostNoiseNorm(8, 0.0)).forward(UNIT, x, generators(2))
    assert tape.lenders is not None
    normalised = (x - x.mean(axis=1, keepdims=True)) / x.std(axis=1, keepdims=True)
    ghosts = np.stack([one[rows] for one, rows in zip(normalised, tape.lenders, strict=True)])
    expected = (normalised - ghosts.mean(axis=2)) / np.sqrt(ghosts.var(axis=2))
    np.testing.assert_allclose(y, expected, rtol=1e-10)


def test_ghosts_are_drawn_with_replacement_among_all_and_anew() -> None:
    lenders = _lenders(8, 64)
    assert lenders.shape == (2, 64, 8)
    assert set(np.unique(lenders)) == set(range(64))
    repeats = np.mean([len(set(ghost)) < 8 for ghost in lenders.reshape(-1, 8)])
    # 1 - 64!/(56! 64^8) = 0.36, of 128 ghosts: standard error 0.04.
    assert abs(repeats - 0.36) < 0.17
    assert np.mean(lenders == np.arange(64)[:, None]) < 0.05
    assert not np.array_equal(lenders[0], lenders[1])
    assert not np.array_equal(lenders, _lenders(8, 64, seed=1))
