"""What `?` shows: the keys, the requests, and how to read the panels."""

from __future__ import annotations

from rich.text import Text

from caviar.analysis.terminal_width import wrapped
from caviar.runner.cli.panda.screen.keys import KEYS
from caviar.runner.panda.requests import FORMS

READING = (
    "The twin is the same training without edits. The table shows the panda, and panda minus twin "
    "as a mean over seeds with its 95 % interval: the seeds of both start alike and see the same "
    "batches, so that what differs is the edits' doing.",
    "Layers: mean.err and var.err are how far the running statistics are from those of the "
    "training set, noise is the variance of the batch means over the variance of the examples, "
    "gamma and weights are norms. Means over seeds.",
)


def help_lines(width: int) -> list[Text]:
    """Keys, requests and how to read the screen, in lines of at most `width` columns."""
    lines = [Text("Keys", "bold")]
    lines += [Text(f"  {key.shown:6} {key.does}") for key in KEYS]
    lines += [
        Text(""),
        Text("Requests (`:` opens their line, Enter asks, Esc leaves)", "bold"),
    ]
    lines += [Text(f"  {form}") for form in FORMS.values()]
    lines += [Text(f"  {line}") for line in wrapped(OPTIONS, width - 2)]
    lines += [Text(""), Text("How to read it", "bold")]
    for paragraph in READING:
        lines += [Text(f"  {line}") for line in wrapped(paragraph, width - 2)]
    return lines


OPTIONS = (
    "An edit takes --at STEP (the step at whose end it takes effect) and --note TEXT. The fields "
    "that `set` takes are those that the second line of the screen shows."
)
