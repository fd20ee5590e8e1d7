"""What a verification looked at, and the faults among it."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass
class Findings:
    """What was looked at, and the faults among it."""

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
        """What was not looked at, and why."""
        self.lines.append(f"--     {text}")
