"""Which values of the drawn fields are best for each arm."""

from __future__ import annotations

from pathlib import Path

from caviar.analysis.tables.tuning import chosen_table
from caviar.runner.config import TrialConfig
from tests.analysis.synthetic import World, compared, crossed, run_of, size


def test_what_the_best_draws_are(tmp_path: Path) -> None:
    """At 8 the lowest rate is best on all seeds; at 256 the middle one, but for seed 0's arm."""
    levels = {"norm_batch_size": [8, 256]}

    def validation(config: TrialConfig, seed: int) -> float:
        if size(config) == 8:
            return config.learning_rate
        if config.draw == 2:
            return -100.0 if seed == 1 else 1.0
        return [0.9, 0.5][config.draw]

    run = run_of(
        tmp_path,
        crossed(levels, rates=(0.1, 0.2, 0.4)),
        World(validation=validation),
        scientific=levels,
    )
    table = chosen_table(compared(run)).set_index("level")
    assert set(table["field"]) == {"learning_rate"} and set(table["seeds"]) == {6}
    shown = ["lowest", "median", "highest", "at_edge"]
    assert table.loc[8, shown].tolist() == [0.1, 0.1, 0.1, 6]
    # Only seed 1 does not see its own lucky loss at the highest rate.
    assert table.loc[256, shown].tolist() == [0.2, 0.4, 0.4, 5]
