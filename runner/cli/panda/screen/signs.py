"""What a terminal can show: braille and mathematical signs, or ASCII alone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

COERCED = "C.UTF-8"
"""What Python writes into LC_CTYPE where the locale is POSIX (PEP 538)."""

POSIX = {"", "C", "POSIX"}

IN_ASCII = str.maketrans(
    {
        "\N{MINUS SIGN}": "-",
        "·": "|",
        "×": "x",
        "±": "+",
        "∞": "inf",
        "→": ">",
        "–": "-",
        "…": "~",
        "▸": ">",
        "└": "+",
        "│": "|",
        "─": "-",
        "┤": "|",
        "▲": "^",
    }
)
"""Every sign of the screen that ASCII lacks, of the same width where there is one; what else a
name holds becomes `?`."""


@dataclass(frozen=True)
class Signs:
    """The signs of curves; `braille` has eight dots in one sign, ASCII a single one."""

    braille: bool

    @property
    def dots(self) -> tuple[int, int]:
        """Dots of one sign: across, down."""
        return (2, 4) if self.braille else (1, 1)

    def shown(self, text: str) -> str:
        """The text in signs that this terminal has."""
        if self.braille:
            return text
        return text.translate(IN_ASCII).encode("ascii", "replace").decode()


def signs_of(environment: Mapping[str, str]) -> Signs:
    """What the locale of a terminal can show: braille needs UTF-8.

    Python itself is in UTF-8 mode in a POSIX locale too, so its streams do not tell.
    """
    named = [environment.get(name, "") for name in ("LC_ALL", "LC_CTYPE", "LANG")]
    everywhere, characters, language = named
    if characters == COERCED and language in POSIX:
        characters = ""
    locale = everywhere or characters or language
    encoding = locale.rpartition(".")[2].lower().replace("-", "")
    return Signs(encoding.partition("@")[0] == "utf8")
