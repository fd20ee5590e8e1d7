"""Prints the screen that the README shows: the quickstart's first trial, one edit, its last step.

    python docs/panda/screen.py > docs/panda/screen.txt

Every number but the speed is the same wherever it runs: the edit is asked for before the training
begins.
"""

from __future__ import annotations

import asyncio
import sys
import tempfile
import time

from caviar.runner.cli.panda.conduct import How, begun, in_a_thread
from caviar.runner.cli.panda.screen.app import PandaApp
from caviar.runner.cli.panda.screen.plain import OfPanda
from caviar.runner.cli.panda.screen.signs import Signs
from caviar.runner.panda.session import Session
from caviar.runner.study.plan import make_plan
from caviar.runner.study.study_file import read_study

EDITS = ("set norm_batch_size=32 --at 80",)


async def shown(session: Session) -> str:
    """The text of a screen of 80 x 24."""
    app = PandaApp(OfPanda(session), Signs(True))
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.pause()
        lines = [strip.text.rstrip() for strip in app.screen._compositor.render_strips()]
    return "\n".join(lines)


def main(edits: tuple[str, ...]) -> None:
    plan = make_plan(read_study(None, ["replicas=16"]), 1)
    with (
        tempfile.TemporaryDirectory() as folder,
        begun(plan, None, f"{folder}/run", How(paused=True, stays=True)) as session,
        in_a_thread(session),
    ):
        for edit in edits:
            answer = session.ask(edit, "screen")
            assert answer.accepted, answer.says
        session.ask("go", "screen")
        while not session.view().ended:
            time.sleep(0.1)
        print(asyncio.run(shown(session)))


if __name__ == "__main__":
    main(tuple(sys.argv[1:]) or EDITS)
