"""The whole screen as text: a pure function of a view, a size and what the user chose to see."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

from rich.text import Text

from caviar.analysis.terminal_width import wrapped
from caviar.runner.cli.panda.screen import panels
from caviar.runner.cli.panda.screen.contrast import KINDS, Reading, name_of, other_of, readings
from caviar.runner.cli.panda.screen.layout import Layout, plots_of
from caviar.runner.cli.panda.screen.plots import legend, plot
from caviar.runner.cli.panda.screen.signs import Signs
from caviar.runner.cli.panda.screen.words import sentence
from caviar.runner.panda.view import View

GAP = 2
"""Columns between two panels side by side."""


@dataclass(frozen=True)
class Choice:
    """What the user chose to see: which quantity, against which model, models or the log."""

    kind: str = KINDS[-1]
    to_parent: bool = False
    models: bool = False

    def next_kind(self) -> Choice:
        """The same with the next quantity."""
        return replace(self, kind=KINDS[KINDS.index(self.kind) - 1])


def chosen_by(key: str, choice: Choice) -> Choice | None:
    """What a key changes of the choice; None for keys that change nothing of it."""
    match key:
        case "v":
            return choice.next_kind()
        case "c":
            return replace(choice, to_parent=not choice.to_parent)
        case "m":
            return replace(choice, models=not choice.models)
    return None


def shown_of(view: View, choice: Choice) -> Choice:
    """The choice as the view can show it: a network without batch norm has no running statistics,
    and its population statistics change nothing."""
    names = {name.partition(" ")[2] for _, name in view.series}
    population = choice.kind.replace("running", "population")
    if choice.kind not in names and population in names:
        return replace(choice, kind=population)
    return choice


class Lesson(NamedTuple):
    """What a lesson says beside the first plot, and what the numbers show once they are there."""

    says: tuple[str, ...]
    claim: str | None


Frame = Mapping[str, list[Text]]
"""The lines of every panel, by the panel's name."""


class Painter:
    """Paints views for one window; what has not changed since the last view is not computed anew.

    Twenty redraws per second must not take a core from the training, and new readings come a few
    times per second at most.
    """

    def __init__(self, width: int, sizes: Layout, signs: Signs) -> None:
        self._width, self._sizes, self._signs = width, sizes, signs
        self._key: object = None
        self._readings: Mapping[str, Reading] = {}
        self._plots: list[Text] = []

    def frame(self, view: View, choice: Choice, lesson: Lesson | None = None) -> Frame:
        """Every panel of one view."""
        width, sizes = self._width, self._sizes
        choice, other = shown_of(view, choice), other_of(view, choice.to_parent)
        key = (*grown(view), choice.kind, other, lesson and lesson.says)
        if key != self._key:
            self._key, self._readings = key, readings(view, other)
            self._plots = self._all_plots(view, choice.kind, other, lesson)
        log_width = width - sizes.layers - GAP
        return {
            "title": [panels.title(view, width)],
            "status": [panels.status(view, width)],
            "plots": self._plots,
            "sentence": self._sentence(view, choice, other, lesson),
            "table": panels.table(self._readings, view, other, width),
            "layers": panels.layers(view, sizes.layers, sizes.lower),
            "log": (panels.models if choice.models else panels.log)(view, log_width),
        }

    def _sentence(
        self, view: View, choice: Choice, other: int, lesson: Lesson | None
    ) -> list[Text]:
        if lesson is not None and lesson.claim is not None:
            return [Text(line, "bold") for line in wrapped(lesson.claim, self._width)]
        if view.current == other:
            told = (
                "Nothing is edited yet: this is the twin. An edit starts the panda beside it, and "
                "their difference is shown here."
            )
        else:
            reading = self._readings.get(f"loss {choice.kind}")
            told = sentence(reading, "loss", choice.kind, name_of(other), len(view.seeds))
        return [Text(line) for line in wrapped(told, self._width)]

    def _all_plots(self, view: View, kind: str, other: int, lesson: Lesson | None) -> list[Text]:
        cells: list[list[Text]] = []
        left = (self._width - GAP) // 2
        widths = left, self._width - GAP - left
        for index, (of, metric) in enumerate(plots_of(kind, self._sizes.rows)):
            width, height = widths[index % 2], self._sizes.plot
            if index == 1 and lesson is not None:
                cells.append(_padded(_told(lesson, width), width, height))
                continue
            head = _head(metric, of, width)
            if index == (0 if lesson else 1):
                head.append_text(legend(view, other, self._signs))
            lines = plot(view, of, metric, other, width, height - 1, self._signs)
            cells.append(_padded([head, *lines], width, height))
        return [
            one.append(" " * GAP).append_text(two)
            for row in range(0, len(cells), 2)
            for one, two in zip(*cells[row : row + 2], strict=True)
        ]


def grown(view: View) -> tuple[object, ...]:
    """What changes whenever a series has new points or another lineage is current."""
    lengths = tuple(len(series.steps) for series in view.series.values())
    return (view.current, len(view.lineages), lengths)


def in_signs(line: Text, signs: Signs) -> Text:
    """The line in signs that the terminal has, with its styles."""
    if signs.braille:
        return line
    line = line.copy()
    line.plain = signs.shown(line.plain)
    return line


def _head(metric: str, kind: str, width: int) -> Text:
    """The name of a plot; where it is narrow, that of the accuracy leaves room for the legend, as
    its quantity is that of the loss beside it."""
    narrow = width < panels.WIDE // 2 and metric == "accuracy"
    return Text().append(metric if narrow else f"{metric}, {panels.named(kind, width)}", "bold")


def _told(lesson: Lesson, width: int) -> list[Text]:
    lines = [line for says in lesson.says for line in wrapped(says, width)]
    return [Text(line, "bold" if not index else "") for index, line in enumerate(lines)]


def _padded(lines: Sequence[Text], width: int, height: int) -> list[Text]:
    """Exactly `height` lines of exactly `width` columns."""
    whole = [*lines, *[Text("")] * (height - len(lines))][:height]
    padded = []
    for line in whole:
        line = line.copy()
        line.no_wrap = True
        line.truncate(width, pad=True)
        padded.append(line)
    return padded
