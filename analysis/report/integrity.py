"""Whether the run behind a report is whole, from the lines that verifying it printed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

NOT_VERIFIED = (
    "This run was not verified before the report was written. `caviar verify RUN` checks that "
    "plan, outcomes, files and rows agree."
)


@dataclass(frozen=True)
class Check:
    """One check: whether it holds, and its sentence."""

    holds: bool
    says: str


def checks(lines: Sequence[str]) -> tuple[Check, ...]:
    """The checks in lines such as `ok     no duplicate rows` and `FAULT  3 rows are duplicates`.

    A line that does not begin with `ok` counts as a fault, so that no fault is missed.
    """
    read = []
    for line in lines:
        word, _, rest = line.strip().partition(" ")
        says = rest.strip() if word in ("ok", "FAULT") else line.strip()
        read.append(Check(word == "ok", says))
    return tuple(read)


def verdict(verified: Sequence[Check]) -> str:
    """The sentence that opens the part `Is the run whole?`."""
    if not verified:
        return NOT_VERIFIED
    faults = sum(not check.holds for check in verified)
    if not faults:
        return f"Verified when this report was written: {len(verified)} checks, no fault."
    return (
        f"Verified when this report was written: {faults} of {len(verified)} checks "
        f"found a fault. Numbers in this report may rest on rows that are missing or wrong."
    )
