"""What was measured last."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from caviar.analysis.run.design import design_of
from caviar.analysis.run.final_rows import final, final_values
from caviar.analysis.run.read import Run
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


def test_the_size_trained_with_is_that_of_the_end(tmp_path: Path) -> None:
    """Ghosts that grew during training: the rows at the new size are those of the network."""
    levels = {"batch_size": [64, 256]}
    changes = ("4: norm_batch_size = 64",)
    run = run_of(tmp_path, crossed(levels, norm_batch_size=8, changes=changes), scientific=levels)
    grown = replace(run, evaluations=run.evaluations.assign(probe_batch_size=64))
    design = design_of(grown)
    assert design is not None
    assert len(final_values(grown, design)) == len(final_values(_unchanged(run), design)) == 12
    assert final_values(run, design).empty


def _unchanged(run: Run) -> Run:
    return replace(run, trials=run.trials.drop(columns="changes"))
