"""The program as a user meets it, driven by Textual's pilot."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from textual.events import Key
from textual.pilot import Pilot
from textual.widgets import Input

from caviar.runner.cli.panda.screen.app import PandaApp
from caviar.runner.cli.panda.screen.plain import OfPanda
from caviar.runner.cli.panda.screen.signs import Signs
from tests.runner.cli.panda.screen.made import MadePanda, SlowPanda, edited
from tests.runner.cli.panda.screen.snapshots import FOLDER, SHOTS, screen_text, text_of

Use = Callable[[Pilot[None], PandaApp], Awaitable[Any]]


def used(panda: MadePanda, use: Use, size: tuple[int, int] = (80, 24)) -> str:
    """Open the screen, use it, and return what it shows in the end."""

    async def whole() -> str:
        app = PandaApp(OfPanda(panda), Signs(True))
        async with app.run_test(size=size) as pilot:
            await pilot.pause()
            await use(pilot, app)
            await pilot.pause()
            app.redraw()
            await pilot.pause()
            return screen_text(app)

    return asyncio.run(whole())


@pytest.mark.parametrize("name", SHOTS)
def test_the_screen_is_as_it_was_reviewed(name: str) -> None:
    """After a change that is meant: `python -m tests.runner.cli.panda.screen.snapshots`."""
    reviewed = (FOLDER / f"{name}.txt").read_text(encoding="utf-8")
    assert asyncio.run(text_of(SHOTS[name])) == reviewed
    width, height = SHOTS[name].size
    assert len(reviewed.splitlines()) == height
    assert max(map(len, reviewed.splitlines())) <= width


def test_every_reviewed_screen_is_still_made() -> None:
    assert {path.stem for path in FOLDER.glob("*.txt")} == set(SHOTS)


def test_keys_ask_in_the_order_in_which_they_are_pressed() -> None:
    async def press(pilot: Pilot[None], app: PandaApp) -> None:
        await pilot.press("space", "l", "L", "f", "p", "plus", "u", "r", "s")
        await pilot.pause()

    panda = MadePanda().advance(240)
    used(panda, press)
    assert panda.asked == [
        *("pause", "set learning_rate*=0.5", "set learning_rate*=2", "fork"),
        *("snapshot snap-1", "pace 50", "undo", "recompute", "step"),
    ]


def test_the_line_takes_a_request_and_shows_the_answer() -> None:
    async def write(pilot: Pilot[None], app: PandaApp) -> None:
        await pilot.press("colon", *"set learnin_rate=3", "enter")
        await pilot.pause()

    panda = MadePanda().advance(240)
    lines = used(panda, write).splitlines()
    assert panda.asked == ["set learnin_rate=3"]
    assert lines[-2] == "refused: unknown field 'learnin_rate'; do you mean learning_rate?"


def test_a_colon_within_the_line_is_a_letter() -> None:
    async def write(pilot: Pilot[None], app: PandaApp) -> None:
        await pilot.press("colon", "a", "colon", "b")
        assert app.query_one(Input).value == "a:b"

    used(MadePanda(), write)


def test_whoever_types_fast_loses_no_letter() -> None:
    """The keys of a paste come at once, before the line that the first one opens is drawn."""

    async def paste(pilot: Pilot[None], app: PandaApp) -> None:
        for key in (":", *"fork", "\r"):
            name = {":": "colon", "\r": "enter"}.get(key, key)
            app.post_message(Key(name, key))
        await pilot.pause()

    panda = MadePanda().advance(240)
    used(panda, paste)
    assert panda.asked == ["fork"]


def test_escape_leaves_the_line_and_keys_work_again() -> None:
    async def leave(pilot: Pilot[None], app: PandaApp) -> None:
        await pilot.press("colon", "q", "escape", "l")

    panda = MadePanda().advance(240)
    used(panda, leave)
    assert panda.asked == ["set learning_rate*=0.5"]


def test_what_was_asked_comes_back_with_the_up_key() -> None:
    async def recall(pilot: Pilot[None], app: PandaApp) -> None:
        for text in ("fork", "undo"):
            await pilot.press("colon", *text, "enter")
        await pilot.press("colon", "up", "up")
        assert app.query_one(Input).value == "fork"
        await pilot.press("down", "enter")

    panda = edited()
    panda.asked.clear()
    used(panda, recall)
    assert panda.asked == ["fork", "undo", "undo"]


def test_the_mouse_presses_keys_and_chooses_what_is_plotted() -> None:
    async def click(pilot: Pilot[None], app: PandaApp) -> None:
        await pilot.click("#key-l")
        await pilot.click("#table", offset=(3, 2))

    panda = MadePanda().advance(240)
    text = used(panda, click)
    assert panda.asked == ["set learning_rate*=0.5"]
    assert "loss, train population" in text


def test_a_click_on_a_model_makes_it_the_current_one() -> None:
    async def click(pilot: Pilot[None], app: PandaApp) -> None:
        await pilot.press("m")
        await pilot.click("#log", offset=(3, 0))

    panda = edited()
    used(panda, click)
    assert panda.asked[-1] == "select 0"


def test_q_ends_the_screen() -> None:
    async def whole() -> None:
        app = PandaApp(OfPanda(MadePanda()), Signs(True))
        async with app.run_test(size=(80, 24)) as pilot:
            await pilot.press("q")
            await pilot.pause()
        assert app.failure is None and not app.is_running

    asyncio.run(whole())


def test_an_error_that_ended_the_panda_ends_the_screen() -> None:
    async def whole() -> None:
        panda = MadePanda()
        app = PandaApp(OfPanda(panda), Signs(True))
        async with app.run_test(size=(80, 24)) as pilot:
            panda.broken = RuntimeError("the worker died")
            app.redraw()
            await pilot.pause()
        assert app.failure is panda.broken

    asyncio.run(whole())


def test_an_error_while_asking_ends_the_screen_too() -> None:
    """A lesson's next training may fail to start."""

    async def whole() -> None:
        panda = MadePanda()
        app = PandaApp(OfPanda(panda), Signs(True))
        async with app.run_test(size=(80, 24)) as pilot:
            panda.broken_ask = OSError("no space left")
            await pilot.press("l")
            await pilot.pause()
        assert app.failure is panda.broken_ask

    asyncio.run(whole())


def test_a_window_that_grows_shows_the_panels() -> None:
    async def grow(pilot: Pilot[None], app: PandaApp) -> None:
        assert "needs 80 x 24" in screen_text(app).replace("\n", " ")
        await pilot.resize_terminal(80, 24)

    assert used(edited(), grow, size=(60, 20)).startswith("quickstart: digits")


def test_a_slow_answer_does_not_stop_the_screen() -> None:
    """Redraws go on while a request waits for its answer."""

    async def wait(pilot: Pilot[None], app: PandaApp) -> None:
        await pilot.press("l")
        panda.advance(240)
        app.redraw()
        await pilot.pause()
        assert "step 480 of" in screen_text(app)
        panda.free.set()

    panda = SlowPanda()
    panda.advance(240)
    used(panda, wait)
    assert panda.asked == ["set learning_rate*=0.5"]
