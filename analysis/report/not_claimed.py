"""What a reader might take from the page and must not."""

from __future__ import annotations

from caviar.analysis.findings.finding import Results
from caviar.analysis.run.comparison import NoComparison
from caviar.analysis.run.overlap import DIFFERENCES_HELD, overlap_of

NOT_CLAIMED = (
    "An interval beside a number is for that contrast alone. Bands, what moves, the range of the "
    "best size and p_family hold for all sizes together. Each quantity, reading of the draws and "
    "facet is a family of its own, and nothing is corrected across families: three quantities "
    "under two readings are six, and 5 % holds for each of them.",
    "p_family cannot fall to 0.05 with fewer than six seeds, however well they agree: five give "
    "2/32 at best, six 2/64. Intervals of a mean hold in 93 to 97 % where noise has light tails; "
    "with heavy tails in 85 to 93 %, and rare outliers that no seed has met defeat them.",
    "The best size is chosen on the same seeds that its difference is read from; the interval of "
    "the first sentence and the 95 % range hold for all sizes together and so pay for the choice.",
    "The run has one data set and only the architectures listed below: with others the best size "
    "may differ.",
    "Test-time statistics are read at the last step. At the end of an epoch averages over "
    "shuffled batches are at their best; within an epoch they are worse.",
)
GHOSTS = (
    "Ghost batches change the noise of the gradient as well as that of the statistics, so a "
    "difference between sizes is not caused by the statistics' noise alone."
)
UPDATES = (
    "The batch of an update differs between arms, and with it the noise of the gradient, the "
    "best learning rate and, at equal epochs, the number of steps."
)


def not_claimed(results: Results | NoComparison) -> tuple[str, ...]:
    """What a reader might take from the page and must not."""
    if isinstance(results, NoComparison):
        return NOT_CLAIMED
    updates = results.run.trials["batch_size"].nunique() > 1
    return (inferred_to(results), *NOT_CLAIMED, UPDATES if updates else GHOSTS)


def inferred_to(results: Results) -> str:
    """Which examples the intervals hold for, and how often they hold for others."""
    overlap = overlap_of(results.run)
    units = "seeds" if results.design.paired else "trials"
    if overlap.disjoint:
        return (
            "Every seed has examples of its own, so intervals hold for other data of the same "
            "kind too, at these sizes of the splits."
        )
    given = " and are tested on the same given examples" if overlap.given_test else ""
    return (
        f"All {units} divide the same {overlap.examples:,} examples{given}, so intervals hold for "
        "other splits, starts and orders of these examples. For other data of the same kind they "
        f"hold less often: those of differences of test loss between sizes {_differences_held()}. "
        "For a loss itself the columns other_low and other_high have a wider interval. "
        'split = "disjoint" in dataset gives every seed examples of its own.'
    )


def _differences_held() -> str:
    """`in 92 to 97 % of simulations with 8 seeds, in 86 to 93 % with 20`."""
    parts = [
        f"in {least} to {most} %{'' if i else ' of simulations'} with {n}{'' if i else ' seeds'}"
        for i, (n, (least, most)) in enumerate(DIFFERENCES_HELD.items())
    ]
    return ", ".join(parts)
