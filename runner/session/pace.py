"""How often a run writes its rows and checkpoints and prints its progress."""

from __future__ import annotations

from dataclasses import dataclass

from caviar.runner.limits import CHECKPOINTS_PER_SECOND


@dataclass(frozen=True)
class Pace:
    """Intervals in seconds, and a rate per second.

    A trial sends a checkpoint about every `checkpoint_seconds`, and all trials together at most
    `checkpoints_per_second`. Rows wait at most `rows_seconds` for their file. Without a terminal, a
    line of progress is printed every `line_seconds`. When a run ends, the part files of a table are
    merged if there are more than `most_parts`.
    """

    checkpoint_seconds: float = 10.0
    checkpoints_per_second: float = CHECKPOINTS_PER_SECOND
    rows_seconds: float = 10.0
    line_seconds: float = 10.0
    most_parts: int = 100

    def between_checkpoints(self, workers: int) -> float:
        """Seconds between two checkpoints of a trial, with this number of trials at once."""
        return max(self.checkpoint_seconds, workers / self.checkpoints_per_second)


PACE = Pace()
