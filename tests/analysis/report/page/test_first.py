"""The first screen of a page: a plain sentence per question, and the interval beside it."""

from __future__ import annotations

from caviar.analysis.findings.finding import Results
from caviar.analysis.report.first_screen import answered
from caviar.analysis.report.page.first import Answer, answers
from caviar.analysis.report.verdicts.told_averages import told_averages
from caviar.analysis.run.comparison import NoComparison


def test_sentences_are_the_terminals_without_their_brackets(findings: Results) -> None:
    for answer, (question, verdict) in zip(answers(findings), answered(findings), strict=True):
        assert answer.question.endswith(question)
        assert "[" not in answer.says
        assert answer.says.split(".")[0] in verdict.says or "[" in verdict.says


def test_intervals_are_those_of_the_tables(findings: Results) -> None:
    effect, cost = answers(findings)
    table = findings.reading("effect_of_size")
    rows = table[(table["quantity"] == "test_loss")]
    row = rows.loc[rows["mean"].idxmin()]
    numbers = [
        f"{row[name]:.2g}".replace("-", "\N{MINUS SIGN}") for name in ("band_low", "band_high")
    ]
    assert f"[{', '.join(numbers)}] nats" in effect.number
    assert f"m = {row['level']:g} less 256" in effect.about and effect.key == "effect_of_size"
    told = told_averages(findings).sort_values(["tracker_decay", "level"]).iloc[0]
    assert f"{abs(told['mean']):.2g} [" in cost.number and cost.key == "running_damage"
    assert f"m = {told['level']:g}" in cost.about


def test_a_run_without_a_comparison_says_why(findings: Results) -> None:
    nothing = NoComparison(findings.run, "One size.", ("All diverged.", "At rate 9."))
    assert answers(nothing) == (Answer("What does it compare?", "One size. At rate 9."),)
