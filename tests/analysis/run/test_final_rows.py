"""What was measured last."""

from __future__ import annotations

from pathlib import Path

from caviar.analysis.run.final_rows import final
from tests.analysis.synthetic import STEPS, World, compared, crossed, run_of, size

SIZES = {"norm_batch_size": [8, 64, 256]}
RATES = (0.1, 0.2)


def test_only_the_last_step_of_each_trial_counts(tmp_path: Path) -> None:
    run = run_of(tmp_path, crossed(SIZES), scientific=SIZES)
    short = run.evaluations["norm_batch_size"] == 64
    # One trial stopped half way: its own last step counts.
    frame = run.evaluations[~short | (run.evaluations["step"] < STEPS)]
    rows = final(frame, compared(run).design)
    assert rows.groupby("level")["step"].unique().map(list).to_dict() == {
        8: [STEPS],
        64: [STEPS // 2],
        256: [STEPS],
    }
    assert (rows["level"] == rows["norm_batch_size"]).all()
    assert set(rows["facet"]) == {""}


def test_final_values(tmp_path: Path) -> None:
    world = World(
        train=lambda config, seed: 0.5,
        validation=lambda config, seed: float(config.draw),
        test=lambda config, seed: 1 / size(config) + seed,
        accuracy=lambda config, seed: 0.75,
        penalty=lambda config, seed: 2 / size(config),
    )
    run = run_of(tmp_path, crossed(SIZES, rates=RATES), world, scientific=SIZES)
    values = compared(run).final_values
    assert len(values) == 3 * 2 * 6
    row = values.query("level == 8 and draw == 1 and seed == 5").iloc[0]
    shown = ("train_loss", "validation_loss", "test_loss", "test_accuracy", "train_mode_loss")
    assert [row[name] for name in shown] == [0.5, 1.0, 5.125, 0.75, 0.75]
    assert row["noise_penalty"] == 0.25
