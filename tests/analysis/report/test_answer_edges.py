"""Answers of runs that are small, odd or partly failed: whole sentences, and never a `nan`."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from caviar.analysis.findings.finding import Results
from caviar.analysis.report.answer import about, answer, question_1, question_2
from caviar.analysis.results import results_of
from caviar.analysis.run.comparison import NoComparison
from caviar.runner.config import TrialConfig
from caviar.runner.trial.events import Status
from tests.analysis.synthetic import World, crossed, results_in, run_of, size, trial, wiggle

SIZES = {"norm_batch_size": [8, 16, 32, 64, 256]}


def results_with(
    root: Path, levels: Mapping[str, Any], world: World | None = None, **fields: Any
) -> Results:
    return results_in(run_of(root, crossed(levels, **fields), world, scientific=levels))


def whole(findings: Results | NoComparison) -> str:
    """The answer, after checking that nothing in it is missing."""
    text = answer(findings)
    for word in ("nan", "NaN", "None", "inf ", "[]", "Empty"):
        assert word not in text, word
    for sentence in [*about(findings), *question_1(findings), *question_2(findings)]:
        assert sentence.endswith(".") and not sentence.startswith(" ") and "  " not in sentence
    assert "-" not in text.replace("train-mode", "").replace("Test-time", "").replace(
        "elf-influence", ""
    )
    return text


@pytest.mark.parametrize("seeds", [1, 2, 4])
@pytest.mark.parametrize("rates", [(0.1,), (0.1, 0.2)])
def test_few_seeds(tmp_path: Path, seeds: int, rates: tuple[float, ...]) -> None:
    text = whole(results_with(tmp_path, SIZES, seeds=range(seeds), rates=rates))
    assert f"{seeds} {'seed' if seeds == 1 else 'seeds'} each" in text
    assert "too few for an interval" in text and "95 % range" not in text
    assert "nats is not decided" not in text and "train loss stays" not in text


def test_six_seeds_have_intervals(tmp_path: Path) -> None:
    """One of them chooses the best reader of the test set, so that five are read."""
    assert "too few" not in whole(results_with(tmp_path, SIZES, seeds=range(6)))


def test_one_level(tmp_path: Path) -> None:
    levels = {"norm_batch_size": [16]}
    text = whole(results_of(run_of(tmp_path, crossed(levels), scientific=levels)))
    assert "nothing to compare" in text


@pytest.mark.parametrize("norm", ["layer", "none"])
def test_no_batch_norm_at_all(tmp_path: Path, norm: str) -> None:
    text = whole(results_with(tmp_path, {"batch_size": [32, 64, 128]}, norm=norm))
    assert "penalty" not in text and "train-mode" not in text
    assert "Test loss is lowest at B = " in text
    assert "No network with running statistics was measured" in text


def lost(bad: float, *where: tuple[int, int]) -> World:
    """All losses of the (size, seed) pairs in `where` are `bad`."""

    def loss(config: TrialConfig, seed: int) -> float:
        return bad if (size(config), seed) in where else 0.5 + wiggle(config, seed)

    return World(train=loss, validation=loss, test=loss)


@pytest.mark.parametrize("bad", [math.nan, math.inf])
@pytest.mark.parametrize("rates", [(0.1,), (0.1, 0.2)])
def test_some_seeds_diverged(tmp_path: Path, bad: float, rates: tuple[float, ...]) -> None:
    text = whole(
        results_with(tmp_path, SIZES, lost(bad, (8, 0), (16, 3)), seeds=range(8), rates=rates)
    )
    assert f"; {2 * len(rates)} diverged, 0 failed, 0 lost." in text


def test_a_size_at_which_every_seed_diverged(tmp_path: Path) -> None:
    world = lost(math.nan, *((8, seed) for seed in range(6)))
    text = whole(results_with(tmp_path, SIZES, world))
    assert "1 diverged" in text


def test_facets_open_their_sentences(tmp_path: Path) -> None:
    levels = {"norm": ["batch", "renorm"], **SIZES}
    findings = results_with(tmp_path, levels)
    whole(findings)
    sentences = question_1(findings)
    penalties = [s for s in sentences if "the noise of batches raises" in s]
    assert [s.split(":")[0] for s in penalties] == ["norm = batch"]
    lowest = [s for s in sentences if "lowest" in s]
    assert [s.split(":")[0] for s in lowest] == ["norm = batch", "norm = renorm"]
    others = [s for s in question_2(findings) if "raises test loss most" not in s]
    assert others and all(s.startswith("norm = batch: ") for s in others)


def test_a_random_search(tmp_path: Path) -> None:
    trials = [
        trial(norm_batch_size=(8, 64)[i % 2], draw=i, learning_rate=0.1 + i) for i in range(12)
    ]
    assert "over trials" in whole(results_in(run_of(tmp_path, trials)))


def test_failures_are_counted(tmp_path: Path) -> None:
    ends: dict[int, Status | None] = {8: "failed", 16: "lost", 32: None}
    run = run_of(
        tmp_path,
        crossed(SIZES),
        scientific=SIZES,
        status=lambda config: ends.get(size(config), "completed"),
    )
    text = whole(results_in(run))
    assert "2 of 5 trials" in text and "0 diverged, 1 failed, 1 lost." in text


@pytest.mark.parametrize("bad", [math.nan, math.inf])
def test_every_seed_diverged_at_some_size(tmp_path: Path, bad: float) -> None:
    where = [(m, seed) for seed, m in enumerate([8, 16, 32, 64, 256, 8])]
    whole(results_with(tmp_path, SIZES, lost(bad, *where)))


def test_a_paired_run_does_not_speak_of_random_trials(tmp_path: Path) -> None:
    everywhere = [(m, seed) for seed in range(1, 6) for m in SIZES["norm_batch_size"]]
    assert "random trials" not in answer(results_with(tmp_path, SIZES, lost(math.nan, *everywhere)))


def test_a_diverged_network_without_batch_norm_has_no_penalty(tmp_path: Path) -> None:
    sizes = {"batch_size": [8, 64]}
    text = answer(results_with(tmp_path, sizes, lost(math.nan, (8, 0)), norm="layer"))
    assert "the noise of batches raises" not in text


def test_a_penalty_below_zero_does_not_exceed(tmp_path: Path) -> None:
    world = World(penalty=lambda config, seed: -1 / size(config))
    text = answer(results_with(tmp_path, SIZES, world))
    assert "raises train loss by \N{MINUS SIGN}" in text


def test_no_power_is_claimed_without_one(tmp_path: Path) -> None:
    levels = {"norm_batch_size": [4, 8, 16, 32, 64, 128, 256]}
    world = World(penalty=lambda config, seed: -1 / size(config))
    assert "power ?" not in answer(results_with(tmp_path, levels, world))


def test_no_power_of_b_is_claimed(tmp_path: Path) -> None:
    """The penalty is a function of m: where B moves alone there is no exponent."""
    levels = {"batch_size": [8, 16, 32, 64, 128]}
    text = answer(results_with(tmp_path, levels, norm_batch_size=8))
    assert "nats at B = 8" in text and "scales as" not in text


def test_the_last_of_eleven_layers(tmp_path: Path) -> None:
    text = answer(results_with(tmp_path, {"norm_batch_size": [8, 64]}, hidden=(4,) * 11))
    assert "In layer norm11, " in text


def drawn_decays(root: Path, digits: int) -> Results:
    decays = [round(0.5 + (i + math.pi / 4) / 40, digits) for i in range(12)]
    trials = [
        trial(norm_batch_size=(8, 64)[i % 2], draw=i, decay=decay, learning_rate=0.1)
        for i, decay in enumerate(decays)
    ]
    return results_in(run_of(root, trials, nuisance=("decay",)))


@pytest.mark.parametrize("digits", [3, 16])
def test_drawn_decays_are_one_tracker(tmp_path: Path, digits: int) -> None:
    _, sentence, *_ = question_2(drawn_decays(tmp_path, digits))
    assert "m = 8" in sentence and "m = 64" in sentence and "drawn decay" in sentence
    assert "too few" not in sentence


def test_nothing_is_called_significant_without_intervals(tmp_path: Path) -> None:
    assert "significantly" not in answer(results_with(tmp_path, SIZES, seeds=range(2)))


UNFINISHED: dict[str, Callable[[TrialConfig], bool]] = {
    "one draw": lambda config: config.draw == 0,
    "all but the reference": lambda config: size(config) != 256,
    "one size": lambda config: size(config) == 8,
}


@pytest.mark.parametrize("which", UNFINISHED)
def test_an_unfinished_run_has_its_tables_and_an_answer(tmp_path: Path, which: str) -> None:
    def status(config: TrialConfig) -> Status | None:
        return "completed" if UNFINISHED[which](config) else None

    trials = crossed(SIZES, rates=(0.1, 0.2))
    results = results_of(run_of(tmp_path, trials, scientific=SIZES, status=status))
    assert isinstance(results, Results) and {"losses", "effect_of_size"} <= results.tables().keys()
    text = whole(results)
    reference = "none of the networks with m = 256, which the others are compared with, is finished"
    assert (reference in text) == (which == "all but the reference")
    assert "Averaged over" not in text
