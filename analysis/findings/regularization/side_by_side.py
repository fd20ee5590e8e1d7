"""What moves with the size: the fit, the gap to test loss, or both."""

from __future__ import annotations

import pandas as pd
from matplotlib.figure import Figure

from caviar.analysis.figures import fit as figures
from caviar.analysis.findings.columns import FACET, LEVEL, READING
from caviar.analysis.findings.finding import Column, Finding, Results
from caviar.analysis.findings.regularization.effect_of_size import EFFECT_OF_SIZE
from caviar.analysis.findings.wording import at_level, opening
from caviar.analysis.number_format import number
from caviar.analysis.run.draws import EVERY_DRAW, SHARED_DRAW
from caviar.analysis.tables import regularization
from caviar.analysis.tables.estimates import each_level_means
from caviar.analysis.tables.families import MARGINS
from caviar.analysis.tables.regularization import (
    FALLS,
    QUANTITIES,
    RISES,
    STAYS,
    UNDECIDED,
    side_by_side,
)

SAID = ("train_loss", "generalisation_gap", "matched_test_loss")
"""What the sentence is about: test loss is train loss plus the gap."""
WITHIN = f"{MARGINS['train_loss']:g} nats"


def _sentences(results: Results) -> list[str]:
    if not results.design.paired:
        return [
            "Random trials differ in every field at once: only a crossed study can tell whether "
            "train loss or the gap between train and test loss moves with the size."
        ]
    return _moves(results, SHARED_DRAW if results.comparison.chooses else EVERY_DRAW)


def _moves(results: Results, reading: str) -> list[str]:
    """Which of train loss and its gap to test loss moved, at the best size of every facet."""
    table = results.reading("side_by_side", reading)
    sentences = []
    for facet, rows in table.groupby("facet"):
        sizes = rows.set_index("level")
        reference = results.design.reference
        level = _told_size(results, str(facet))
        if level is None or not {level, reference} <= set(sizes.index):
            continue
        words = _words(results, reading, str(facet), sizes.loc[level], sizes.loc[reference])
        if words:
            sentences.append(
                f"{opening(facet)}At {at_level(results, level)}, against "
                f"{at_level(results, reference)}{_at_rate(results, reading)}: "
                f"{words}."
            )
    return sentences


def _told_size(results: Results, facet: str) -> float | None:
    """The best size, or the smallest where that is the size that others are compared with."""
    best = results.reading("best_size")
    levels = best.loc[best["facet"] == facet, "level"]
    if levels.empty:
        return None
    level = float(levels.iloc[0])
    return float(results.design.levels[0]) if level == results.design.reference else level


def _at_rate(results: Results, reading: str) -> str:
    """With which draws both sides were trained."""
    comparison, nuisance = results.comparison, results.run.study["study"]["nuisance"]
    if not comparison.chooses:
        return ""
    trials = comparison.run.trials
    draw = comparison.at_shared_draw["draw"].iloc[0]
    drawn = trials[trials["draw"] == draw].iloc[0]
    values = ", ".join(
        f"{name} {number(drawn[name]) if isinstance(drawn[name], float) else drawn[name]}"
        for name in nuisance
    )
    values = values.replace("_", " ")
    return f" at the {values} for both, which most sizes choose"


def _effects(results: Results) -> pd.DataFrame:
    """Those of every draw, and those of the draw that most sizes choose."""
    of_every_draw = results.reading("effect_of_size", EVERY_DRAW)
    parts = [part for part in (of_every_draw, results["effect_at_shared_draw"]) if len(part)]
    return pd.concat(parts, ignore_index=True) if parts else of_every_draw


def _words(
    results: Results, reading: str, facet: str, size: pd.Series, reference: pd.Series
) -> str:
    """`train loss stays within 0.005 nats (0.0008 against 0.0013) and the gap falls (...)`."""
    effects = _effects(results)
    effects = effects[effects["reading"] == reading]
    here = effects[(effects["facet"] == facet) & (effects["level"] == size.name)]
    moved = here.set_index("quantity")["moved"]
    parts = []
    for name in SAID:
        word = moved.get(name, "")
        if word and pd.notna(size[name]) and pd.notna(reference[name]):
            values = f"{number(size[name])} against {number(reference[name])}"
            parts.append(_clause(QUANTITIES[name], word, size[name] - reference[name], values))
    return "; ".join(parts)


def _clause(subject: str, word: str, difference: float, values: str) -> str:
    contradicts = word in (RISES, FALLS) and (difference > 0) != (word == RISES)
    if word == UNDECIDED or contradicts:
        return f"whether {subject} moves by {WITHIN} is not decided ({values})"
    if word == STAYS:
        return f"{subject} stays the same within {WITHIN} ({values})"
    return f"{subject} {word} ({values} nats)"


def _draw(results: Results) -> Figure:
    """At the draw that most sizes choose, or of the means where nothing is chosen."""
    comparison, design = results.comparison, results.design
    rows = comparison.at_shared_draw
    if rows.empty:
        return figures.side_by_side(results.reading("losses"), design.label, "")
    parts = [
        means.assign(quantity=name)
        for name, means in each_level_means(rows, design, figures.LOSSES, [], SHARED_DRAW).items()
    ]
    read = _at_rate(results, SHARED_DRAW).removesuffix(" for both, which most sizes choose")
    return figures.side_by_side(pd.concat(parts), design.label, read.strip())


EFFECT_AT_SHARED_DRAW = Finding(
    name="effect_at_shared_draw",
    part="regularisation",
    compute=lambda results: regularization.effect_at_shared_draw(results.comparison),
    columns=tuple(one for one in EFFECT_OF_SIZE.columns if not one.name.startswith("draws")),
    says="The effect of the size at the one draw that most sizes choose, where fits may be "
    "compared. It is shown as a part of `side_by_side`.",
)

SIDE_BY_SIDE = Finding(
    name="side_by_side",
    part="regularisation",
    compute=lambda results: side_by_side(results.comparison, _effects(results)),
    columns=(
        READING,
        FACET,
        LEVEL,
        Column(
            "train_mode_loss", "nats", "Train loss with the statistics of batches of this size."
        ),
        Column("train_loss", "nats", "Train loss under population statistics."),
        Column("test_loss", "nats", "Test loss under population statistics."),
        Column("generalisation_gap", "nats", "Test loss less train loss."),
        Column(
            "matched_test_loss",
            "nats",
            "Test loss at the step at which train loss first reaches the largest final train loss "
            "of all sizes; empty where no evaluation is near.",
        ),
        Column("test_accuracy", "share", "Test accuracy under population statistics."),
        Column("moves", "text", "What moves against the largest size."),
    ),
    title="What moves: the fit, or the gap to test loss",
    says="Test loss is train loss plus the gap between them, so a lower test loss is a better "
    "fit, a smaller gap, or both. Train-mode loss is what training sees: its distance from train "
    "loss is the noise of the batch statistics.",
    more="The table has means over the seeds and learning rates that all sizes share. A quantity "
    "moves if it differs from that at the largest size by more than 0.005 nats (0.002 of "
    "accuracy), margins named beforehand, and the band for all sizes together excludes 0. Shared "
    "draw: the one that most sizes choose by validation, at the seeds that did not choose. At "
    "equal train loss: each network is read when its train loss first reaches the largest final "
    "train loss of all sizes with the same seed and draw, interpolated between evaluations whose "
    "train losses lie within a factor of two. A network that gets there early is read before its "
    "learning rate has come down.",
    caption="Shaded: the gap between train and test loss. Bars are 95 % intervals over seeds.",
    alt="Train-mode loss, train loss and test loss against size on one axis.",
    draw=_draw,
    sentences=_sentences,
)
