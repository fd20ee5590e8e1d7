"""What may be asked of a training while it runs: one grammar for screen, command and Python."""

from __future__ import annotations

import math
import re
import shlex
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple, get_args

from caviar.runner.errors import RequestError, nearest, shown

Verb = Literal[
    "set",
    "reset",
    "recompute",
    "pause",
    "step",
    "go",
    "pace",
    "snapshot",
    "rewind",
    "fork",
    "select",
    "undo",
    "finish",
    "stop",
]
EDITS: frozenset[Verb] = frozenset({"set", "reset", "recompute"})
"""Requests that change the training, and so start a lineage."""
LATER: frozenset[Verb] = EDITS | {"pause", "snapshot", "stop"}
"""Requests that can wait for a step (`--at`)."""

FORMS: Mapping[Verb, str] = {
    "set": "set FIELD=VALUE [FIELD=VALUE ...], or set learning_rate*=0.5",
    "reset": "reset LAYER",
    "recompute": "recompute",
    "pause": "pause",
    "step": "step [N]",
    "go": "go",
    "pace": "pace STEPS_PER_SECOND, or pace off",
    "snapshot": "snapshot NAME",
    "rewind": "rewind NAME, or the step of a snapshot",
    "fork": "fork",
    "select": "select LINEAGE",
    "undo": "undo",
    "finish": "finish",
    "stop": "stop",
}
"""How each request is written."""

NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_-]{0,59}")
"""Names of snapshots, which are names of files too."""
SECOND = "panda"
"""What a second panda asks of the first one, so that whoever steers that one knows."""
MOST_WORDS = 4000
"""The longest request, in characters."""


class Setting(NamedTuple):
    """A field and its new value; `factor`: the old value is multiplied by it."""

    field: str
    value: str
    factor: bool


@dataclass(frozen=True)
class Request:
    """A request, read. `settings` are those of `set`, `argument` is that of any other.

    `at_step` is the step at whose end it takes effect, None for the present one.
    """

    verb: Verb
    settings: tuple[Setting, ...] = ()
    argument: str | int | float | None = None
    at_step: int | None = None
    note: str = ""

    def __str__(self) -> str:
        given = [f"{s.field}{'*' if s.factor else ''}={s.value}" for s in self.settings]
        if self.argument is not None:
            given.append(str(self.argument))
        return " ".join(
            [self.verb, *given, *([] if self.at_step is None else [f"--at {self.at_step}"])]
        )


class Answer(NamedTuple):
    """What came of a request: whether it was accepted, and one sentence that says what it did or
    why it was refused; the step at whose end it takes effect, and the lineage that is current
    then.

    >>> answer = caviar.Answer(False, "momentum is 0.9 already; give another value", 40, 0)
    >>> answer.accepted, answer.step
    (False, 40)
    """

    accepted: bool
    says: str
    step: int
    lineage: int


def read_request(text: str) -> Request:
    """A request from its text, `set learning_rate*=0.5 --at 400 --note 'too fast'`; raises
    RequestError with the nearest right word."""
    if len(text) > MOST_WORDS:
        raise RequestError(f"a request has at most {MOST_WORDS} characters; this has {len(text)}")
    try:
        words = shlex.split(text)
    except ValueError as error:
        raise RequestError(f"{shown(text)} cannot be read: {error}; close the quotes") from None
    return request_of(words)


def request_of(words: Sequence[str]) -> Request:
    """A request from its words, as a shell gives them; raises RequestError."""
    plain, at_step, note = _options(words)
    verbs: dict[str, Verb] = {verb: verb for verb in get_args(Verb)}
    if not plain:
        raise RequestError(f"nothing is asked; ask one of {', '.join(verbs)}")
    if plain[0] == SECOND:
        raise RequestError("another panda wanted this run, which has one; it was turned away")
    verb = verbs.get(plain[0])
    if verb is None:
        raise RequestError(f"unknown request {shown(plain[0])}; {nearest(plain[0], verbs)}")
    if at_step is not None and verb not in LATER:
        raise RequestError(
            f"{verb} takes effect at once; leave --at out (it goes with {', '.join(sorted(LATER))})"
        )
    if verb == "set":
        return Request(verb, _settings(plain[1:]), at_step=at_step, note=note)
    argument = ARGUMENTS.get(verb, _none)(verb, plain[1:])
    return Request(verb, argument=argument, at_step=at_step, note=note)


def _options(words: Sequence[str]) -> tuple[list[str], int | None, str]:
    """The words without `--at STEP` and `--note TEXT`, and these two."""
    plain: list[str] = []
    at_step, note, rest = None, "", list(words)
    while rest:
        word = rest.pop(0)
        option, equals, value = word.partition("=")
        if option not in ("--at", "--note"):
            if word.startswith("--"):
                raise RequestError(f"unknown option {shown(word)}; allowed are --at and --note")
            plain.append(word)
            continue
        if not equals and not rest:
            raise RequestError(f"{option} lacks its {'step' if option == '--at' else 'text'}")
        value = value if equals else rest.pop(0)
        if option == "--at":
            at_step = _whole("--at", value)
        else:
            note = value
    return plain, at_step, note


def _settings(words: Sequence[str]) -> tuple[Setting, ...]:
    """What `set` sets: `a=1`, `a = 1` and `a*=2` alike."""
    joined = re.sub(r"\s*(\*?=)\s*", r"\1", " ".join(words)).split()
    if not joined:
        raise RequestError(f"set what? Write {FORMS['set']}")
    settings = [_setting(word) for word in joined]
    fields = [setting.field for setting in settings]
    for field in fields:
        if fields.count(field) > 1:
            raise RequestError(f"{field} is set twice in one request; set it once")
    return tuple(settings)


def _setting(word: str) -> Setting:
    field, equals, value = word.partition("=")
    factor = field.endswith("*")
    field = field.removesuffix("*")
    if not (equals and field and value):
        raise RequestError(f"{shown(word)} sets nothing; write {FORMS['set']}")
    if factor and not _positive(value):
        raise RequestError(f"{field}*={value}: the factor must be a number above 0")
    return Setting(field, value, factor)


def _positive(text: str) -> bool:
    try:
        value = float(text)
    except ValueError:
        return False
    return math.isfinite(value) and value > 0


def _whole(what: str, text: str) -> int:
    digits = text.replace("_", "").replace(",", "")
    if not digits.isdecimal() or len(digits) > 15 or int(digits) < 1:
        raise RequestError(f"{what} takes a whole number of 1 or more; got {shown(text)}")
    return int(digits)


def _none(verb: Verb, words: Sequence[str]) -> None:
    if words:
        raise RequestError(f"{verb} takes nothing more; got {shown(' '.join(words))}")


def _one(verb: Verb, words: Sequence[str]) -> str:
    if len(words) != 1:
        raise RequestError(f"{verb} takes one word; write {FORMS[verb]}")
    return words[0]


def _steps(verb: Verb, words: Sequence[str]) -> int:
    return _whole(verb, _one(verb, words)) if words else 1


def _pace(verb: Verb, words: Sequence[str]) -> float | str:
    word = _one(verb, words)
    if word == "off":
        return word
    if not _positive(word):
        raise RequestError(
            f"pace takes steps per second, a number above 0, or off; got {shown(word)}"
        )
    return float(word)


def _name(verb: Verb, words: Sequence[str]) -> str:
    word = _one(verb, words)
    if not NAME.fullmatch(word):
        raise RequestError(
            f"{shown(word)} cannot be the name of a snapshot; take letters, digits, - and _, the "
            "first no digit, at most 60"
        )
    return word


def _lineage(verb: Verb, words: Sequence[str]) -> int:
    word = _one(verb, words)
    return 0 if word in ("0", "twin") else _whole(verb, word)


ARGUMENTS: Mapping[Verb, Callable[[Verb, Sequence[str]], str | int | float | None]] = {
    "reset": _one,
    "step": _steps,
    "pace": _pace,
    "snapshot": _name,
    "rewind": _one,
    "select": _lineage,
}
"""How the words after a verb are read; after any other verb there are none."""
