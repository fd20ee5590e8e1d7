"""What the program asks of the terminal around it, and how it speaks to it."""

from __future__ import annotations

import errno
import io
import os
import shutil
import sys
from contextlib import suppress
from pathlib import Path
from typing import NoReturn, TextIO

from caviar.runner.errors import RequestError, one_line, printable
from caviar.runner.session.output import REPLACED, silence

UTF8 = "PYTHONUTF8"


def in_utf8() -> None:
    """Start anew in UTF-8 mode where names of files have another encoding: those in studies and
    tables are UTF-8, and to Python a name in Latin-1 is another file. The streams keep theirs."""
    if sys.getfilesystemencoding() == "utf-8" or os.environ.get(UTF8) == "1":
        return
    streams = {"PYTHONIOENCODING": sys.stdout.encoding} if sys.stdout else {}
    environment = {**streams, **os.environ, UTF8: "1"}
    os.execve(sys.executable, [sys.executable, *sys.orig_argv[1:]], environment)


def ready() -> None:
    """Read names of files as UTF-8, and make the standard streams such that nothing printed ends a
    run."""
    in_utf8()
    fill_closed_streams()
    replace_unknown_signs()


def replace_unknown_signs() -> None:
    """Replace signs that the encoding of a stream lacks: no line is worth a run."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper) and stream.errors == "strict":
            stream.reconfigure(errors=REPLACED)


def fill_closed_streams() -> None:
    """Send a stream that the shell closed (`caviar run >&-`) nowhere, so that no file of the run
    takes its number, which a library may write to."""
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        if getattr(sys, name) is not None:
            continue
        try:
            os.fstat(number)
        except OSError:
            os.set_inheritable(os.open(os.devnull, os.O_RDWR), True)  # It gets the lowest number.
        setattr(sys, name, open(os.devnull, "w" if number else "r", encoding="utf-8"))


def must_be_somewhere() -> None:
    """Raise RequestError where the working folder is gone."""
    try:
        os.getcwd()
    except OSError as error:
        raise RequestError(
            f"the working folder cannot be used ({error.strerror}: was it deleted?); cd to one "
            "that exists"
        ) from None


class Styled(str):
    """A text that was made printable before it was styled: its control characters are ours."""


def width() -> int:
    """Characters that a line of the terminal holds; 80 where there is none."""
    return shutil.get_terminal_size().columns


def has_colour() -> bool:
    """Whether standard output is a terminal that shows styles, and nobody asked for none."""
    wanted = not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
    return wanted and sys.stdout.isatty()


def say(text: str) -> None:
    """Print a text; names from a study, a file or a path may hold control characters.

    A reader that is gone (`caviar conventions | head -1`) misses nothing that it wants.
    """
    try:
        print(text if isinstance(text, Styled) else printable(text))
    except BrokenPipeError:
        silence(sys.stdout)


def first_line(study: Path | None, stream: TextIO) -> None:
    """Say what a run does first, before anything that takes a second is imported or read.

    A reader that is gone by now is noticed when the run has more to say.
    """
    with suppress(BrokenPipeError):
        print(
            printable(f"reading {study or 'the quickstart'} and its data"), file=stream, flush=True
        )


def flush() -> None:
    """Write what is still in the buffer; a reader that is gone is no fault."""
    try:
        sys.stdout.flush()
    except OSError:
        silence(sys.stdout)


def reader_left(ended: SystemExit) -> bool:
    """Whether a command ended only because nobody reads on (`caviar --help | head -1`): Typer makes
    exit code 1 of that."""
    return isinstance(ended.__context__, BrokenPipeError)


def system_error(error: OSError) -> str:
    """One sentence on an error of the operating system that no other place explained."""
    from caviar.runner.store.storage import CARRY_ON

    handles = error.errno in (errno.EMFILE, errno.ENFILE)
    mended = "the limit of open files is raised (`ulimit -n`)" if handles else "it is mended"
    return f"operating system error: {error}; {CARRY_ON} once {mended}"


def end(sentence: str, code: int) -> NoReturn:
    """Leave with one sentence on stderr and an exit code."""
    print(f"caviar: {one_line(sentence)}", file=sys.stderr)
    raise SystemExit(code)
