"""The program in this process, on studies so small that it can be run hundreds of times."""

from __future__ import annotations

import io
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from pathlib import Path
from typing import NamedTuple

import pytest

import caviar.runner.session.loop
import caviar.runner.store.sink
import caviar.runner.trial.run_trial
from caviar.runner.cli import main as cli
from tests.runner.helpers import settings_of

SMALL = (
    'dataset={ name = "wine", train = 96, validation = 40 }',
    "hidden=[6]",
    "batch_size=16",
    "norm_batch_size=[4, 16]",
    "replicas=2",
    "budget={ steps = 4 }",
    "draws.count=1",
    "evaluations=1",
    "curve_rows=2",
    "probe_batch_sizes=[4]",
)
"""Two trials of four steps."""


class Ended(NamedTuple):
    code: object
    said: str
    complained: str


@contextmanager
def at_every_step() -> Iterator[None]:
    """A checkpoint after every step, and all that is sent is written at once."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(caviar.runner.session.loop, "CHECKPOINT_SECONDS", 0.0)
        patch.setattr(caviar.runner.session.loop, "CHECKPOINTS_A_SECOND", 1e12)
        patch.setattr(caviar.runner.trial.run_trial, "CHECKPOINT_REST", 0.0)
        defaults = caviar.runner.store.sink.ParquetSink.__init__.__kwdefaults__
        assert defaults is not None
        patch.setitem(defaults, "max_seconds", 0.0)
        yield


def caviar_here(*words: str | Path) -> Ended:
    """`caviar` with these words, in this process; what is no `Exception` passes through."""
    said, complained = io.StringIO(), io.StringIO()
    code: object = 0
    handlers = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "argv", ["caviar", *map(str, words)])
        try:
            with redirect_stdout(said), redirect_stderr(complained):
                cli.main()
        except SystemExit as ended:
            code = ended.code
        finally:
            for number, handler in handlers.items():
                signal.signal(number, handler)
    return Ended(code or 0, said.getvalue(), complained.getvalue())


def run_here(root: Path, *study: str) -> Ended:
    return caviar_here(
        "run", *settings_of(study or SMALL), "--on", "inline", "--no-report", "--out", root
    )


def one_sentence(ended: Ended) -> str:
    """What the program complained of, which is one line and no traceback."""
    line, newline, rest = ended.complained.partition("\n")
    assert line.startswith("caviar: ") and newline and not rest, ended.complained
    return line
