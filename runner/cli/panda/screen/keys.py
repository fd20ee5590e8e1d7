"""The single keys, what each asks or does, and the line that names them."""

from __future__ import annotations

from typing import NamedTuple

from caviar.runner.panda.view import View

PACES = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000)
"""Steps per second that + and - go through; above the last is full speed."""


class Key(NamedTuple):
    """A key as Textual names it, as a user reads it, and what it does in words."""

    name: str
    shown: str
    does: str
    brief: str = ""
    """In the line of keys; empty for keys that only the help names."""
    rare: bool = False
    """Named in the line of a wide window alone."""


KEYS = (
    Key("space", "space", "pause the training, or go on", "pause"),
    Key("s", "s", "take one step", "step"),
    Key("l", "l", "halve the learning rate", "rate/2"),
    Key("L", "L", "double the learning rate", "x2"),
    Key("r", "r", "recompute the running statistics from the training set", "recompute"),
    Key("u", "u", "undo the last edit: go back to the model without it", "undo"),
    Key("f", "f", "fork: the next edit starts another future and both go on", "fork"),
    Key("p", "p", "keep a snapshot, to which `rewind NAME` goes back", "snapshot", rare=True),
    Key("plus", "+", "train faster", "faster", rare=True),
    Key("minus", "-", "train slower", "slower", rare=True),
    Key("v", "v", "plot another quantity", "plot", rare=True),
    Key(
        "c",
        "c",
        "compare with the twin or with the parent",
        "compare",
        rare=True,
    ),
    Key("m", "m", "show the lineages and snapshots, or the log", "lineages", rare=True),
    Key("pageup", "PgUp", "scroll the log up"),
    Key("pagedown", "PgDn", "scroll the log down"),
    Key("colon", ":", "write any request", "ask"),
    Key("question_mark", "?", "show or leave this help", "help"),
    Key("q", "q", "quit; `caviar panda --resume` goes on", "quit"),
)


def request_of(key: str, view: View) -> str | None:
    """What a key asks of the panda, in its grammar; None for keys that only change the screen."""
    match key:
        case "space":
            return "go" if view.paused else "pause"
        case "s":
            return "step"
        case "l":
            return "set learning_rate*=0.5"
        case "L":
            return "set learning_rate*=2"
        case "r":
            return "recompute"
        case "u":
            return "undo"
        case "f":
            return "fork"
        case "p":
            return f"snapshot {free_name(view)}"
        case "plus":
            return _pace(view, faster=True)
        case "minus":
            return _pace(view, faster=False)
    return None


def free_name(view: View) -> str:
    """A name for a snapshot that no other has. It names no step: more may be taken before the
    snapshot is."""
    names = (f"snap-{number}" for number in range(1, len(view.snapshots) + 2))
    return next(name for name in names if name not in view.snapshots)


def _pace(view: View, *, faster: bool) -> str:
    """The next pace; at full speed the screen starts from the speed that it sees."""
    now = view.pace or view.steps_per_second
    if faster:
        above = [pace for pace in PACES if pace > now * (1 + 1e-9)]
        return f"pace {above[0]}" if above and view.pace is not None else "pace off"
    below = [pace for pace in PACES if pace < now * (1 - 1e-9)]
    return f"pace {below[-1] if below else PACES[0]}"
