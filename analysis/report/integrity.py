"""Whether the run behind a report is whole, from the lines of whoever verified it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

NOT_VERIFIED = (
    "Nobody verified this run before the report was written. `caviar verify RUN` checks plan, "
    "outcomes, files and rows against each other."
)


@dataclass(frozen=True)
class Check:
    """One thing that was looked at: whether it holds, and what was seen."""

    holds: bool
    says: str


def checks(lines: Sequence[str]) -> tuple[Check, ...]:
    """Lines such as `ok     no row twice` and `FAULT  3 rows stand twice`, read.

    What does not open with `ok` counts as a fault: better one too many than one unseen.
    """
    found = []
    for line in lines:
        word, _, rest = line.strip().partition(" ")
        says = rest.strip() if word in ("ok", "FAULT") else line.strip()
        found.append(Check(word == "ok", says))
    return tuple(found)


def verdict(found: Sequence[Check]) -> str:
    """The sentence that opens the part `Is the run whole?`."""
    if not found:
        return NOT_VERIFIED
    faults = sum(not check.holds for check in found)
    if not faults:
        return f"Verified when this report was written: {len(found)} checks, no fault."
    return (
        f"Verified when this report was written: {faults} of {len(found)} checks "
        f"found a fault. Numbers of this report may rest on rows that are missing or wrong."
    )
