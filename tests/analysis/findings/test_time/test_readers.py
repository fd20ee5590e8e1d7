"""What is said of readers, and of the two variances that frameworks store."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from caviar.analysis.findings.finding import Results
from caviar.analysis.findings.test_time.readers import READERS, VARIANCE_ESTIMATORS
from caviar.analysis.number_format import MINUS
from caviar.analysis.report.answer import headlines
from caviar.runner.config import TrialConfig
from tests.analysis.synthetic import World, crossed, results_in, run_of, size

COST = {"biased/0.9": 0.25, "unbiased/0.9": 0.75}
DEPTHS = [(8,), (8, 8)]


def damage(config: TrialConfig, seed: int, tracker: str) -> float:
    return len(config.hidden) * COST[tracker] / size(config)


def tracked(config: TrialConfig, seed: int, layer: str, tracker: str) -> dict[str, float]:
    deeper = 0.125 if layer == "norm2" else 0.0
    return {"variance_bias": deeper - (0.25 if tracker.startswith("biased") else 0)}


WORLD = World(
    damage=damage,
    precise=lambda config, seed: -0.5 / size(config),
    evalnorm=lambda config, seed: 0.5,
    tracked=tracked,
)


def results(root: Path, **levels: Any) -> Results:
    levels = {"norm_batch_size": [4, 64], **levels}
    trials = crossed(levels, conventions=("biased", "unbiased"))
    return results_in(run_of(root, trials, WORLD, scientific=levels))


def test_the_answer_names_the_best_reader_and_what_the_others_cost(tmp_path: Path) -> None:
    (sentence,) = READERS.sentences(results(tmp_path))
    assert sentence == (
        "Of all statistics that this run has, those of lowest validation loss at m = 4 are precise "
        "statistics. With population statistics instead, test loss changes by +0.125 [0.125, "
        "0.125] nats. With EvalNorm instead, test loss changes by +0.625 [0.625, 0.625] nats."
    )


def test_the_headline_says_what_the_usual_average_costs_over_the_best(tmp_path: Path) -> None:
    _, headline = headlines(results(tmp_path))
    assert headline.startswith(
        "Reading the test set with a running average of unbiased variances (PyTorch's kind, decay "
        "0.9) costs 0.312 [0.312, 0.312] nats at m = 4 over the statistics of lowest "
        "validation loss. At m = 64 it costs 0.0195 [0.0195, 0.0195] nats ("
    )


def test_the_two_variances_by_layer_and_depth_in_the_frameworks_words(tmp_path: Path) -> None:
    two, one = VARIANCE_ESTIMATORS.sentences(results(tmp_path, hidden=DEPTHS))
    start = "Storing the biased variance, as Keras does, in place of the unbiased one, as PyTorch"
    assert one.startswith(f"hidden = 8: {start}")
    assert two.startswith(f"hidden = 2 × 8: {start}")
    assert f"by {MINUS}0.125 [{MINUS}0.125, {MINUS}0.125] nats at m = 4" in one
    assert f"by {MINUS}0.25 [{MINUS}0.25, {MINUS}0.25] nats at m = 4" in two
    assert one.endswith(f"population's. In norm1 it is {MINUS}0.25 biased and 0 unbiased.")
    assert two.endswith(f"unbiased. In norm2 it is {MINUS}0.125 biased and 0.125 unbiased.")
