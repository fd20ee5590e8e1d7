"""Sentences that end a command: one line, short, with the nearest allowed word."""

from __future__ import annotations

import errno
import os

import pytest

from caviar.runner.errors import (
    RequestError,
    StorageError,
    nearest,
    one_line,
    printable,
    shown,
    unwritten_report,
)

NEAREST = [
    ("norm_bach", ["norm", "norm_batch_size", "decay"], "did you mean 'norm_batch_size'?"),
    ("decya", ["decay", "dropout"], "did you mean 'decay'?"),
    ("x", ["beta", "alpha"], "allowed are alpha, beta"),
    ("zzz", [f"w{i:02}" for i in range(42)], "w38, w39 and 2 more"),
]


@pytest.mark.parametrize(("given", "allowed", "words"), NEAREST)
def test_the_nearest_allowed_word_or_all_of_them(
    given: str, allowed: list[str], words: str
) -> None:
    assert nearest(given, allowed).endswith(words)


@pytest.mark.parametrize("kind", [RequestError, StorageError])
def test_a_sentence_is_one_short_line_that_no_terminal_obeys(kind: type[Exception]) -> None:
    message = str(kind("a\tb\nc\x1b[31m" + "d" * 5000 + "end"))
    assert message.startswith("a b c\\x1b[31md") and message.endswith("dend")
    assert "\n" not in message and len(message) == 1003 and " … " in message


def test_printable_text_stays_as_it_is() -> None:
    for text in ("5 × 10⁻³ nats − “Ünïcode”", "two\nlines\tand a tab"):
        assert printable(text) == text
    assert one_line("two\nlines\tand a tab") == "two lines and a tab"


def test_what_a_user_gave_is_quoted_in_a_line() -> None:
    assert shown([0.5, "a"]) == "[0.5, 'a']"
    assert shown(10**50) == "an integer of more than 40 digits"
    assert len(shown(list(range(10_000)))) < 60 and len(shown("x" * 10_000)) < 250


def test_a_report_that_could_not_be_written_names_the_way_out() -> None:
    error = OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    message = str(unwritten_report("runs/a", error))
    assert message.startswith("cannot write the report of 'runs/a': No space left on device; ")
    assert "`caviar report runs/a`" in message
