"""Braille where the locale is UTF-8, and nowhere else."""

from __future__ import annotations

import pytest

from caviar.runner.cli.panda.screen.signs import Signs, signs_of


@pytest.mark.parametrize(
    ("environment", "braille"),
    [
        ({"LANG": "en_GB.UTF-8"}, True),
        ({"LANG": "de_DE.utf8@euro"}, True),
        ({"LC_CTYPE": "UTF-8"}, True),
        ({"LC_ALL": "C", "LANG": "en_GB.UTF-8"}, False),
        ({"LANG": "de_DE.ISO-8859-1"}, False),
        ({"LANG": "C.UTF-8"}, True),
        ({"LC_CTYPE": "C.UTF-8", "LANG": "C"}, False),
        ({"LC_CTYPE": "C.UTF-8", "LANG": "en_GB.UTF-8"}, True),
        ({}, False),
    ],
)
def test_braille_needs_a_locale_of_utf_8(environment: dict[str, str], braille: bool) -> None:
    """LC_CTYPE is what Python itself sets in a POSIX locale: it says nothing about the terminal."""
    assert signs_of(environment) == Signs(braille)


def test_ascii_keeps_columns_where_it_can() -> None:
    text = "−0.1 [−0.2, 0] · step ▲ 3│批"
    shown = Signs(braille=False).shown(text)
    assert shown == "-0.1 [-0.2, 0] | step ^ 3|?" and len(shown) == len(text)
    assert Signs(braille=True).shown(text) == text
