"""The results of a verification's checks, and the number of faults."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass
class Findings:
    """One line per check, and the number of faults."""

    lines: list[str] = field(default_factory=list)
    faults: int = 0

    def good(self, text: str) -> None:
        self.lines.append(f"ok     {text}")

    def fault(self, text: str) -> None:
        self.lines.append(f"FAULT  {text}")
        self.faults += 1

    def check(self, holds: bool, good: str, fault: str) -> None:
        if holds:
            self.good(good)
        else:
            self.fault(fault)

    def aside(self, text: str) -> None:
        """Add what was not checked, and why."""
        self.lines.append(f"--     {text}")
