"""Names that a terminal, a page or a figure could take for something else."""

from __future__ import annotations

import html
import re
import sys
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path

import pytest
from matplotlib.figure import Figure

from caviar.analysis.findings.finding import Results
from caviar.analysis.number_format import literal
from caviar.analysis.report.figure_files import picture_and_files
from caviar.analysis.report.page.picture import Picture
from caviar.runner.errors import RequestError, one_line, printable, shown
from tests.runner.helpers import caviar, ended_well, plan_of

LABELS = ("<script>alert(1)</script>", "\x1b[31mred")
ARMS = ("<script>alert(3)</script>", "cost $x^{ of $", r"\u001b[2J\u0007\nsecond line")
STUDY = """
name = "s"
dataset = {{ path = "<b>d.csv", label = "cl\\nass" }}
replicas = 3
budget = {{ epochs = 1 }}
[fixed]
hidden = [6]
batch_size = 16
evaluations = 1
curve_rows = 2
probe_batch_sizes = [4, 16]
decays = []
conventions = ["unbiased"]
[scientific]
norm_batch_size = [4, 8, 16]
[arms]
"{0}" = {{}}
"{1}" = {{ norm = "leave-one-out" }}
"{2}" = {{ norm = "none" }}
"population" = {{ norm_batch_size = "train" }}
"""


def hostile(folder: Path) -> None:
    rows = "".join(f'{i % 7},{i * i % 11},"{LABELS[i % 2]}"\n' for i in range(200))
    (folder / "<b>d.csv").write_text(f'"<script>alert(2)</script>",b,"cl\nass"\n{rows}')
    (folder / "s.toml").write_text(STUDY.format(*ARMS))


WITH_NAMES = ("arm_effects", "mechanism_shares")
"""Figures that draw the names of arms."""


def figures_with_names(
    draw: Callable[[Results], Figure], results: Results, path: Path
) -> Picture | None:
    return picture_and_files(draw, results, path) if path.name in WITH_NAMES else None


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """A run with such names throughout, in its folder too, and all it printed."""
    folder = tmp_path_factory.mktemp("names")
    hostile(folder)
    words = ("run", "s.toml", "--on", "inline", "--out", "ré\x1b[7m")
    output = ended_well(*words, cwd=folder, drawing=figures_with_names)
    output += ended_well("run", "s.toml", "--dry-run", cwd=folder)
    return folder / "ré\x1b[7m", output


class Elements(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.scripts: list[str] = []
        self.inside = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert not [name for name, _ in attrs if name.startswith("on")], attrs
        self.inside = tag == "script"
        if self.inside:
            self.scripts.append("")

    def handle_endtag(self, tag: str) -> None:
        self.inside = self.inside and tag != "script"

    def handle_data(self, data: str) -> None:
        if self.inside:
            self.scripts[-1] += data


def test_the_page_shows_names_and_runs_none(ran: tuple[Path, str]) -> None:
    page = (ran[0] / "report" / "index.html").read_text(encoding="utf-8")
    elements = Elements()
    elements.feed(page)
    assert "alert" not in "".join(elements.scripts)
    assert html.escape(ARMS[0]) in page and "<b>d.csv" not in page
    assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]", page)
    assert r"\x1b[2J\x07" in page and "ré" in page


def test_figures_draw_names_as_they_are(ran: tuple[Path, str]) -> None:
    """Two dollar signs are mathematics to matplotlib, which ended in an exception."""
    drawn = {path.stem for path in (ran[0] / "report" / "figures").glob("*.svg")}
    assert drawn == set(WITH_NAMES)
    assert literal("cost $x^{ of $\x1b\nline") == r"cost \$x^{ of \$\x1b line"


def test_nothing_that_a_terminal_obeys_is_printed(ran: tuple[Path, str]) -> None:
    assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]", ran[1])
    assert r"\x1b[2J\x07" in ran[1] and ARMS[0] in ran[1] and r"ré\x1b[7m" in ran[1]


def test_a_column_that_is_named_like_a_command_is_refused_in_plain_words(tmp_path: Path) -> None:
    (tmp_path / "d.csv").write_text('"\x1b[2J\rx\n\u202e",b,y\n' + "p,1,0\nq,2,1\n" * 20)
    words = ("--set", 'dataset={path="d.csv", label="y"}', "--dry-run")
    done = caviar("run", *words, cwd=tmp_path)
    (line,) = done.stderr.splitlines()
    assert (done.returncode, done.stdout) == (2, "")
    assert line.startswith(r"caviar: d.csv: not numeric: \x1b[2J x \u202e; encode such")


NO_FOLDERS = [
    "../x",
    "a/b",
    "..",
    ".",
    "a\0b",
    "a\nb",
    "nämé",
    "-x",
    "x" * 101,
    "",
    "a b",
    "x\u202e",
]


@pytest.mark.parametrize("name", NO_FOLDERS)
def test_a_name_that_is_no_folder_of_its_own_is_refused(name: str, tmp_path: Path) -> None:
    (tmp_path / "s.toml").write_text(f'name = {ascii_toml(name)}\ndataset = "wine"\n')
    with pytest.raises(RequestError, match="name: must "):
        plan_of(study=tmp_path / "s.toml")


def ascii_toml(text: str) -> str:
    return '"' + "".join(f"\\U{ord(c):08x}" for c in text) + '"'


def test_names_of_letters_and_dots_are_fine(tmp_path: Path) -> None:
    for name in ("a..b", "v1.2-x_3", "x" * 100):
        assert plan_of(f"name='{name}'", "dataset=wine", "batch_size=16", "norm_batch_size=4")


@pytest.mark.parametrize("out", ["file/below", "link", "pipe", "n" * 300])
def test_an_odd_place_is_refused_and_left_as_it_was(out: str, tmp_path: Path) -> None:
    import os

    (tmp_path / "file").write_text("mine")
    (tmp_path / "link").symlink_to("nowhere")
    os.mkfifo(tmp_path / "pipe")
    before = sorted(tmp_path.rglob("*"))
    small = ("--set", "dataset=wine", "--set", "batch_size=16", "--set", "norm_batch_size=4")
    done = caviar("run", *small, "--on", "inline", "--out", out, cwd=tmp_path)
    (line,) = done.stderr.splitlines()
    assert line.startswith("caviar: cannot ") and done.returncode in (1, 2)
    assert sorted(tmp_path.rglob("*")) == before and (tmp_path / "file").read_text() == "mine"


def test_a_place_whose_name_is_no_text_is_refused(tmp_path: Path) -> None:
    done = caviar("status", "r\udcff", cwd=tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "caviar: 'r\\udcff' is not UTF-8; use another name\n"


def test_what_is_shown_is_short_and_plain() -> None:
    assert printable("a\x1b[31m\tb\nc\u202e\udcff−·…") == "a\\x1b[31m\tb\nc\\u202e\\udcff−·…"
    assert one_line("a\r\nb\u2028c") == "a b c"
    assert len(one_line("x" * 10**6)) < 1100
    huge = 10 ** (sys.get_int_max_str_digits() + 5)
    for value in (huge, [huge] * 1000, "x" * 10**6, {"a": [[[[[[1]]]]]]}, -huge, b"\0" * 10**6):
        assert len(shown(value)) < 900
