"""Both questions answered in sentences, from the tables alone."""

from __future__ import annotations

from typing import Any

import pandas as pd

from caviar.analysis.findings.finding import Results
from caviar.analysis.number_format import MINUS, with_interval
from caviar.analysis.report.answer_details import of_question_1, of_question_2
from caviar.analysis.run.comparison import NoComparison
from caviar.analysis.run.design import in_order
from caviar.analysis.run.draws import BEST_DRAW, EVERY_DRAW
from caviar.analysis.run.read import Run


def answer(results: Results | NoComparison) -> str:
    """Both answers as plain text for a terminal."""
    lines = ["", *(f"  {line}" for line in about(results))]
    for title, sentences in (
        ("1. Regularisation", question_1(results)),
        ("2. Test-time statistics", question_2(results)),
    ):
        lines += ["", title, *(f"  {sentence}" for sentence in sentences)]
    return "\n".join([*lines, ""])


def about(results: Results | NoComparison) -> list[str]:
    """What stands behind the numbers: data, seeds, reading, failures."""
    lines = [_trials(results.run)]
    if isinstance(results, NoComparison):
        return lines
    design, arms = results.design, results.comparison.arms
    lines[0] += f" Intervals are 95 %, over {'seeds' if design.paired else 'trials'}."
    if len(arms) > 1:
        lines.append(
            f"Both questions are answered for the arm {arms[0]}; {len(arms) - 1} other arms of "
            "the study are held against it."
        )
    whole = results.comparison.training_examples
    if design.axis == "norm_batch_size" and design.reference == whole:
        lines.append(
            f"{_at(results, whole)} is the whole training split: population "
            "statistics at every step, without the noise of a batch."
        )
    if results.comparison.chooses:
        draws = results.run.trials["draw"].nunique()
        names = ", ".join(results.run.study["study"]["nuisance"])
        lines.append(
            f"{draws} draws of {names}, the same for every arm. Unless said "
            "otherwise, both sides of a comparison share the draw, and draws are averaged."
        )
    return lines


def _trials(run: Run) -> str:
    counts, seeds = run.counts, len(run.trials["seeds"].iloc[0])
    done = counts["completed"] + counts["diverged"]
    bad = f"{counts['diverged']} diverged, {counts['failed']} failed, {counts['lost']} lost"
    return (
        f"{run.study['study']['name']} on {run.trials['dataset'].iloc[0]}: {done} of "
        f"{counts['planned']} trials, {seeds} {'seed' if seeds == 1 else 'seeds'} each; {bad}."
    )


def _facets(results: Results, table: pd.DataFrame) -> list[tuple[str, pd.DataFrame]]:
    """The table facet by facet, each with the words that open its sentences."""
    if table.empty:
        return []
    return [
        (f"{facet}: " if facet else "", part.sort_values("level"))
        for facet, part in table.groupby("facet")
    ]


def question_1(results: Results | NoComparison) -> list[str]:
    """How mini-batch size changes the regularisation effect."""
    if isinstance(results, NoComparison):
        return [results.why]
    sentences = []
    for name, rows in _facets(results, results.reading("noise_penalty")):
        sentences.append(
            f"{name}At the same weights, train-mode loss less population loss is "
            f"{_ends(results, rows, ' nats', link='and')}."
        )
    sentences += _exponents(results)
    sentences += _best(results, EVERY_DRAW, "Test loss")
    sentences += [] if results.design.paired else _extremes(results)
    sentences += _regularises(results, EVERY_DRAW)
    if results.comparison.chooses:
        sentences += _best(
            results, BEST_DRAW, "With each arm at its own best draw (by validation), test loss"
        )
        sentences += [f"With best draws: {s[0].lower()}{s[1:]}" for s in _at_best_draws(results)]
    return sentences + of_question_1(results)


def _exponents(results: Results) -> list[str]:
    table = results.reading("noise_penalty_exponent")
    sentences = []
    for row in table[table["range"] == "from 8"].to_dict("records") if len(table) else ():
        if pd.isna(row["exponent"]):
            continue
        name = f"{row['facet']}: " if row["facet"] else ""
        power = with_interval({**row, "mean": row["exponent"]})
        sentences.append(
            f"{name}That penalty goes as (1/m {MINUS} 1/N) to the power {power} from "
            f"m = {row['smallest']:g} to {row['largest']:g}; theory expects 1 for large m."
        )
    return sentences


def _ends(
    results: Results, rows: pd.DataFrame, unit: str, *, signed: bool = False, link: str = "and by"
) -> str:
    """`0.3 [0.2, 0.4] nats at m = 4 and by 0.1 [0, 0.2] at m = 256`; once for a single level."""
    first, last = rows.iloc[0], rows.iloc[-1]
    text = f"{with_interval(first, signed=signed)}{unit} at {_at(results, first['level'])}"
    if len(rows) > 1:
        text += f" {link} {with_interval(last, signed=signed)} at {_at(results, last['level'])}"
    return text


def _at(results: Results, level: float) -> str:
    return f"{results.design.symbol} = {level:g}"


def _best(results: Results, reading: str, subject: str) -> list[str]:
    sentences = []
    effects = results.reading("effect_of_size", reading)
    for best in results.reading("best_size", reading).to_dict("records"):
        name = f"{best['facet']}: " if best["facet"] else ""
        says = f"{name}{subject} is lowest at {_at(results, best['level'])}"
        if not pd.isna(best["low"]):
            alone = best["low"] == best["high"]
            ends = f"{best['low']:g}" + (" alone" if alone else f" to {best['high']:g}")
            says += f" (95 % range: {ends})"
        if best["low_edge"] or best["high_edge"]:
            says += ", which reaches the edge of what was tried: the best may lie outside"
        if best["excluded"]:
            sizes = "size" if best["excluded"] == 1 else "sizes"
            says += f" ({best['excluded']} {sizes} with diverged or missing seeds left out)"
        here = effects[(effects["facet"] == best["facet"]) & (effects["level"] == best["level"])]
        by = {row["quantity"]: row for row in here.to_dict("records")}
        if by:
            says += (
                f"; against {_at(results, results.design.reference)}, test loss changes by "
                f"{with_interval(by['test_loss'], signed=True)} and train loss by "
                f"{with_interval(by['train_loss'], signed=True)} nats"
            )
        sentences.append(says + ".")
    return sentences


def _extremes(results: Results) -> list[str]:
    """For unpaired designs: the smallest size against the largest."""
    effects = results.reading("effect_of_size")
    effects = effects[effects["quantity"] == "test_loss"] if len(effects) else effects
    return [
        f"{name}Test loss at {_at(results, rows.iloc[0]['level'])} less that at "
        f"{_at(results, results.design.reference)}: "
        f"{with_interval(rows.iloc[0], signed=True)} nats, between different random trials."
        for name, rows in _facets(results, effects)
    ]


def _at_best_draws(results: Results) -> list[str]:
    """The verdict of this reading, and whether its choices reach the edge of what was drawn."""
    sentences = _regularises(results, BEST_DRAW)
    chosen = results.reading("chosen_draws")
    for name, rows in chosen.groupby("field", sort=False) if len(chosen) else ():
        edge, choices = rows["at_edge"].sum(), rows["seeds"].sum()
        if edge:
            sentences.append(
                f"{edge} of {choices} choices (a seed at a size) took the lowest or highest {name} "
                "drawn, so a better one may lie outside."
            )
    return sentences


def _regularises(results: Results, reading: str) -> list[str]:
    verdicts = results.reading("verdicts", reading)
    if not results.design.paired:
        return [
            "Random trials differ in everything at once: whether the size regularises is left "
            "to a crossed study."
        ]
    if verdicts.empty:
        return []
    if not verdicts["known"].any():
        return ["There are too few comparable seeds for an interval, and so for a verdict."]
    against = _at(results, results.design.reference)
    yes = verdicts[verdicts["regularises"]]
    helped = verdicts[verdicts["test_falls"] & ~verdicts["train_rises"]]
    sentences = [
        f"It regularises, train loss surely up and test loss surely down against {against}, at: "
        f"{_sizes(results, yes) or 'no size'}."
    ]
    if len(helped):
        sentences.append(
            f"Test loss is surely lower without a surely higher train loss at: "
            f"{_sizes(results, helped)}; that is not called regularisation here."
        )
    return sentences


def _sizes(results: Results, rows: pd.DataFrame) -> str:
    return ", ".join(
        f"{_at(results, row['level'])}" + (f" ({row['facet']})" if row["facet"] else "")
        for row in rows.sort_values(["facet", "level"]).to_dict("records")
    )


def usual_tracker(results: Results, table: pd.DataFrame) -> pd.DataFrame:
    """The rows of the tracker that sentences speak of: `unbiased` at the study's own decay."""
    rules = table["rule"].unique()
    own_rule = results.run.trials["convention"].dropna().unique().tolist()
    usual = (*own_rule[:1], "unbiased", "unbiased, drawn decay", "pytorch")
    rule = next((r for r in usual if r in rules), rules[0])
    rows = table[table["rule"] == rule]
    decays = sorted(rows["tracker_decay"].dropna().unique())
    if not decays:
        return rows
    own = results.run.trials["decay"]
    decay = own.iloc[0] if own.nunique() == 1 and own.iloc[0] in decays else decays[0]
    return rows[rows["tracker_decay"] == decay]


def usual_errors(results: Results) -> pd.DataFrame:
    """Errors of the usual tracker in the last batch-norm layer; empty without batch norm."""
    errors = results.reading("statistics_error")
    if errors.empty:
        return pd.DataFrame(columns=["quantity", "facet", "level", "layer"])
    errors = usual_tracker(results, errors)
    return errors[errors["layer"] == in_order(errors["layer"])[-1]]


NO_RUNNING = "No network with running statistics was measured at more than one batch size."


def question_2(results: Results | NoComparison) -> list[str]:
    """How mini-batch size changes the statistics that test time uses."""
    if isinstance(results, NoComparison):
        return [NO_RUNNING]
    errors, damage = results.reading("statistics_error"), results.reading("running_damage")
    if damage.empty or errors.empty:
        return [NO_RUNNING]
    errors = usual_errors(results)
    layer = errors["layer"].iloc[0]
    usual = usual_tracker(results, damage)
    name = tracker_name(usual.iloc[0])
    sentences = []
    for quantity, words, unit in (
        ("mean_error", "the running mean", " population deviations"),
        ("variance_error", "the running variance", " in log ratio"),
    ):
        for facet, rows in _facets(results, errors[errors["quantity"] == quantity]):
            sentences.append(
                f"{facet}In layer {layer} under {name}, {words} is off by "
                f"{_ends(results, rows, unit)}."
            )
    for facet, rows in _facets(results, usual):
        sentences.append(
            f"{facet}Reading the test set with {name} instead of population statistics changes "
            f"its loss by {_ends(results, rows, ' nats', signed=True)}."
        )
    return [*sentences, *_worst(results, damage), *of_question_2(results, layer)]


def _worst(results: Results, damage: pd.DataFrame) -> list[str]:
    if damage["low"].isna().all():
        return ["There are too few seeds to say which running average costs most."]
    sure = damage[damage["low"] > 0]
    if sure.empty:
        return ["No running average surely costs test loss at the end of training."]
    worst = sure.loc[sure["mean"].idxmax()]
    facet = f" ({worst['facet']})" if worst["facet"] else ""
    return [
        f"It costs most under {tracker_name(worst)} at {_at(results, worst['level'])}{facet}: "
        f"{with_interval(worst, signed=True)} nats."
    ]


def tracker_name(row: Any) -> str:
    """`unbiased, decay 0.9`, as words."""
    return str(row["rule"]) + (
        "" if pd.isna(row["tracker_decay"]) else f", decay {row['tracker_decay']:g}"
    )
