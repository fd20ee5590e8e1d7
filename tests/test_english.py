"""The words of code and pages: phrases that a reader has to read twice, and names that say nothing.

Each rule is one test that lists every offender as `file:line: text`.
"""

from __future__ import annotations

import ast
import re
import subprocess
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
HERE = Path(__file__).resolve()
SUFFIXES = {".py", ".md", ".j2", ".toml", ".yaml"}
HISTORY = {"CHANGELOG.md", "docs/decisions.md"}
"""Pages that quote what was said at the time."""

THINGS = (
    "actor arm attempt axis batch bin block byte cell class colour column combination core count "
    "curve decay draw driver epoch example facet feature figure file fit flag fold folder ghost "
    "group host job key kind label layer level line machine map mark message metric model name "
    "network norm number one page pair panel part pass path point process quantity reader "
    "replica request round row rule run sample second section seed sentence setting size slope "
    "step study table task test text time tracker trial unit update value worker"
).split()
OF_THINGS = "|".join(THINGS)

PHRASES = {
    "say per": rf"\b(?:a|an|one|two|three|half|\d+) (?:{OF_THINGS})s? an? (?:{OF_THINGS})\b",
    "say significantly, or print the interval": r"\bsurely\b",
    "say is not a regular file": r"\bno plain file\b",
    "say resumable, or resume": r"\bgone on from\b",
    "say operating system error": r"\bthe system refused\b",
    "say appears in both": r"\bstands in both\b",
    "say the address of a running Ray cluster": r"\bRay cluster that exists\b",
    "say first N": r"\bthe first so many\b",
    "say what is finished": r"\bwhat of (?:it|a run) is done\b",
    "say where two runs first differ": r"\bwhat parts, where first\b",
    "say scales as": r"\bgoes as \(1/m\b|\bas \(1/m . 1/N\) to the power\b",
    "say tried": r"\bchoices \(a seed at a size\)",
    "say agree on": r"\bas many as study\.json says\b",
    "say no duplicate rows": r"\bno row twice\b",
    "say print JSON": r"\"As data\b",
}

NAMES = {"found", "at", "own", "there", "seen", "said"}


@cache
def texts() -> list[tuple[str, str]]:
    """Every page and source file that git tracks, but history and this list itself: name, text."""
    listed = subprocess.run(
        ["git", "ls-files", "-co", "--exclude-standard"],
        capture_output=True,
        text=True,
        check=True,
        cwd=ROOT,
    ).stdout.splitlines()
    return [
        (name, path.read_text(encoding="utf-8"))
        for name in listed
        if (path := ROOT / name).suffix in SUFFIXES
        and path.is_file()
        and path != HERE
        and name not in HISTORY
    ]


@pytest.mark.parametrize("advice", PHRASES)
def test_no_phrase_has_to_be_read_twice(advice: str) -> None:
    phrase = re.compile(PHRASES[advice].replace(" ", r"\s+(?:#\s+)?"), re.IGNORECASE)
    assert not [
        f"{name}:{text.count(chr(10), 0, match.start()) + 1}: {' '.join(match[0].split())}"
        for name, text in texts()
        for match in phrase.finditer(text)
    ]


def _bound(tree: ast.AST) -> Iterator[tuple[str, int]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            yield node.id, node.lineno
        elif isinstance(node, ast.arg):
            yield node.arg, node.lineno


def test_variables_are_named_for_what_they_hold() -> None:
    assert not [
        f"{name}:{line}: {bound}"
        for name, text in texts()
        if name.endswith(".py")
        for bound, line in _bound(ast.parse(text))
        if bound in NAMES
    ]


VERDICTS_ON_PAPERS = re.compile(
    r"\b(?:confirm(?:s|ed|ation)?|refut(?:es?|ed|ation)|inconclusive|disprove[sdn]?|debunk(?:s|ed)?)\b",
    re.IGNORECASE,
)
"""Words for what a run of small networks cannot do to a paper."""
SCORECARD = (
    "analysis/scorecard/",
    "analysis/findings/scorecard.py",
    "docs/scorecard.md",
    "README.md",
    "studies/scorecard",
    "studies/orderings/",
    "studies/registered/",
    "tests/analysis/scorecard/",
    "tests/studies/",
)


def test_no_paper_gets_a_verdict() -> None:
    """An ordering appears in small networks or does not; that says nothing about a paper."""
    assert not [
        f"{name}: {match[0]}"
        for name, text in texts()
        if name.startswith(SCORECARD)
        for match in VERDICTS_ON_PAPERS.finditer(text)
    ]
