"""The full-screen program: panels that are drawn anew from a view, keys and one line that asks."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import ClassVar

from rich.text import Text
from textual.app import App, ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, VerticalScroll
from textual.events import Click, Key, Resize
from textual.geometry import Size
from textual.message import Message
from textual.suggester import SuggestFromList
from textual.widgets import Input, Static

from caviar.runner.cli.panda.screen import keys, panels
from caviar.runner.cli.panda.screen.contrast import KINDS
from caviar.runner.cli.panda.screen.frame import Choice, Painter, chosen_by, in_signs
from caviar.runner.cli.panda.screen.help_text import help_lines
from caviar.runner.cli.panda.screen.layout import LEAST, layout, too_small
from caviar.runner.cli.panda.screen.plain import Source
from caviar.runner.cli.panda.screen.signs import Signs
from caviar.runner.panda.view import View

REDRAWS_PER_SECOND = 20

WHO = "screen"

SCROLLS = {"pageup": -5, "pagedown": 5}

SUGGESTED = (
    "set learning_rate=",
    "set learning_rate*=0.5",
    "set momentum=",
    "set weight_decay=",
    "set dropout=",
    "set decay=",
    "set norm_batch_size=",
    "set schedule=",
    *("recompute", "reset ", "snapshot ", "rewind ", "fork", "select ", "undo", "pace off"),
    *("pause", "step ", "go", "finish", "stop"),
)


STYLES = """
Screen, Static, Input, VerticalScroll, Horizontal {
    background: ansi_default; color: ansi_default;
}
Screen { overflow: hidden hidden; }
.panel, .panel Static { text-wrap: nowrap; text-overflow: clip; }
#title, #status, #message, #keys { height: 1; }
#sentence { height: 2; }
#table { height: 6; }
#layers { margin-right: 2; }
#scroll, #over { scrollbar-size: 0 0; }
#ask { display: none; height: 1; border: none; padding: 0; }
#keys KeyName { width: auto; margin-right: 1; color: ansi_cyan; }
.narrow .rare { display: none; }
#over { display: none; height: 1fr; }
"""


class KeyName(Static):
    """A key in the line of keys: a click presses it."""

    class Pressed(Message):
        """The key was clicked."""

        def __init__(self, key: str) -> None:
            super().__init__()
            self.key = key

    def __init__(self, key: keys.Key) -> None:
        words = Text(key.shown, "bold").append(f" {key.brief}", "not bold")
        super().__init__(words, id=f"key-{key.name}", classes="rare" if key.rare else "")
        self._key = key.name

    def on_click(self) -> None:
        self.post_message(self.Pressed(self._key))


class PandaApp(App[None]):
    """Shows a panda twenty times per second and asks it what keys, clicks and the line say.

    Nothing here blocks the training, which another process computes. The program ends when `stop`
    says so; `failure` is the error that ended the panda, if one did.
    """

    ENABLE_COMMAND_PALETTE = False
    CSS_PATH = None
    CSS = STYLES
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+c", "quit", priority=True, show=False),
        # At once, before the next key is handed on: whoever types fast loses no letter.
        Binding("colon", "open_line", priority=True, show=False),
    ]

    def __init__(self, source: Source, signs: Signs, stop: Callable[[], bool] = bool) -> None:
        super().__init__(ansi_color=True)
        self.failure: Exception | None = None
        self._source, self._signs, self._stop = source, signs, stop
        self._choice = Choice()
        self._painter: Painter | None = None
        self._view: View | None = None
        self._requests: asyncio.Queue[str] = asyncio.Queue()
        self._history: list[str] = []
        self._recalled = 0
        self._shown: dict[str, Text] = {}
        self._helping = False
        self._window = Size(*LEAST)

    def compose(self) -> ComposeResult:
        with VerticalScroll(id="over"):
            yield Static(id="told")
        for name in ("title", "status", "plots", "sentence", "table"):
            yield Static(id=name, classes="panel")
        with Horizontal(id="lower", classes="panel"):
            yield Static(id="layers")
            with VerticalScroll(id="scroll"):
                yield Static(id="log")
        yield Static(id="message", classes="panel")
        hint = "a request, such as: set learning_rate=0.03"
        yield Input(id="ask", placeholder=hint, suggester=SuggestFromList(SUGGESTED))
        with Horizontal(id="keys", classes="panel"):
            for key in keys.KEYS:
                if key.brief:
                    yield KeyName(key)

    def on_mount(self) -> None:
        self._window = self.size
        self._arrange()
        self.run_worker(self._ask_in_turn())
        self.set_interval(1 / REDRAWS_PER_SECOND, self.redraw)

    def on_resize(self, event: Resize) -> None:
        self._window = event.size
        self._arrange()

    def _arrange(self) -> None:
        """Fit the panels to the window, or say that it is too small, or show the help."""
        width, height = self._window
        sizes = layout(width, height)
        over = self._helping or sizes is None
        self.screen.set_class(width < panels.WIDE, "narrow")
        self.query(".panel").set(display=not over)
        self.query_one("#over").display = over
        self._painter = None
        if sizes is None:
            self._close_line()
            self._put("told", [Text(too_small(width, height))])
        elif over:
            self._put("told", help_lines(width - 1))
            self.query_one("#over").focus()
        else:
            self._painter = Painter(width, sizes, self._signs)
            self.query_one("#plots").styles.height = sizes.plot * sizes.rows
            self.query_one("#lower").styles.height = sizes.lower
            self.query_one("#layers").styles.width = sizes.layers
        self._shown.clear()
        self.redraw()

    def redraw(self) -> None:
        """Show the present view; panels whose text stayed the same are left alone."""
        if self._stop():
            self.exit()
        try:
            self._view = self._source.view()
        except Exception as error:
            return self._fail(error)
        if self._painter is not None:
            frame = self._painter.frame(self._view, self._choice, self._source.lesson(self._view))
            for name, lines in frame.items():
                self._put(name, lines)

    def _fail(self, error: Exception) -> None:
        self.failure = error
        self.exit()

    def _put(self, name: str, lines: Sequence[Text]) -> None:
        text = in_signs(Text("\n").join(lines), self._signs)
        if self._shown.get(name) == text:
            return
        self._shown[name] = text
        self.query_one(f"#{name}", Static).update(text)
        if name == "log":
            self.query_one("#scroll").scroll_end(animate=False)

    async def _ask_in_turn(self) -> None:
        """Ask what was requested, one after the other; the screen is drawn on meanwhile."""
        while True:
            text = await self._requests.get()
            try:
                answer = await asyncio.to_thread(self._source.ask, text, WHO)
            except Exception as error:
                return self._fail(error)
            refused = "" if answer.accepted else "refused: "
            style = "" if answer.accepted else "bold red"
            line = f"{refused}{panels.shortened(answer.says)}".replace("\n", " ")
            self._put("message", [Text(panels.cut(line, max(1, self._window.width)), style)])

    def ask(self, text: str) -> None:
        """Ask the panda something, after what was asked before."""
        self._requests.put_nowait(text)

    def on_key(self, event: Key) -> None:
        if self._line.display:
            self._key_of_line(event.key)
        else:
            event.stop()
            event.prevent_default()
            self._press(event.key)

    def on_key_name_pressed(self, message: KeyName.Pressed) -> None:
        self._press(message.key)

    def _press(self, key: str) -> None:
        """Do what a key says."""
        if key == "q":
            self.exit()
        elif key == "question_mark" or (self._helping and key == "escape"):
            self._helping = not self._helping
            self._arrange()
        elif self._painter is None or self._view is None:
            return
        elif key == "colon":
            self.action_open_line()
        elif key in SCROLLS:
            self.query_one("#scroll", VerticalScroll).scroll_relative(y=SCROLLS[key], animate=False)
        elif (chosen := chosen_by(key, self._choice)) is not None:
            self._choose(chosen)
        elif (text := self._source.request_of(key, self._view)) is not None:
            self.ask(text)

    def _choose(self, choice: Choice) -> None:
        self._choice = choice
        self.redraw()

    @property
    def _line(self) -> Input:
        return self.query_one("#ask", Input)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """A colon within the line is a letter like any other."""
        return action != "open_line" or not (self._line.display or self._painter is None)

    def action_open_line(self) -> None:
        self._recalled = len(self._history)
        self._line.value = ""
        self._line.display = True
        self.query_one("#message").display = False
        self.screen.set_focus(self._line)

    def _close_line(self) -> None:
        self._line.display = False
        self.query_one("#message").display = self._painter is not None
        self.set_focus(None)

    def _key_of_line(self, key: str) -> None:
        """Esc leaves the line; up and down go through what was asked before."""
        if key == "escape":
            self._close_line()
        elif key in ("up", "down") and self._history:
            step = -1 if key == "up" else 1
            self._recalled = min(max(self._recalled + step, 0), len(self._history))
            self._line.value = [*self._history, ""][self._recalled]
            self._line.cursor_position = len(self._line.value)

    def on_input_submitted(self, message: Input.Submitted) -> None:
        self._close_line()
        if message.value.strip():
            self._history.append(message.value)
            self.ask(message.value)

    def on_click(self, event: Click) -> None:
        """A click on a row of the table or on the plots changes the plotted quantity; one on a
        model makes it the current one."""
        name = event.widget.id if event.widget is not None else None
        if self._painter is None or self._view is None:
            return
        if name == "plots":
            self._choose(self._choice.next_kind())
        elif name == "table" and 1 <= event.y <= len(KINDS):
            self._choose(replace(self._choice, kind=KINDS[event.y - 1]))
        elif name == "log" and self._choice.models and event.y < len(self._view.lineages):
            self.ask(f"select {event.y}")
