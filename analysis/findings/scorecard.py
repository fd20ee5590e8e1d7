"""Orderings that papers state, and what a run shows of them."""

from __future__ import annotations

from caviar.analysis.findings.finding import Column, Finding
from caviar.analysis.scorecard.card import scorecard

SCORECARD = Finding(
    name="scorecard",
    part="run",
    compute=lambda results: scorecard(results.comparison),
    columns=(
        Column("key", "text", "A short name of the claim."),
        Column("paper", "text", "Who states the ordering; this study, where it is our own."),
        Column("claim", "text", "The ordering in one sentence."),
        Column("tag", "text", "`[V]` read in the paper or its code, or `[D]` derived here."),
        Column("quote", "text", "Where it was read, with the words, or how it was derived."),
        Column(
            "verdict",
            "text",
            "`seen here`, `the opposite seen here`, `too small to matter here` or `not decided`.",
        ),
        Column("effect", "see unit", "The quantity at the place whose bound is worst for it."),
        Column("low", "see unit", "The lower end of the 95 % interval of `effect`."),
        Column("high", "see unit", "The upper end of the 95 % interval of `effect`."),
        Column("place", "text", "The size or place whose interval reaches farthest out."),
        Column("places", "count", "Sizes or places that must all agree."),
        Column("least", "see unit", "The smallest mean over these places."),
        Column("most", "see unit", "The largest mean over these places."),
        Column("seeds", "count", "Deciding seeds that `effect` is a mean of."),
        Column(
            "left_out",
            "count",
            "Deciding seeds without a value there: diverged, not measured, or not to be matched.",
        ),
        Column("p", "probability", "The p-value of the verdict (Student's t); 1 if undecided."),
        Column("why", "text", "Why nothing is decided; empty if something is."),
        Column("unit", "text", "The unit of `effect`, `low`, `high`, `least` and `most`."),
        Column("smallest", "see unit", "The smallest effect that matters, named beforehand."),
        Column("rates", "text", "The best learning rates of these arms, and those tried."),
        Column("steps", "text", "Training steps of the batch-norm networks."),
        Column("choosing", "count", "Seeds that chose rates, sizes and strengths."),
        Column("sentence", "text", "What was measured, what is claimed, and the result."),
        Column("differs", "text", "What separates this test from the paper's setting."),
        Column("not_tested", "text", "What the verdict leaves open."),
        Column("p_page", "probability", "`p`, corrected for all rows of this table (Holm)."),
    ),
    title="Do these orderings appear in small networks?",
    says="Papers state orderings of large networks; this table says which of them appear in this "
    "run's small ones. An ordering is seen here if the 95 % interval of its quantity lies beyond "
    "the smallest effect that matters, on the claimed side, at every place measured; the opposite "
    "is seen if it lies beyond on the other side; the effect is too small to matter if the "
    "interval lies within; otherwise nothing is decided. Nothing is decided either where a seed "
    "diverged, or where the best learning rate is the slowest or fastest that was tried. The first "
    "third of the seeds chooses rates, sizes and strengths, and the others decide. The row shows "
    "the place whose interval reaches farthest out of the claimed region. No row is a verdict on a "
    "paper: the column differs says what separates this run from its setting.",
    opened=True,
)
