"""What is said of the best memory of running averages."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from caviar.analysis.findings.test_time.repairs import MEMORY_SCALING, REPAIRS
from tests.analysis.synthetic import World, crossed, results_in, run_of, size

MINUS = "\N{MINUS SIGN}"


def test_the_best_memory_against_the_size(tmp_path: Path) -> None:
    """Memories 2, 4, 8 and 16 are best at m = 64, 32, 16 and 8: a slope of -1."""
    levels = {"norm_batch_size": [8, 16, 32, 64]}
    decays: dict[str, Any] = {
        "decay": 0.5,
        "decays": (0.75, 0.875, 0.9375),
        "conventions": ("unbiased",),
    }
    world = World(
        mean_error=lambda config, seed, layer, tracker: (
            1 + abs(128 / size(config) - 1 / (1 - float(tracker.partition("/")[2])))
        )
    )
    run = run_of(tmp_path, crossed(levels, **decays), world, scientific=levels)
    results = results_in(run)
    (sentence,) = MEMORY_SCALING.sentences(results)
    assert f"in layer norm1 scales as m^{MINUS}1 [{MINUS}1, {MINUS}1]; theory expects" in sentence
    assert f"an exponent of {MINUS}0.333 where" in sentence
    assert REPAIRS.sentences(results) == []  # The readers tell what these statistics cost.
