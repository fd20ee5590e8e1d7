"""How often a run writes down what it has and says where it stands."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Pace:
    """Intervals in seconds, and a rate per second.

    A trial sends a checkpoint about every `checkpoint_seconds`, and all trials together at most
    `checkpoints_per_second`: the driver writes them, and one of a large network has tens of
    megabytes. Rows wait at most `rows_seconds` for their file. A line of progress is printed
    every `line_seconds` where there is no terminal.
    """

    checkpoint_seconds: float = 10.0
    checkpoints_per_second: float = 2.0
    rows_seconds: float = 10.0
    line_seconds: float = 10.0

    def between_checkpoints(self, workers: int) -> float:
        """Seconds from one checkpoint of a trial to its next, with so many trials at once."""
        return max(self.checkpoint_seconds, workers / self.checkpoints_per_second)


PACE = Pace()
