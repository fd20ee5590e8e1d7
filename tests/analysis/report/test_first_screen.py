"""The first screen holds for every kind of run, and its table has the numbers of the report."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import pytest

from caviar.analysis.findings.finding import Results
from caviar.analysis.report.first_screen import careful, first_screen, next_step
from caviar.analysis.report.screen_text import text
from caviar.analysis.results import results_of
from caviar.analysis.run.comparison import NoComparison
from caviar.analysis.run.complete_sizes import while_running
from tests.analysis.synthetic import World, crossed, results_in, run_of, size, trial

SIZES = {"norm_batch_size": [4, 8, 16, 32, 64, 128, 256]}


def valley(root: Path) -> Results:
    """Lowest at m = 16 under the second of three rates, which every size chooses."""
    world = World(
        validation=lambda c, s: abs(c.draw - 1.0),
        test=lambda c, s: 0.1 + abs(math.log2(size(c)) - 4) / 50 + 100 * (c.draw != 1),
        accuracy=lambda c, s: 0.9 + size(c) / 1e4,
        damage=lambda c, s, tracker: (0.03 if "99" in tracker else 0.001) + 1e-7 * s * size(c),
    )
    trials = crossed(SIZES, rates=(0.1, 0.2, 0.3), decays=(0.99,), seeds=range(8))
    return results_in(run_of(root, trials, world, scientific=SIZES))


def test_every_line_of_a_whole_run(tmp_path: Path) -> None:
    assert text(first_screen(valley(tmp_path), "runs/one"), 80, colour=False).splitlines() == [
        "synthetic on digits (1,797 examples): 21 networks x 8 seeds, all finished.",
        "m: examples normalised together      4      8     16     32     64    128    256",
        "test loss (lower is better)      0.140  0.120  0.100  0.120  0.140  0.160  0.180",
        "test accuracy, %                  90.0   90.1   90.2   90.3   90.6   91.3   92.6",
        "added by average of decay 0.9    0.001  0.001  0.001  0.001  0.001  0.001  0.001",
        "added by average of decay 0.99   0.030  0.030  0.030  0.030  0.030  0.030  0.030",
        "1 Does a smaller m help? Yes: m = 16 against 256 cuts test loss by 44 % (0.08",
        "nats, 95 % in [0.08, 0.08]); accuracy \N{MINUS SIGN}2.4 points [\N{MINUS SIGN}2.4, "
        "\N{MINUS SIGN}2.4].",
        "2 Are running averages safe at test time? Decay 0.9: yes at every m (within",
        "0.005 nats). Decay 0.99: no at every m (+0.03 to 0.03 nats).",
        "Careful: one data set. In full: caviar report runs/one --full",
        "Next: caviar run --set replicas=20 --out runs/one --extend",
    ]


def test_the_best_size_and_those_that_are_worse(tmp_path: Path) -> None:
    losses = first_screen(valley(tmp_path), "runs/one").rows[1]
    assert [cell.weight for cell in losses.cells] == ["worse"] * 2 + ["best"] + ["worse"] * 4


def shown(results: Results | NoComparison) -> str:
    """The screen at four widths, none too wide; the text at 80."""
    screen = first_screen(results, "runs/one")
    for width in (40, 80, 100, 140):
        lines = text(screen, width, colour=False).splitlines()
        assert max(map(len, lines)) <= width
        assert width < 80 or len(lines) <= 12
        assert "nan" not in " ".join(lines)
    return " ".join(text(screen, 80, colour=False).split())


def test_one_size(tmp_path: Path) -> None:
    single = {"norm_batch_size": [8]}
    words = shown(results_of(run_of(tmp_path, crossed(single), scientific=single)))
    assert "there is nothing to compare." in words
    assert "Next: norm_batch_size in [scientific], with two sizes or more." in words


def test_every_seed_diverged(tmp_path: Path) -> None:
    nan = World(train=lambda c, s: math.nan, test=lambda c, s: math.nan)
    nan = replace(nan, validation=lambda c, s: math.nan)
    words = shown(results_of(run_of(tmp_path, crossed(SIZES), nan, scientific=SIZES)))
    assert "7 diverged." in words and "Next: lower the learning rates of the study." in words


def test_a_random_search(tmp_path: Path) -> None:
    trials = [
        trial(norm_batch_size=(8, 64)[i % 2], draw=i, learning_rate=0.1 + i) for i in range(12)
    ]
    words = shown(results_in(run_of(tmp_path, trials)))
    assert "A random search cannot tell: its trials differ in every field." in words
    assert "Careful: trials differ in more than the size." in words
    assert "Next: caviar best" in words


def test_without_batch_norm(tmp_path: Path) -> None:
    sizes = {"batch_size": [8, 64]}
    words = shown(results_in(run_of(tmp_path, crossed(sizes, norm="layer"), scientific=sizes)))
    assert "B: examples of one update 8 64" in words
    assert "at test time? No network that was compared has running statistics." in words


def test_crossed_fields_have_a_line_each(tmp_path: Path) -> None:
    levels = {**SIZES, "activation": ["relu", "tanh"]}
    words = shown(results_in(run_of(tmp_path, crossed(levels), scientific=levels)))
    assert "test loss, activation = relu" in words and "test loss, activation = tanh" in words
    assert "Does a smaller m help? activation = relu: " in words


def test_a_running_study_says_so_first(tmp_path: Path) -> None:
    run = run_of(
        tmp_path,
        crossed(SIZES),
        scientific=SIZES,
        status=lambda config: None if size(config) == 4 else "completed",
    )
    words = shown(results_of(while_running(run)))
    assert words.startswith("This run is still running: 6 of 7 trials have a result.")


@pytest.mark.parametrize(("rates", "where"), [((0.1, 0.2), "lies at the edge"), ((0.1,), "tuned")])
def test_what_limits_the_rates_is_the_caveat(
    tmp_path: Path, rates: tuple[float, ...], where: str
) -> None:
    words = shown(results_in(run_of(tmp_path, crossed(SIZES, rates=rates), scientific=SIZES)))
    assert where in words
    assert ("widen the range of learning_rate in [nuisance]" in words) == (len(rates) == 2)


def test_too_few_seeds_for_an_interval_come_before_the_range_of_rates(tmp_path: Path) -> None:
    """Four seeds, one of which chooses among rates whose best is the lowest."""
    trials = crossed(SIZES, rates=(0.1, 0.2), seeds=range(4))
    results = results_in(run_of(tmp_path, trials, scientific=SIZES))
    assert careful(results).endswith("lies at the edge of those tried.")
    assert " --set replicas=20 " in next_step(results, "runs/a")


TWO = {"norm_batch_size": [8, 64]}


@pytest.mark.parametrize(
    ("command", "again"),
    [
        ("caviar run", "caviar run"),
        ("caviar run studies/a.toml --out b", "caviar run studies/a.toml"),
        ("caviar run --set replicas=5 --extend", "caviar run"),
        ("caviar run studies/a.toml --shard 3/16", "caviar run studies/a.toml"),
        ("caviar run --set=replicas=5 studies/a.toml", "caviar run studies/a.toml"),
        ("caviar run --set replicas=5 --set seed=9", "the same command with"),
    ],
)
def test_the_command_for_more_seeds(tmp_path: Path, command: str, again: str) -> None:
    world = World(validation=lambda config, seed: abs(config.draw - 1.0))
    run = run_of(tmp_path, crossed(TWO, rates=(0.1, 0.2, 0.3)), world, scientific=TWO)
    sessions = [{**run.study["sessions"][-1], "command": command}]
    results = results_in(replace(run, study={**run.study, "sessions": sessions}))
    assert next_step(results, "runs/a") == f"{again} --set replicas=20 --out runs/a --extend"
    assert careful(results) == "one data set."
    run.trials["seeds"] = [tuple(range(16))] * len(run.trials)
    assert next_step(results, "runs/a").endswith("--set replicas=32 --out runs/a --extend")
    registered = replace(run, study={**run.study, "registered": {}})
    assert next_step(results_in(registered), "runs/a").endswith(" --out runs/a-32")
