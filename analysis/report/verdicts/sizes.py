"""Whether a smaller size lowers test loss, in plain words that its bands license."""

from __future__ import annotations

import pandas as pd

from caviar.analysis.findings.finding import Results
from caviar.analysis.findings.wording import at_level, opening
from caviar.analysis.report.verdicts.verdict import MARGIN, Verdict, ends, nats, short, too_few
from caviar.analysis.tables.regularization import FALLS, RISES, STAYS

COUNTS = f"the {MARGIN:g} nats that count"


def does_smaller_help(results: Results) -> Verdict:
    """Whether sizes below the largest lower test loss, by how much, and what train loss does.

    Every word rests on the band for all sizes together and on the smallest difference that counts:
    yes and no are said where the bands leave no other answer, and the size with the lowest mean is
    named wherever it is not the one that the answer is about.
    """
    effects = results.reading("effect_of_size")
    effects = effects[(effects["quantity"] == "test_loss") & effects["mean"].notna()]
    if effects.empty:
        return Verdict(f"Not known: no size can be compared with {_reference(results)}.")
    if not results.design.paired:
        return _between_trials(results, effects)
    facets = sorted(effects["facet"].unique())
    of_facets = [_of_facet(results, effects[effects["facet"] == facet]) for facet in facets]
    if len(facets) == 1:
        return of_facets[0]
    told = [f"{opening(f)}{one.says}" for f, one in zip(facets, of_facets, strict=True)]
    return Verdict(told[0], tuple(told[1:]))


def _between_trials(results: Results, effects: pd.DataFrame) -> Verdict:
    row = effects.sort_values("level").iloc[0]
    return Verdict(
        "A random search cannot tell: its trials differ in every field. Test loss at "
        f"{at_level(results, row['level'])} less that at {_reference(results)} is "
        f"{nats(row['mean'], row['low'], row['high'])}."
    )


def _of_facet(results: Results, rows: pd.DataFrame) -> Verdict:
    """The verdict on the sizes at which every seed has a finite test loss, and which have not."""
    facet = rows["facet"].iloc[0]
    broken = _broken(results, facet)
    if results.design.reference in broken:
        reference = _reference(results)
        return Verdict(
            f"Not known: seeds diverged or are missing at {reference}, with which the others are "
            "compared."
        )
    whole = rows[~rows["level"].isin(broken)].sort_values("level")
    if whole.empty:
        return Verdict("Not known: seeds diverged or are missing at every smaller size.")
    if whole["band_low"].isna().all():
        return Verdict(f"Not known: {too_few(results, int(whole['units'].max()))}")
    verdict = _of_sizes(results, whole)
    if not broken:
        return verdict
    without = f" Not counted: {_sizes(results, broken)}, where seeds diverged or are missing."
    return verdict._replace(says=verdict.says + without)


def _broken(results: Results, facet: str) -> list[float]:
    """The sizes at which a seed diverged or is missing; none of them can be called the best."""
    losses = results.reading("losses")
    losses = losses[(losses["facet"] == facet) & (losses["quantity"] == "test_loss")]
    whole = set(losses.loc[losses["left_out"] == 0, "level"].astype(float))
    return [level for level in results.design.levels if level not in whole]


def _of_sizes(results: Results, rows: pd.DataFrame) -> Verdict:
    """The verdict on sizes, `rows`, that all have a band."""
    better = rows[rows["band_high"] < 0]
    if better.empty:
        return _none_better(results, rows)
    most, lowest = _lowest_of(better), _lowest_of(rows)
    by_chance = lowest["level"] != most["level"]
    also = f" {_capital(_by_chance(results, lowest))}" if by_chance else ""
    change, more = _change(results, most), _more(results, rows, most)
    if most["mean"] < -MARGIN:
        return Verdict(f"Yes: {change}; {_accuracy(results, most)}.{also}", more)
    if _none_counts(rows):
        return Verdict(f"Hardly: {change}, and no size gains {COUNTS}.", more)
    return Verdict(
        f"At least a little: {change}; whether any size gains {COUNTS} is not decided.{also}", more
    )


def _none_better(results: Results, rows: pd.DataFrame) -> Verdict:
    """The verdict where no size is significantly better than the largest."""
    worse = rows[rows["band_low"] > 0]
    costs = _change(results, worse.loc[worse["mean"].idxmax()]) if len(worse) else ""
    if rows["equivalent"].eq(True).all():
        size = "every size" if len(rows) > 1 else at_level(results, rows["level"].iloc[0])
        return Verdict(f"No: {size} stays within {MARGIN:g} nats of {_reference(results)}.")
    if _none_counts(rows):
        others = f"{', and ' if costs else ''}no size gains {COUNTS}"
        return Verdict(f"No: {costs}{others if len(rows) > 1 or not costs else ''}.")
    says = f"Not decided: {_by_chance(results, _lowest_of(rows))}"
    return Verdict(f"{says} {costs}." if costs else says)


def _lowest_of(rows: pd.DataFrame) -> pd.Series:
    return rows.loc[rows["mean"].idxmin()]


def _none_counts(rows: pd.DataFrame) -> bool:
    """Whether the bands exclude that any size gains as much as counts."""
    return bool((rows["band_low"] > -MARGIN).all())


def _by_chance(results: Results, row: pd.Series) -> str:
    """Which size has the lowest mean, where no band tells it from the largest."""
    low, high = _band(row)
    if row["mean"] < 0:
        return (
            f"test loss is lowest at {at_level(results, row['level'])}, by "
            f"{nats(-row['mean'], -high, -low)}, which may be chance."
        )
    return (
        f"test loss is lowest at {_reference(results)}; at {at_level(results, row['level'])} it is "
        f"higher by {nats(row['mean'], low, high)}, which may be chance."
    )


def _capital(sentence: str) -> str:
    return sentence[0].upper() + sentence[1:]


def _more(results: Results, rows: pd.DataFrame, told: pd.Series) -> tuple[str, ...]:
    """Which size may be the best, which are worse than the largest, and what train loss does."""
    worse = rows.loc[rows["band_low"] > 0, "level"].tolist()
    costs = f"Significantly worse than {_reference(results)}: {_sizes(results, worse)}."
    sentences = [
        _range(results, told["facet"]),
        costs if worse else "",
        _train(results, told),
    ]
    return tuple(filter(None, sentences))


def _range(results: Results, facet: str) -> str:
    """The confidence range of the best size, and whether a smaller one might be better still."""
    best = results.reading("best_size")
    best = best[(best["facet"] == facet) & best["low"].notna()]
    if best.empty:
        return ""
    row = best.iloc[0]
    smallest = row["low"] == results.design.levels[0]
    beyond = ", or smaller: none was tried" if smallest else ""
    if row["low"] == row["high"]:
        return f"The best is {at_level(results, row['low'])} (95 %){beyond}."
    return (
        f"The best may be any of {at_level(results, row['low'])} to {row['high']:g} (95 %){beyond}."
    )


def _change(results: Results, row: pd.Series) -> str:
    """`m = 16 against 256 cuts test loss by 26 % (0.02 nats, 95 % in [0.001, 0.07])`."""
    losses = results.reading("losses")
    here = (losses["facet"] == row["facet"]) & (losses["quantity"] == "test_loss")
    reference = losses.loc[here & (losses["level"] == results.design.reference), "mean"].iloc[0]
    low, high = _band(row)
    verb, limits = ("cuts", (-high, -low)) if row["mean"] < 0 else ("raises", (low, high))
    share = f"{_percent(abs(row['mean']) / reference)} % (" if reference > 0 else "("
    return (
        f"{at_level(results, row['level'])} against {results.design.reference:g} {verb} test loss "
        f"by {share}{short(abs(row['mean']))} nats, 95 % in [{ends(*limits)}])"
    )


def _percent(share: float) -> str:
    return f"{100 * share:.0f}" if share >= 0.005 else "less than 1"


def _accuracy(results: Results, told: pd.Series) -> str:
    """`accuracy +0.84 points [0.26, 1.6]`."""
    effects = results.reading("effect_of_size")
    here = (effects["facet"] == told["facet"]) & (effects["level"] == told["level"])
    row = effects[here & (effects["quantity"] == "test_accuracy")].iloc[0]
    mean, low, high = (100 * row[name] for name in ("mean", "band_low", "band_high"))
    return f"accuracy {'+' if mean > 0 else ''}{short(mean)} points [{ends(low, high)}]"


WORDS = {
    STAYS: f"Train loss stays within {MARGIN:g} nats.",
    RISES: "Train loss rises.",
    FALLS: "Train loss falls too.",
}


def _train(results: Results, told: pd.Series) -> str:
    """What train loss does, read at one learning rate for all sizes; empty if not decided."""
    shared = results["effect_at_shared_draw"]
    effects = shared if len(shared) else results.reading("effect_of_size")
    here = (effects["facet"] == told["facet"]) & (effects["level"] == told["level"])
    moved = effects.loc[here & (effects["quantity"] == "train_loss"), "moved"]
    return WORDS.get(moved.iloc[0], "") if len(moved) else ""


def _band(row: pd.Series) -> tuple[float, float]:
    return float(row["band_low"]), float(row["band_high"])


def _reference(results: Results) -> str:
    return at_level(results, results.design.reference)


def _sizes(results: Results, levels: list[float]) -> str:
    return f"{results.design.symbol} = {', '.join(f'{level:g}' for level in levels)}"
