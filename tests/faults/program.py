"""The program in this process, on studies so small that it can be run hundreds of times."""

from __future__ import annotations

import io
import signal
import sys
from collections.abc import Iterable
from contextlib import redirect_stderr, redirect_stdout
from functools import partial
from pathlib import Path
from typing import NamedTuple

import pytest

from caviar.runner.cli.carry_out import CarryOut, carried_out
from caviar.runner.cli.main import main
from caviar.runner.session.pace import Pace
from caviar.runner.store.part_files import write_part
from caviar.runner.store.sink import to_table
from caviar.runner.store.storage import Storage
from caviar.runner.trial.run_trial import run_trial
from tests.runner.helpers import block, settings_of

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

MANY = (*SMALL, "budget={ steps = 8 }", "evaluations=4", "curve_rows=8", "log_probabilities=true")
"""A study of two trials; `run_at_every_step` writes each of its blocks to a part of its own."""


class Ended(NamedTuple):
    code: object
    output: str
    complained: str


AT_EVERY_STEP = partial(
    carried_out,
    trial=partial(run_trial, checkpoint_rest=0.0),
    pace=Pace(checkpoint_seconds=0.0, checkpoints_per_second=1e12, rows_seconds=0.0),
)
"""A checkpoint after every step, and everything written at once."""


def caviar_here(*words: str | Path, carry_out: CarryOut = carried_out) -> Ended:
    """`caviar` with these words, in this process; anything but an `Exception` passes through."""
    output, complained = io.StringIO(), io.StringIO()
    code: object = 0
    handlers = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "argv", ["caviar", *map(str, words)])
        try:
            with redirect_stdout(output), redirect_stderr(complained):
                main(carry_out)
        except SystemExit as ended:
            code = ended.code
        finally:
            for number, handler in handlers.items():
                signal.signal(number, handler)
    return Ended(code or 0, output.getvalue(), complained.getvalue())


def run_here(root: Path, *study: str, carry_out: CarryOut = carried_out) -> Ended:
    words = ["run", *settings_of(study or SMALL), "--on", "inline", "--no-report"]
    return caviar_here(*words, "--out", root, carry_out=carry_out)


def run_at_every_step(root: Path, *study: str) -> Ended:
    return run_here(root, *study, carry_out=AT_EVERY_STEP)


def one_sentence(ended: Ended) -> str:
    """The program's error message, which must be one line and no traceback."""
    line, newline, rest = ended.complained.partition("\n")
    assert line.startswith("caviar: ") and newline and not rest, ended.complained
    return line


def in_parts(storage: Storage, trials: Iterable[str]) -> None:
    """Three rows of `curves` per trial, in a part file of its own."""
    for trial in trials:
        write_part(storage, "curves", to_table(block(trial_id=trial)))
