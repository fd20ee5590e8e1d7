"""The claims of the literature, and what a run says about them."""

from __future__ import annotations

from caviar.analysis.findings.finding import Column, Finding
from caviar.analysis.scorecard.verdicts import scorecard

SCORECARD = Finding(
    name="scorecard",
    part="run",
    compute=lambda results: scorecard(results.comparison),
    columns=(
        Column("paper", "text", "Who makes the claim."),
        Column("claim", "text", "The claim in one sentence."),
        Column("known", "text", "How the claim is known: read, derived, or recalled."),
        Column("verdict", "text", "`confirmed`, `refuted` or `inconclusive`."),
        Column(
            "effect", "see unit", "The quantity where the evidence against the claim is strongest."
        ),
        Column("low", "see unit", "The lower end of the interval of `effect`."),
        Column("high", "see unit", "The upper end of the interval of `effect`."),
        Column("level", "share", "The level of that interval: 0.95, or 0.9 for two-sided regions."),
        Column("at", "text", "The size or place with the strongest evidence against the claim."),
        Column("places", "count", "Sizes or places at which the claim was tested."),
        Column("seeds", "count", "Seeds that `effect` is a mean of."),
        Column("left_out", "count", "Seeds with a missing or diverged measurement there."),
        Column("unit", "text", "The unit of `effect`, `low` and `high`."),
        Column("sentence", "text", "What was measured, what the claim requires, and the result."),
        Column("not_tested", "text", "What the verdict leaves open."),
    ),
    title="The literature's claims, and what this run says of them",
    says="A claim is confirmed if the interval of its quantity lies inside the claimed region "
    "at every place measured, refuted if it lies outside at any place (with intervals widened "
    "for the number of places), and otherwise inconclusive. The row shows the place with the "
    "strongest evidence against the claim. Losses are those of each arm at its best draw. The "
    "columns known and not_tested say how the claim is known and what the verdict leaves open.",
    opened=True,
)
