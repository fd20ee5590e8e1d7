"""What stands where on the screen, as text: each panel a function of one view."""

from __future__ import annotations

import re
from collections.abc import Mapping

from rich.text import Text

from caviar.analysis.number_format import number
from caviar.analysis.terminal_width import columns, padded, wrapped
from caviar.runner.cli.panda.screen.contrast import KINDS, METRICS, Reading, name_of
from caviar.runner.cli.panda.screen.plots import PANDA, TWIN
from caviar.runner.cli.panda.screen.words import difference, short
from caviar.runner.panda.view import LayerView, View

WIDE = 110
"""From this width on, names are written out and the other model's values have columns."""

SETTINGS = ("momentum", "weight_decay", "dropout", "decay", "norm_batch_size", "schedule")
"""Settings that the second line shows as far as there is room, in this order."""

REFUSED = "red"


def named(kind: str, width: int) -> str:
    """A quantity's name, shortened where a panel is narrow."""
    name = kind.replace("train train-mode", "train mode")
    return name if width >= WIDE // 2 else name.replace("validation", "val.")


def cut(text: str, width: int) -> str:
    """The text in so many columns, with dots where its end is missing."""
    if columns(text) <= width:
        return padded(text, width)
    while columns(text) > width - 1:
        text = text[:-1]
    return padded(text + "…", width)


def state_of(view: View) -> str:
    """The current model's state in one word."""
    if view.lineages[view.current].state == "diverged":
        return "diverged"
    if view.ended:
        return "ended"
    if view.paused:
        return "paused"
    return view.lineages[view.current].state


def title(view: View, width: int) -> Text:
    """What is trained, and whether it is."""
    state = state_of(view).upper()
    line = cut(f"{view.name}: {view.about}", width - len(state) - 1)
    return Text(f"{line} {state}", "bold reverse")


def status(view: View, width: int) -> Text:
    """Where the training is, how fast it goes, and the settings in force."""
    current = view.lineages[view.current]
    pace = "" if view.pace is None else f" (pace {view.pace:.3g})"
    lineage = "the twin" if not view.current else f"lineage {view.current}"
    parts = [
        f"step {current.step:,} of {view.steps:,}",
        f"epoch {current.step / view.steps_per_epoch:.1f}",
        f"learning rate {number(view.learning_rate)}",
        f"{number(view.steps_per_second if state_of(view) == 'training' else 0)} steps/s{pace}",
        lineage,
        *(f"{name} {view.settings[name]}" for name in SETTINGS if name in view.settings),
    ]
    line = parts[0]
    for part in parts[1:]:
        if columns(f"{line} · {part}") > width:
            break
        line += f" · {part}"
    return Text(padded(line, width))


def table(readings: Mapping[str, Reading], view: View, other: int, width: int) -> list[Text]:
    """Every quantity of the panda, and its difference to the other model with its interval."""
    wide = width >= WIDE
    name = 22 if wide else 16
    label = name_of(other)
    values = f"{label:>8}" if wide else ""
    head = (
        f"{'':{name}} {'loss':>7}{values} {f'panda - {label} [95 %]':28} "
        f"{'acc.%':>5}{values} {'difference':20}"
    )
    lines = [Text(cut(head.replace(" - ", " − "), width), "bold")]
    for kind in KINDS:
        line = Text(cut(named(kind, width // 2), name))
        for metric, level, room in zip(METRICS, (7, 5), (28, 20), strict=True):
            reading = readings.get(f"{metric} {kind}")
            if reading is None:
                line.append(" " * (level + 2 + room + 8 * wide))
                continue
            line.append(f" {short(reading.panda, metric):>{level}}")
            line.append(f"{short(reading.other, metric):>8}" if wide else "")
            same = view.current == other
            told = "" if same else difference(reading.difference, metric, room)
            line.append(f" {told:{room}}", _colour(reading, metric) if told else "")
        lines.append(line)
    return lines


def _colour(reading: Reading, metric: str) -> str:
    mean, low, high, _ = reading.difference
    if not (low > 0 or high < 0):
        return ""
    return "green" if (mean < 0) == (metric == "loss") else "red"


LAYER_COLUMNS = (
    ("mean err", "mean_error", 9),
    ("var. err", "variance_error", 9),
    ("noise", "batch_noise", 8),
    ("gamma", "gamma_norm", 7),
    ("weights", "weight_norm", 8),
)
"""What is shown of a layer: words, the field of a view, columns."""


def layers(view: View, width: int, height: int) -> list[Text]:
    """Per layer: errors of the running statistics, batch noise, norms; of the panda, then below it
    of the twin where they differ and there is room."""
    panda = view.layers.get(view.current, ())
    twin = view.layers.get(0, ()) if view.current else ()
    name = width - sum(room for *_, room in LAYER_COLUMNS)
    head = "".join(f"{words:>{room}}" for words, _, room in LAYER_COLUMNS)
    lines = [Text(f"{'layer':{name}}{head}", "bold")]
    both = bool(twin) and 1 + 2 * len(panda) <= height
    for index, layer in enumerate(panda):
        lines.append(_layer(layer, layer.layer, name, PANDA if both else ""))
        if both:
            lines.append(_layer(twin[index], "  twin", name, TWIN))
    if len(lines) > height:
        hidden = len(lines) - height + 1
        lines = [*lines[: height - 1], Text(f"and {hidden} more layers", "dim")]
    return lines


def _layer(layer: LayerView, words: str, name: int, style: str) -> Text:
    values = "".join(f"{number(getattr(layer, field)):>{room}}" for _, field, room in LAYER_COLUMNS)
    return Text(cut(words, name) + values, style)


def shortened(text: str) -> str:
    """The text with long numbers to four digits; the table `interventions` has all of them.

    >>> shortened("learning_rate 0.7790600350781199 → 1.5581200701562399")
    'learning_rate 0.7791 → 1.558'
    """
    return re.sub(r"\d+\.\d{5,}", lambda match: f"{float(match[0]):.4g}", text)


def log(view: View, width: int) -> list[Text]:
    """Every request and what came of it, the latest last."""
    lines = []
    for entry in view.log:
        refused = "" if entry.accepted else "refused: "
        told = wrapped(
            f"{entry.step:,} {refused}{shortened(entry.text)} ({entry.asked_by})", width - 2
        )
        style = "" if entry.accepted else REFUSED
        lines += [Text(f"{'  ' * bool(i)}{part}", style) for i, part in enumerate(told)]
    return lines or [Text("no edit yet: `:` asks, `?` helps", "dim")]


def models(view: View, width: int) -> list[Text]:
    """Every lineage, one line each: which edit made it of which other, and where it is."""
    lines = []
    for one in view.lineages:
        change = shortened(one.change.partition(": ")[2] or one.change)
        origin = f"{change} at {one.born:,}, of {one.parent}" if one.number else "twin, unedited"
        mark = "▸" if one.number == view.current else " "
        line = cut(f"{mark}{one.number} {origin}, {one.state} at {one.step:,}", width)
        lines.append(Text(line, PANDA if one.number == view.current else ""))
    if view.snapshots:
        lines.append(Text(cut(f"snapshots: {', '.join(view.snapshots)}", width), "dim"))
    return lines
