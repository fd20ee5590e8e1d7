"""Both questions answered in sentences, from the tables alone."""

from __future__ import annotations

from caviar.analysis.findings.finding import Part, Results
from caviar.analysis.findings.wording import at_level, drawn_fields
from caviar.analysis.interventions.schedules import effects_of_schedules, told_of_schedules
from caviar.analysis.report.not_claimed import inferred_to
from caviar.analysis.run.comparison import NoComparison
from caviar.analysis.run.read import Run

NO_RUNNING = "No network with running statistics was measured at more than one batch size."

ALL_DIVERGED = "Every seed diverged, so that no statistics were left to measure."


def answer(results: Results | NoComparison) -> str:
    """Both answers as plain text for a terminal: each first in a sentence, caveats last."""
    lines = ["", *(f"  {line}" for line in about(results))]
    titles = ("1. Regularisation", "2. Test-time statistics")
    details = (question_1(results), question_2(results))
    for title, first, sentences in zip(titles, headlines(results), details, strict=True):
        lines += ["", title, *(f"  {line}" for line in (first, *sentences) if line)]
    if isinstance(results, Results):
        edits = told_of_schedules(effects_of_schedules(results.run))
        if edits:
            lines += ["", "3. Edits", *(f"  {line}" for line in edits)]
        lines += ["", "What these numbers hold for", f"  {inferred_to(results)}"]
    return "\n".join([*lines, ""])


def about(results: Results | NoComparison) -> list[str]:
    """What the numbers rest on: that the run is still running, data, seeds, reading, failures."""
    note = results.run.note
    return [*([note] if note else []), *_rests_on(results)]


def _rests_on(results: Results | NoComparison) -> list[str]:
    lines = [_trials(results.run)]
    if isinstance(results, NoComparison):
        return lines
    design, arms = results.design, results.comparison.arms
    lines[0] += f" Intervals are 95 %, over {'seeds' if design.paired else 'trials'}."
    lines[0] += " Significant: the interval, or the band for all sizes together, excludes 0."
    if len(arms) > 1:
        others = "1 other arm" if len(arms) == 2 else f"{len(arms) - 1} other arms"
        lines.append(
            f"Both questions are answered for the arm {arms[0]}, with which the study compares "
            f"{others}."
        )
    lines += [*_mislabelled(results), *_not_compared(results)]
    whole = results.comparison.training_examples
    if design.axis == "norm_batch_size" and design.reference == whole:
        lines.append(
            f"{at_level(results, whole)} is the whole training split: population "
            "statistics at every step, without the noise of a batch."
        )
    if results.comparison.chooses:
        lines.append(_read_at(results))
    return lines


def _mislabelled(results: Results) -> list[str]:
    """Which losses are held against labels that the study has replaced."""
    share = results.run.study["study"].get("dataset", {}).get("label_noise", 0)
    if not share:
        return []
    return [
        f"{100 * share:.3g} % of the training labels are wrong on purpose (label_noise). Train "
        "loss, train-mode loss and noise penalties are against the labels that were trained on, "
        "validation and test loss and accuracy against true ones."
    ]


def _read_at(results: Results) -> str:
    """At which of the drawn values every number of the answer is read."""
    comparison = results.comparison
    draws = comparison.run.trials["draw"].nunique()
    seeds = comparison.final_values["seed"].nunique()
    reading = comparison.chosen_draws["seed"].nunique()
    return (
        f"The study drew the {drawn_fields(results)} {draws} times, the same for every size. Each "
        f"size is read at the draw with its lowest validation loss on {seeds - reading} of the "
        f"{seeds} seeds, at the {'other ' if reading < seeds else ''}{reading}; train losses are "
        "compared at one draw for all sizes. An average over draws says so."
    )


def _not_compared(results: Results) -> list[str]:
    """How many trials enter no effect of the size, and why."""
    without = results.comparison.not_compared
    if without is None:
        return []
    return [
        f"{without.trials} of {without.of} trials enter no effect of {results.design.symbol}: "
        f"training with {without.reason} does not use it, so these networks are the same at every "
        f"{results.design.symbol}."
    ]


def _trials(run: Run) -> str:
    counts, seeds = run.counts, len(run.trials["seeds"].iloc[0])
    ended = counts["completed"] + counts["diverged"] + counts["stopped"]
    bad = f"{counts['diverged']} diverged, {counts['failed']} failed, {counts['lost']} lost"
    bad += f", {counts['stopped']} stopped early and left out" * (counts["stopped"] > 0)
    return (
        f"{run.study['study']['name']} on {run.trials['dataset'].iloc[0]}: {ended} of "
        f"{counts['planned']} trials, {seeds} {'seed' if seeds == 1 else 'seeds'} each; {bad}."
    )


def question_1(results: Results | NoComparison) -> list[str]:
    """How mini-batch size changes the regularisation effect."""
    if isinstance(results, NoComparison):
        return list(results.diverged) or [results.why]
    return _sentences(results, "regularisation")


def question_2(results: Results | NoComparison) -> list[str]:
    """How mini-batch size changes the statistics that test time uses."""
    if isinstance(results, NoComparison):
        return [ALL_DIVERGED if results.diverged else NO_RUNNING]
    if results.reading("running_damage").empty or results.reading("statistics_error").empty:
        return [NO_RUNNING]
    return _sentences(results, "test time")


def headlines(results: Results | NoComparison) -> tuple[str, str]:
    """Both answers in one sentence each; empty where there is nothing to compare."""
    if isinstance(results, NoComparison):
        return "", ""
    return _headline(results, "regularisation"), _headline(results, "test time")


def _sentences(results: Results, part: Part) -> list[str]:
    return [sentence for sentence, _ in with_findings(results, part)]


def with_findings(results: Results, part: Part) -> list[tuple[str, str]]:
    """What every finding of a part says, with its name; first the one with the headline."""
    of_part = sorted(_names(results, part), key=lambda name: not results.headline(name))
    return [(says, name) for name in of_part for says in results.sentences(name)]


def _headline(results: Results, part: Part) -> str:
    """The first headline that a finding of a part has."""
    return next(filter(None, (results.headline(name) for name in _names(results, part))), "")


def _names(results: Results, part: Part) -> list[str]:
    return [finding.name for finding in results.findings.values() if finding.part == part]
