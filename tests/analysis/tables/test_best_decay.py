"""The best decay of a running average where noise and drift are known."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from caviar.analysis.run.read import Run
from caviar.analysis.tables.best_decay import best_decay, memory_scaling
from caviar.runner.config import TrialConfig
from tests.analysis.synthetic import World, compared, crossed, run_of, size, trial

LEVELS = {"norm_batch_size": [8, 64, 256]}
MEMORIES = [2.0**k for k in range(1, 8)]
DECAYS = [1 - 1 / memory for memory in MEMORIES]


def memory_of(tracker: str) -> float:
    return 1 / (1 - float(tracker.partition("/")[2]))


Best = Callable[[TrialConfig, int, str], float]


def world(best: Best) -> World:
    """Errors, of either sign, with their smallest square at the memory `best`; `biased` at 2."""

    def error(config: TrialConfig, seed: int, layer: str, tracker: str) -> float:
        rule = tracker.partition("/")[0]
        if rule == "cumulative":
            return 0.0
        target = 2.0 if rule == "biased" else best(config, seed, layer)
        away = abs(math.log2(memory_of(tracker) / target))
        return (-1.0) ** seed * (0.1 + away * (1 + seed / 20))

    return World(mean_error=error)


def study(root: Path, best: Best, levels: dict[str, Any] = LEVELS, **fields: Any) -> Run:
    fields = {"decay": DECAYS[0], "decays": tuple(DECAYS[1:]), "hidden": (8, 8), **fields}
    rules = ("unbiased", "biased", "cumulative")
    trials = crossed(levels, conventions=rules, **fields)
    return run_of(root, trials, world(best), scientific=levels)


def cube_root(config: TrialConfig, seed: int, layer: str) -> float:
    """16, 8 and 4 updates for 8, 64 and 512 examples; four times as many in the second layer."""
    return float((4 if layer == "norm2" else 1) * 32.0 / size(config) ** (1 / 3))


def test_the_best_decay_is_found(tmp_path: Path) -> None:
    levels = {"norm_batch_size": [8, 64, 512]}
    run = study(tmp_path, cube_root, levels, batch_size=512)
    table = best_decay(compared(run)).set_index(["layer", "level"])
    assert len(table) == 6
    truth = {("norm1", 8): 16, ("norm1", 64): 8, ("norm1", 512): 4}
    truth |= {("norm2", m): 4 * memory for (_, m), memory in truth.items()}
    for key, memory in truth.items():
        row = table.loc[key]
        assert row["memory"] == pytest.approx(memory)
        for column in ("decay", "low", "high"):
            assert row[column] == pytest.approx(1 - 1 / memory)
        assert (row["units"], row["low_edge"], row["high_edge"]) == (6, False, False)


def test_memory_scales_as_it_was_made_to(tmp_path: Path) -> None:
    levels = {"norm_batch_size": [8, 64, 512]}
    run = study(tmp_path, cube_root, levels, batch_size=512)
    table = memory_scaling(compared(run))
    assert table["layer"].tolist() == ["norm1", "norm2"]
    for column in ("mean", "low", "high", "predicted"):
        assert table[column].to_numpy() == pytest.approx([-1 / 3, -1 / 3])


def test_every_seed_has_its_own_best(tmp_path: Path) -> None:
    """Half of the seeds have memories that fall as 1/m, half that stay: the slopes' mean."""
    levels = {"norm_batch_size": [8, 16, 32]}
    run = study(
        tmp_path, lambda config, seed, layer: 16.0 if seed < 3 else 256.0 / size(config), levels
    )
    row = memory_scaling(compared(run)).iloc[0]
    assert row["mean"] == pytest.approx(-0.5)
    assert row["units"] == 6


@pytest.mark.parametrize(("memory", "edges"), [(1.0, (True, False)), (1e4, (False, True))])
def test_a_best_at_the_end_of_what_was_tried_is_flagged(
    tmp_path: Path, memory: float, edges: tuple[bool, bool]
) -> None:
    run = study(tmp_path, lambda config, seed, layer: memory)
    table = best_decay(compared(run))
    flags = table[["low_edge", "high_edge"]].to_numpy().tolist()
    assert flags == [list(edges)] * 6


def test_two_decays_have_no_best(tmp_path: Path) -> None:
    run = study(tmp_path, cube_root, decays=(DECAYS[1],))
    assert best_decay(compared(run)).empty and memory_scaling(compared(run)).empty


def test_two_sizes_have_no_scaling(tmp_path: Path) -> None:
    run = study(tmp_path, cube_root, {"norm_batch_size": [8, 64]})
    assert len(best_decay(compared(run))) == 4
    assert memory_scaling(compared(run)).empty


def test_the_best_is_that_of_the_draw_which_a_size_chose(tmp_path: Path) -> None:
    """Squares (1, 0, 9) at the chosen draw, (4, 9, 0) at the other: a mean has the first lowest."""
    squares = [dict(zip(DECAYS, of, strict=False)) for of in ((1.0, 0.0, 9.0), (4.0, 9.0, 0.0))]

    def error(config: TrialConfig, seed: int, layer: str, tracker: str) -> float:
        return math.sqrt(squares[config.draw][float(tracker.partition("/")[2])])

    decays = {"decay": DECAYS[0], "decays": tuple(DECAYS[1:3]), "conventions": ("unbiased",)}
    trials = crossed(LEVELS, rates=(0.1, 0.2), **decays)
    run = run_of(tmp_path, trials, World(mean_error=error), scientific=LEVELS)
    table = best_decay(compared(run))
    assert table["memory"].to_numpy() == pytest.approx(np.full(3, MEMORIES[1]))
    scaling = memory_scaling(compared(run))
    assert scaling["mean"].to_numpy() == pytest.approx([0.0])


def test_a_decay_that_was_drawn_is_not_one_of_those_tried(tmp_path: Path) -> None:
    """Each draw's own decay is best by far, but differs from the others by its draw too."""
    trials = [
        trial(norm_batch_size=m, draw=draw, decay=decay, decays=tuple(DECAYS[1:4]))
        for draw, decay in enumerate((0.3, 0.6))
        for m in LEVELS["norm_batch_size"]
    ]
    best = world(lambda config, seed, layer: memory_of(f"unbiased/{config.decay}"))
    run = run_of(tmp_path, trials, best, scientific=LEVELS, nuisance=("decay",))
    decays = best_decay(compared(run))["decay"]
    assert decays.to_numpy() == pytest.approx(np.full(3, DECAYS[1]))


def test_a_seed_that_diverged_is_left_out(tmp_path: Path) -> None:
    run = study(tmp_path, cube_root)
    rows = run.statistics
    bad = (rows["seed"] == 1) & (rows["norm_batch_size"] == 64)
    spoiled = rows.assign(mean_error=rows["mean_error"].mask(bad, np.inf))
    lost = Run(**{**vars(run), "statistics": spoiled})
    table = best_decay(compared(lost)).set_index(["layer", "level"])
    assert table.loc[("norm1", 64), "units"] == 5 and table.loc[("norm1", 8), "units"] == 6
    row = memory_scaling(compared(lost)).iloc[0]
    assert (row["units"], row["left_out"]) == (5, 1)


def test_only_the_last_step_counts(tmp_path: Path) -> None:
    """Half way the shortest memory is best by far, here."""
    run = study(tmp_path, cube_root)
    rows = run.statistics
    earlier = (rows["step"] < rows["step"].max()) & (rows["tracker_decay"] == DECAYS[0])
    rows = rows.assign(mean_error=rows["mean_error"].mask(earlier, 0.0))
    other = Run(**{**vars(run), "statistics": rows})
    pd.testing.assert_frame_equal(best_decay(compared(other)), best_decay(compared(run)))
    pd.testing.assert_frame_equal(memory_scaling(compared(other)), memory_scaling(compared(run)))


def test_there_is_none_without_batch_norm(tmp_path: Path) -> None:
    levels = {"batch_size": [32, 64, 128]}
    run = run_of(tmp_path, crossed(levels, norm="layer"), scientific=levels)
    assert best_decay(compared(run)).empty and memory_scaling(compared(run)).empty


def test_there_is_none_without_pairs(tmp_path: Path) -> None:
    three = tuple(DECAYS[1:])
    trials = [trial(norm_batch_size=m, draw=i, decays=three) for i, m in enumerate((8, 32, 64))]
    run = run_of(tmp_path, trials)
    assert best_decay(compared(run)).empty and memory_scaling(compared(run)).empty
