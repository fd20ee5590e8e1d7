"""docs/panda.md: its keys, requests and commands are those of the program."""

from __future__ import annotations

import re
import shlex
from typing import Any

import pytest
import typer

from caviar.runner.cli.main import app
from caviar.runner.cli.panda.screen.keys import KEYS
from caviar.runner.fields.changes import SETTABLE
from caviar.runner.panda.requests import FORMS, read_request
from tests.runner.cli.panda.screen.snapshots import FOLDER
from tests.runner.panda.pandas import Driven, plan_of_one
from tests.sources import ROOT

PAGE = (ROOT / "docs" / "panda.md").read_text(encoding="utf-8")


def section(title: str) -> str:
    return PAGE.partition(f"\n## {title}\n")[2].partition("\n## ")[0]


def test_every_key_is_told_and_no_other() -> None:
    told = re.findall(r"`([^`\n]{1,6})`", section("The screen").partition("| key |")[2])
    assert set(told) == {key.shown for key in KEYS} | {":", "?"}


def test_every_request_of_the_table_is_in_the_grammar() -> None:
    rows = re.findall(r"^\| (`.*?`) \|", section("Requests"), re.MULTILINE)
    texts = [text for row in rows for text in re.findall(r"`([^`]+)`", row)]
    assert {read_request(text).verb for text in texts} == set(FORMS)
    (sets,) = re.findall(r"^\| `set learning_rate=0.03` \| (.*) \|$", PAGE, re.MULTILINE)
    assert set(re.findall(r"`(\w+)`", sets)) == set(SETTABLE)


WITHOUT_FENCES = re.sub(r"^```.*?^```", "", PAGE, flags=re.MULTILINE | re.DOTALL)
COMMANDS = [
    re.split("[#>]", line)[0].strip()
    for line in re.findall(r"^    (.*)$", WITHOUT_FENCES, re.MULTILINE)
]


@pytest.mark.parametrize("line", COMMANDS)
def test_every_command_has_the_options_that_the_page_gives_it(line: str, tmp_path: Any) -> None:
    program, name, *words = shlex.split(line)
    assert program == "caviar"
    group: Any = typer.main.get_command(app)
    command = group.commands[name]
    command.make_context(name, [word.replace("STUDY.toml", str(tmp_path)) for word in words])


def test_a_refusal_is_as_shown() -> None:
    (asked, told) = re.findall(r"^\$ caviar control \S+ (.*)\nrefused: (.*)$", PAGE, re.MULTILINE)[
        0
    ]
    decided = Driven(plan_of_one()).ask(asked)
    assert not decided.accepted and decided.says == told


def test_the_screen_shown_is_laid_out_as_the_program_does() -> None:
    """`python docs/panda/screen.py > docs/panda/screen.txt` makes it."""
    lines = (ROOT / "docs" / "panda" / "screen.txt").read_text(encoding="utf-8").splitlines()
    reviewed = (FOLDER / "80x24-edited.txt").read_text(encoding="utf-8").splitlines()
    assert len(lines) == 24 and max(map(len, lines)) <= 80
    assert [lines[i] for i in (11, 23)] == [reviewed[i] for i in (11, 23)]
    assert [line[:16] for line in lines[12:17]] == [line[:16] for line in reviewed[12:17]]


def test_the_readme_shows_that_screen() -> None:
    screen = (ROOT / "docs" / "panda" / "screen.txt").read_text(encoding="utf-8")
    assert f"```\n{screen.rstrip()}\n```" in (ROOT / "README.md").read_text(encoding="utf-8")
