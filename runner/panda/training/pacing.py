"""How far the current lineage may go now: pauses, single steps, and a pace in steps per second."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

BURST = 0.25
"""Seconds of steps that a slow training may make up for at once."""
WINDOW = 2.0
"""Seconds over which the present rate is measured."""


class Pacing:
    """What a clock says about a training; nothing of it changes a bit."""

    def __init__(self, clock: Callable[[], float], pace: float | None, paused: bool) -> None:
        self.pace, self.paused = pace, paused
        self._halts: set[int] = set()
        self._until: int | None = None
        self._clock = clock
        self._since, self._tokens = clock(), 1.0
        self._marks: deque[tuple[float, int]] = deque()

    def limit(self, front: int, steps: int) -> int:
        """The step up to which the active lineages may be trained now."""
        if self.paused:
            return front
        halts = [step for step in self._every_halt() if step > front]
        limit = min([steps, *halts])
        if self.pace is None:
            return limit
        now = self._clock()
        most = max(1.0, BURST * self.pace)
        self._tokens = min(most, self._tokens + self.pace * (now - self._since))
        self._since = now
        return min(limit, front + int(self._tokens))

    def went(self, before: int, front: int) -> None:
        """Training went from a step to another; at a halt it pauses."""
        self._tokens = max(0.0, self._tokens - (front - before))
        if front in self._every_halt():
            self._halts.discard(front)
            self._until = None
            self.paused = True
        self._marks.append((self._clock(), front))
        while len(self._marks) > 2 and self._marks[-1][0] - self._marks[0][0] > WINDOW:
            self._marks.popleft()

    def moved(self) -> None:
        """The current lineage is another one, or stands elsewhere."""
        self._marks.clear()

    def pause(self, step: int, front: int) -> None:
        """Pause after a step, or now."""
        if step > front:
            self._halts.add(step)
        else:
            self.paused = True

    def go(self, until: int | None = None) -> None:
        """Go on, up to a step if one is given, and up to the pauses that were asked for; who asks
        while nothing is paused wants none of them."""
        if not self.paused:
            self._halts.clear()
        self.paused, self._until = False, until
        self.moved()

    def finish(self) -> None:
        """Go on to the end, as fast as it goes."""
        self._halts.clear()
        self.go()
        self.set_pace(None)

    def _every_halt(self) -> set[int]:
        """The steps to pause after: those asked for, and the one up to which it goes on."""
        return self._halts if self._until is None else {*self._halts, self._until}

    def set_pace(self, pace: float | None) -> None:
        """So many steps per second; None: as fast as it goes."""
        self.pace, self._tokens, self._since = pace, 1.0, self._clock()
        self.moved()

    def rest(self, most: float) -> float:
        """Seconds until the next step is due, at most `most`."""
        if self.paused or self.pace is None:
            return 0.0
        return max(0.0, min(most, (1.0 - self._tokens) / self.pace))

    @property
    def rate(self) -> float:
        """Steps per second lately; 0 while paused."""
        if self.paused or len(self._marks) < 2:
            return 0.0
        (began, first), (ended, last) = self._marks[0], self._marks[-1]
        return (last - first) / (ended - began) if ended > began else 0.0
