"""Which mechanism of batch norm is at work: control arms, and what each mechanism adds."""

from __future__ import annotations

from typing import Any

from caviar.analysis.figures import arms, decompositions
from caviar.analysis.findings.columns import LEFT_OUT, LEVEL, QUANTITY, READING, interval
from caviar.analysis.findings.finding import Column, Finding, Results
from caviar.analysis.number_format import with_interval
from caviar.analysis.tables.control_arms import arm_effects, mechanism_shares, shown_by_arms

WITHOUT = {
    "self-influence": "the example in its own statistics",
    "gradient path": "the gradient through the statistics",
    "partition diffusion": "gradient noise between partitions",
    "class composition": "noise between the classes of a ghost",
}
UNIT = "nats; test_accuracy: share"
BANDS = tuple(
    Column(f"band_{end}", UNIT, f"The {which} end of the band for all sizes of an arm together.")
    for end, which in (("low", "lower"), ("high", "upper"))
)


def _mechanisms(results: Results) -> list[str]:
    shares = results.reading("mechanism_shares")
    if shares.empty:
        return []
    shares = shares[shares["quantity"] == "test_loss"]
    whole = shares[(shares["mechanism"] == "whole") & shares["mean"].notna()]
    if whole.empty:
        return []
    banded = whole[whole["band_low"].notna()]
    whole = banded if len(banded) else whole
    level = float(whole.loc[whole["mean"].idxmin(), "level"])
    # The size is picked by what it shows, so intervals are those of all sizes together.
    here = shares[shares["level"] == level]
    here = here.assign(low=here["band_low"], high=here["band_high"])
    by = {row["mechanism"]: row for row in here.to_dict("records")}
    text = (
        f"At m = {level:g} batch norm changes test loss by "
        f"{with_interval(by['whole'], ' nats', signed=True)} against population statistics at "
        "every step (intervals hold for all sizes together, of which it is the lowest)"
    )
    if "injected noise" in by:
        noise = with_interval(by["injected noise"], signed=True)
        text += f"; independent noise of the same size alone changes it by {noise}"
    parts = [
        f"{words} {with_interval(by[name], signed=True)}"
        for name, words in WITHOUT.items()
        if name in by
    ]
    if not parts:
        return [text + "."]
    return [
        text + ".",
        f"Test loss of batch norm less that of an arm without one mechanism: {'; '.join(parts)}. "
        f"Mechanisms interact, so these do not add up to the change above.{_larger(by)}",
    ]


def _larger(by: dict[str, dict[str, Any]]) -> str:
    """Which mechanisms change test loss by more than all of batch norm does."""
    whole = abs(by["whole"]["mean"])
    larger = [
        words for name, words in WITHOUT.items() if name in by and abs(by[name]["mean"]) > whole
    ]
    if not larger:
        return ""
    return (
        f" Leaving out {' or '.join(larger)} changes test loss by more than all of batch norm does."
    )


ARM_EFFECTS = Finding(
    name="arm_effects",
    part="regularisation",
    compute=lambda results: arm_effects(results.comparison),
    columns=(
        READING,
        Column("arm", "text", "The control arm."),
        Column("against", "text", "The arm that it is compared with."),
        Column("level", "examples", "The norm batch size of the arm."),
        QUANTITY,
        *interval(UNIT, "The quantity of the arm less that of `against`, mean over seeds."),
        LEFT_OUT,
        *BANDS,
    ),
    title="What every arm changes",
    says="Losses under population statistics at the end of training, less those of the arm that "
    "normalises by the whole training split at every step, or of the first arm where a study has "
    "no such arm, paired by seed. An arm of studies/mechanisms.toml removes one part of batch "
    "norm.",
    caption="Where such an arm equals batch norm, the part that it removes does not matter; where "
    "it is near zero, that part causes the whole effect. Bars are 95 % intervals over seeds; the "
    "axis is linear up to 0.01 nats and logarithmic beyond.",
    alt="Train and test loss of every control arm less those of population statistics.",
    draw=lambda results: arms.arm_effects(results.reading("arm_effects"), results.design.symbol),
)

MECHANISM_SHARES = Finding(
    name="mechanism_shares",
    part="regularisation",
    compute=lambda results: mechanism_shares(
        results["arm_effects"], shown_by_arms(results.run.study)
    ),
    columns=(
        READING,
        Column("mechanism", "text", "The mechanism, or `whole` for all of batch norm."),
        LEVEL,
        QUANTITY,
        *interval("nats", "Batch norm less the arm without the mechanism, mean over seeds."),
        LEFT_OUT,
        *BANDS,
    ),
    title="What each mechanism adds",
    says="The whole effect is batch norm less population statistics. The others are batch norm "
    "less the arm without one mechanism: self-influence (leave-one-out), the gradient through "
    "the statistics, gradient noise between partitions, noise between the classes of a ghost; "
    "and the effect of independent normal noise alone. Mechanisms interact, so the shares need "
    "not add up.",
    caption="Where a mechanism's test loss is below zero, it helps.",
    alt="Contribution of each mechanism to train and test loss against size.",
    draw=lambda results: decompositions.mechanism_shares(
        results.reading("mechanism_shares"), results.design.label
    ),
    sentences=_mechanisms,
)
