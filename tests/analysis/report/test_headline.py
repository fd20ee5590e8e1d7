"""The two sentences that a reader takes away, and those about the parts."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from caviar.analysis.findings.finding import Results
from caviar.analysis.report.answer import about, question_1, question_2
from caviar.analysis.report.headline import headlines
from caviar.runner.config import TrialConfig
from tests.analysis.synthetic import World, crossed, results_in, run_of, size

SIZES = {"norm_batch_size": [4, 8, 16, 32, 64]}


def found(root: Path, world: World | None = None, **fields: Any) -> Results:
    return results_in(run_of(root, crossed(SIZES, **fields), world, scientific=SIZES))


def turned(config: TrialConfig, seed: int) -> float:
    """Lowest at 16, every seed the same but for its own level."""
    return seed + {4: 0.5, 8: 0.2, 16: 0.1, 32: 0.15, 64: 0.3}[size(config)]


def test_question_1_is_the_best_size_against_the_largest(tmp_path: Path) -> None:
    first, _ = headlines(found(tmp_path, World(test=turned)))
    assert first.startswith("m = 16 against m = 64: test loss −0.2 [−0.2, −0.2] nats, train loss ")
    assert first.endswith("(6 seeds; 0 diverged, 0 failed, 0 lost).")


def test_question_2_is_the_damage_at_both_ends(tmp_path: Path) -> None:
    world = World(damage=lambda config, seed, tracker: 1 / size(config))
    _, second = headlines(found(tmp_path, world))
    assert "change test loss by +0.25 [0.25, 0.25] nats at m = 4 and +0.0156 [" in second
    assert "at m = 64 (6 seeds; 0 diverged" in second


def test_nothing_to_compare_has_no_headline(tmp_path: Path) -> None:
    single = {"norm_batch_size": [8]}
    assert headlines(results_in(run_of(tmp_path, crossed(single), scientific=single))) == ("", "")


def test_the_whole_training_split_is_named(tmp_path: Path) -> None:
    levels = {"norm_batch_size": [8, 1024]}
    run = run_of(tmp_path, crossed(levels), scientific=levels)
    assert "m = 1024 is the whole training split" in " ".join(about(results_in(run)))
    assert "whole training split" not in " ".join(about(found(tmp_path / "other")))


def test_parts_of_both_answers(tmp_path: Path) -> None:
    """Self-influence is a quarter of the penalty in this world, and a fifth is predicted."""
    world = World(penalty=lambda config, seed: 1 / size(config))
    tables = found(tmp_path, world, probe_batch_sizes=(4, 64))
    said = " ".join(question_1(tables))
    assert "Of that penalty at m = 64, 0.00391 [0.00391, 0.00391] nats are self-influence" in said
    assert "one backward pass predicts 0.00312 [0.00312, 0.00312]." in said
    assert "at m = 4: precise statistics −0.125 [" in " ".join(question_2(tables))


@pytest.mark.parametrize("facets", [("batch", "batch"), ("relu", "tanh")])
def test_crossed_fields_keep_their_sentences_apart(tmp_path: Path, facets: tuple[str, ...]) -> None:
    levels: dict[str, Any] = {**SIZES, "activation": sorted({"relu", facets[1]} & {"relu", "tanh"})}
    run = run_of(tmp_path, crossed(levels), scientific=levels)
    tables = results_in(run)
    several = len(levels["activation"]) > 1
    assert (headlines(tables)[0] == "") == several
