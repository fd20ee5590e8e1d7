from __future__ import annotations

from dataclasses import replace

from caviar.analysis.models.watched import watched_results
from tests.analysis.models.made import watched_run


def test_the_answers_have_the_numbers_of_the_tables() -> None:
    results = watched_results(watched_run())
    assert results.opening == (
        "mine: a training of Net (2 batch norms) was watched for 100 updates in batches of 16; it "
        "ended in order."
    )
    averages, noise = results.answers
    assert averages.says == (
        "No: what the model holds changes the loss of 400 test examples by +0.02 "
        "[95 %: 0.0161 to 0.0239] nats against population statistics of 100 training examples."
    )
    assert averages.more[0].endswith("by +0.02 [95 %: 0.0161 to 0.0239] nats with momentum=0.1.")
    assert "Of 3 averages that were read, the rule cumulative has the lowest" in averages.more[1]
    assert "0.354 (what the model holds), 0.354 (momentum=0.1)" in averages.more[2]
    assert "known to about 0.0632" in averages.more[2]
    assert noise.says.startswith(
        "At m = 16 the statistics of a batch change the loss of 100 training examples by +0.06 "
        "[95 %: 0.0404 to 0.0796] nats"
    )
    assert "scatters by 2 to 5 % of its variance" in noise.more[0]
    assert "most in layer first, where a batch mean is as good as one of 25" in noise.more[0]
    assert "0.0156 at 64. That is what these weights bear, not" in noise.more[1]
    assert "nothing here says what training with another would do" in results.careful
    assert results.following == "caviar advise --run runs/mine"


def test_one_norm_is_not_told_as_several() -> None:
    opening = watched_results(watched_run(norms=[{}])).opening
    assert opening.startswith("mine: a training of Net (1 batch norm) was watched for")


def test_the_verdict_follows_the_interval() -> None:
    """Below 0.005 nats nothing matters; between, nothing is decided."""
    verdicts = {0.02: "No", 0.002: "Not decided", 0.0005: "Yes", -0.1: "Yes"}
    run = watched_run()
    for excess, verdict in verdicts.items():
        rows = run.evaluations.copy()
        rows.loc[rows["tracker"] == "own", "loss"] = 0.5 + excess
        says = watched_results(replace(run, evaluations=rows)).answers[0].says
        assert says.startswith(f"{verdict}:"), excess


def test_without_data_nothing_is_claimed() -> None:
    results = watched_results(watched_run(probed=False))
    assert [answer.says.partition(":")[0] for answer in results.answers] == ["Not known"] * 2
    assert not any(answer.more for answer in results.answers)
    assert [table.name for table in results.tables] == ["losses"]


def test_how_a_training_ended_is_told() -> None:
    run = watched_run()
    ends = {
        "diverged": "ended with losses that are not finite.",
        "unfinished": "has not ended, or was killed.",
        "failed": "was ended by KeyboardInterrupt.",
    }
    for status, words in ends.items():
        outcomes = run.outcomes.assign(status=status, error="KeyboardInterrupt")
        assert watched_results(replace(run, outcomes=outcomes)).opening.endswith(words)


def test_of_frozen_norms_no_noise_is_told() -> None:
    run = watched_run()
    frozen = replace(run, trials=run.trials.assign(norm_batch_size=float("nan")))
    results = watched_results(frozen)
    assert results.answers[1].says.startswith("Not known: no norm normalised with a batch")
    assert "in batches of" not in results.opening
