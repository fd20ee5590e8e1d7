"""The answer to question 1: the best size at each size's best draw, its scale, and how it holds."""

from __future__ import annotations

from typing import Any

import pandas as pd

from caviar.analysis.findings.finding import Results
from caviar.analysis.findings.wording import at_level, behind, opening
from caviar.analysis.number_format import number, with_interval
from caviar.analysis.run.draws import EVERY_DRAW
from caviar.analysis.run.stored.changes import in_the_end
from caviar.analysis.statistics.random_draws import FEWEST_DRAWS, held
from caviar.analysis.tables.tuning import drawn_fields, values_of_draws

COUNTS = {2: "two", 3: "three", 4: "four", 5: "five", 6: "six", 7: "seven"}


def headline(results: Results) -> str:
    """The answer where there is one: which size is best, by how much, and at which rate."""
    facets = _facets(results)
    return _in_facet(results, facets[0]) if len(facets) == 1 else ""


def sentences(results: Results) -> list[str]:
    """What follows the headline: the effect over the draws; facet by facet where there are some."""
    facets = _facets(results)
    several = [f"{opening(facet)}{_in_facet(results, facet)}" for facet in facets]
    over = [sentence for facet in facets for sentence in _over_draws(results, facet)]
    return [*(several if len(facets) > 1 else ()), *over]


def _facets(results: Results) -> list[str]:
    return sorted(results.reading("best_size")["facet"])


def _best(results: Results, facet: str) -> pd.Series:
    table = results.reading("best_size")
    return table[table["facet"] == facet].iloc[0]


def _in_facet(results: Results, facet: str) -> str:
    best = _best(results, facet)
    return (
        f"{_lowest(results, best)} {_tuned(results, facet, float(best['level']))} "
        f"Read at {behind(results, int(best['units']))}."
    )


def _lowest(results: Results, best: pd.Series) -> str:
    """`Test loss is lowest at m = 8 (95 % range: 8 to 16): 0.05 nats ...`."""
    level, reference = float(best["level"]), results.design.reference
    says = f"Test loss is lowest at {at_level(results, level)}"
    if not pd.isna(best["low"]):
        alone = best["low"] == best["high"]
        says += f" (95 % range: {f'only {level:g}' if alone else _ends(best)})"
    loss = _means(results, best["facet"], "test_loss")
    if level == reference:
        here = f"{number(loss[level])} nats on these examples"
        return f"{says}, the largest size: {here}{_limits(best)}."
    if reference not in loss:
        return (
            f"{says}{_limits(best)}. There is no effect yet: none of the networks with "
            f"{at_level(results, reference)}, which the others are compared with, is finished."
        )
    return (
        f"{says}{_limits(best)}. From {at_level(results, reference)} to {level:g} test loss "
        f"changes by {_change(results, best)}. Accuracy changes by {_points(results, best)} "
        "percentage points."
    )


def _ends(best: pd.Series) -> str:
    return f"{best['low']:g} to {best['high']:g}"


def _change(results: Results, best: pd.Series) -> str:
    """`-0.026 [-0.047, -0.005] nats, -34 % of 0.078 nats on these examples`: by the band of all
    sizes together."""
    band = _band(results, best, "test_loss")
    loss = _means(results, best["facet"], "test_loss")[results.design.reference]
    of = f"{number(loss)} nats on these examples"
    share = f", {number(round(100 * band['mean'] / loss))} % of {of}" if loss > 0 else f" from {of}"
    unsure = ", which may be none" if band["high"] >= 0 else ""
    return f"{with_interval(band, ' nats', signed=True)}{share}{unsure}"


def _points(results: Results, best: pd.Series) -> str:
    band = _band(results, best, "test_accuracy")
    return with_interval({end: 100 * value for end, value in band.items()}, signed=True)


def _band(results: Results, best: pd.Series, quantity: str) -> dict[str, float]:
    """The change of a quantity at the best size, with the band of all sizes together."""
    table = results.reading("effect_of_size")
    here = (table["facet"] == best["facet"]) & (table["level"] == best["level"])
    row = table[here & (table["quantity"] == quantity)].iloc[0]
    return {"mean": row["mean"], "low": row["band_low"], "high": row["band_high"]}


def _means(results: Results, facet: str, quantity: str) -> dict[float, float]:
    table = results.reading("losses")
    rows = table[(table["facet"] == facet) & (table["quantity"] == quantity)]
    return dict(zip(rows["level"].astype(float), rows["mean"], strict=True))


def _limits(best: pd.Series) -> str:
    says = ""
    if best["low_edge"] or best["high_edge"]:
        reaches = "It is at" if pd.isna(best["low"]) else "The range reaches"
        says += f". {reaches} the edge of the sizes tried, so the best may lie outside"
    if best["excluded"]:
        sizes = "1 size is" if best["excluded"] == 1 else f"{best['excluded']} sizes are"
        says += f". {sizes} left out because seeds diverged or are missing"
    return says


def _tuned(results: Results, facet: str, level: float) -> str:
    """At which draw each size is read, and whether a better one may lie beyond those tried."""
    values = _drawn(results)
    if not results.comparison.chooses or values.empty:
        return _untuned(results)
    names = _names(values)
    measured = _means(results, facet, "test_loss")
    told = {level, results.design.reference} & measured.keys()
    chosen = {one: _chosen(results, facet, one) for one in told}
    return (
        f"Each size is read at the best of the {len(values)} {names} tried, chosen on other seeds: "
        f"{_places(results, values, chosen)}. {_edge(results, values, chosen)}"
    )


def _places(results: Results, values: pd.DataFrame, chosen: dict[float, Any]) -> str:
    """`0.58 at m = 8 and 0.2 at m = 256`."""
    levels: dict[str, list[str]] = {}
    for level, draw in sorted(chosen.items()):
        levels.setdefault(_point(values.loc[draw]), []).append(at_level(results, level))
    return " and ".join(f"{point} at {' and '.join(named)}" for point, named in levels.items())


def _untuned(results: Results) -> str:
    trials = results.comparison.run.trials
    rates = trials["learning_rate"].unique()
    if len(rates) != 1:
        return "The learning rates were not tuned for each size."
    at_start = " at the start" * bool((in_the_end(trials, "learning_rate") != rates[0]).any())
    return (
        f"All sizes share the learning rate {number(rates[0])}{at_start}, tuned for none of them: "
        "at another the effect may differ."
    )


def _edge(results: Results, values: pd.DataFrame, chosen: dict[float, Any]) -> str:
    """A warning where the best draw is the lowest or highest tried, or that all lie inside."""
    beyond: dict[str, list[str]] = {}
    for level, draw in sorted(chosen.items()):
        for name, value in values.loc[draw].items():
            for end, word in ((values[name].max(), "highest"), (values[name].min(), "lowest")):
                if value == end:
                    named = beyond.setdefault(f"the {word} {_words(name)} tried", [])
                    named.append(at_level(results, level))
    if not beyond:
        return "The best lie inside the range tried."
    where = "; ".join(f"{end} (at {' and '.join(named)})" for end, named in beyond.items())
    return (
        f"Warning: the best is {where}, so a better one may lie beyond and change the difference: "
        "widen the range."
    )


def _over_draws(results: Results, facet: str) -> list[str]:
    """The effect of the headline's size averaged over the draws, and for which draws it holds."""
    best, values = _best(results, facet), _drawn(results)
    table = results.reading("effect_of_size", EVERY_DRAW)
    here = (table["facet"] == facet) & (table["level"] == best["level"])
    rows = table[here & (table["quantity"] == "test_loss")]
    if rows.empty or len(values) < 2:
        return []
    row = rows.iloc[0]
    if pd.isna(row["draws"]):  # So far a single draw has trials that ended.
        return []
    few = row["draws"] < FEWEST_DRAWS
    return [opening(facet) + (_over_few if few else _over_many)(results, row, values)]


def _over_few(results: Results, row: pd.Series, values: pd.DataFrame) -> str:
    names, lost = _names(values), len(values) - int(row["draws"])
    drawn = ", ".join(_point(values.loc[draw]) for draw in values.index)
    bad = f"; seeds diverged or are missing at {lost} of them" if lost else ""
    whole = ", not counting those" * bool(lost)
    return (
        f"Averaged over these {COUNTS.get(len(values), len(values))} {names} ({drawn}{bad}), "
        f"{_averaged(results, row, row)}. That holds for other seeds at these {names}; for others "
        f"of the range there is no interval with fewer than four{whole}."
    )


def _over_many(results: Results, row: pd.Series, values: pd.DataFrame) -> str:
    names, lost = _names(values), len(values) - int(row["draws"])
    over = {"mean": row["mean"], "low": row["draws_low"], "high": row["draws_high"]}
    without = f" ({lost} of them left out because a seed diverged)" if lost else ""
    return (
        f"Averaged over the {len(values)} {names} drawn{_range(values)}{without}, "
        f"{_averaged(results, row, over)}. That is meant for other {names} of the range and other "
        f"seeds.{_held(row)}"
    )


def _names(values: pd.DataFrame) -> str:
    return " and ".join(map(_plural, values.columns))


def _held(row: pd.Series) -> str:
    """How often such an interval holds, which for few draws is less than its name says."""
    if pd.isna(row["draws_low"]):
        return ""
    shares = held(int(row["draws"]))
    return (
        f" In simulations with random draws {shares.least} to {shares.most} % of such intervals "
        f"held, and {shares.heavy} % where few draws have by far the largest effects."
    )


def _averaged(results: Results, row: pd.Series, interval: Any) -> str:
    return (
        f"test loss at {at_level(results, row['level'])} changes by "
        f"{with_interval(interval, ' nats', signed=True)} against "
        f"{at_level(results, results.design.reference)}"
    )


def _range(values: pd.DataFrame) -> str:
    if len(values.columns) != 1:
        return ""
    name = values.columns[0]
    return f" from {number(values[name].min())} to {number(values[name].max())}"


def _drawn(results: Results) -> pd.DataFrame:
    run = results.comparison.run
    return values_of_draws(run, drawn_fields(run))


def _chosen(results: Results, facet: str, level: float) -> Any:
    """The draw that most seeds read a size at."""
    chosen = results.comparison.chosen_draws
    here = (chosen["facet"] == facet) & (chosen["level"] == level)
    return chosen.loc[here, "draw"].mode().iloc[0]


def _point(values: pd.Series) -> str:
    """`0.58`, or `learning_rate 0.58, momentum 0.95` of several fields."""
    if len(values) == 1:
        return number(float(values.iloc[0]))
    return ", ".join(f"{_words(name)} {number(float(v))}" for name, v in values.items())


def _words(name: object) -> str:
    return str(name).replace("_", " ")


def _plural(name: object) -> str:
    return f"{_words(name)}s"
