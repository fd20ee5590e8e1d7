"""The screen's text in files that a reviewer can read.

`python -m tests.runner.cli.panda.screen.snapshots` writes them anew.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from caviar.runner.cli.panda.screen.app import PandaApp
from caviar.runner.cli.panda.screen.plain import OfPanda
from caviar.runner.cli.panda.screen.signs import Signs
from tests.runner.cli.panda.screen.made import MadePanda, edited

FOLDER = Path(__file__).parent / "snapshots"


class Shot(NamedTuple):
    """A screen: the training, the window, and the keys that were pressed."""

    made: Callable[[], MadePanda]
    size: tuple[int, int]
    keys: tuple[str, ...] = ()
    braille: bool = True


def forked() -> MadePanda:
    """A training with two futures after step 600, a snapshot, and one edit more at 1,200."""
    panda = edited()
    panda.ask("fork", "screen")
    panda.ask("snapshot before", "screen")
    panda.ask("set learning_rate=0.02", "screen")
    return panda.advance(600)


def beginning() -> MadePanda:
    """A training that nobody has edited."""
    return MadePanda().advance(240)


SHOTS = {
    "80x24-beginning": Shot(beginning, (80, 24)),
    "80x24-edited": Shot(edited, (80, 24)),
    "80x24-ascii": Shot(edited, (80, 24), braille=False),
    "80x24-models": Shot(forked, (80, 24), ("m", "c", "v")),
    "80x24-line": Shot(edited, (80, 24), ("colon", "s", "e", "t")),
    "80x24-help": Shot(edited, (80, 24), ("question_mark",)),
    "140x45-edited": Shot(edited, (140, 45)),
    "140x45-forked": Shot(forked, (140, 45), ("m",)),
    "140x45-help": Shot(edited, (140, 45), ("question_mark",)),
    "79x23-too-small": Shot(edited, (79, 23)),
}


async def text_of(shot: Shot) -> str:
    """What such a screen shows, line by line."""
    app = PandaApp(OfPanda(shot.made()), Signs(shot.braille))
    async with app.run_test(size=shot.size) as pilot:
        await pilot.pause()
        await pilot.press(*shot.keys)
        await pilot.pause()
        return screen_text(app)


def screen_text(app: PandaApp) -> str:
    """The text of every line, without the spaces at its end."""
    lines = [strip.text.rstrip() for strip in app.screen._compositor.render_strips()]
    return "\n".join(lines) + "\n"


def main() -> None:
    FOLDER.mkdir(exist_ok=True)
    for name, shot in SHOTS.items():
        (FOLDER / f"{name}.txt").write_text(asyncio.run(text_of(shot)), encoding="utf-8")


if __name__ == "__main__":
    main()
