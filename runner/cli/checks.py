"""Commands that ask what is: how far a run is, whether it is whole, which rules there are."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from caviar.runner.cli.options import RunPlace
from caviar.runner.cli.terminal import say

if TYPE_CHECKING:
    from caviar.runner.store.storage import Storage

FAILED = 1


def storage_of(where: str) -> Storage:
    """The storage of a run, at a folder or URI."""
    from caviar.runner.store.open import storage_at

    return storage_at(where)


def status(run: RunPlace) -> None:
    """Say what is finished in a run."""
    from caviar.runner.verify.run import status_line

    say(status_line(storage_of(run)))


def verify(run: RunPlace) -> None:
    """Check that a run is complete, undamaged and reproducible; exit code 1 if there is a fault."""
    from caviar.runner.verify.recompute import check_bits
    from caviar.runner.verify.run import verify_run

    storage = storage_of(run)
    findings = verify_run(storage)
    if not findings.faults:
        check_bits(storage, findings)
    say("\n".join(findings.lines))
    if findings.faults:
        raise SystemExit(FAILED)


def replay(run: RunPlace, trial: Annotated[str, typer.Argument(metavar="TRIAL")]) -> None:
    """Compute a trial again and say whether every bit is the same; exit code 1 if not."""
    from caviar.runner.verify.replay import replay_trial

    same, sentence = replay_trial(storage_of(run), trial)
    say(sentence)
    if not same:
        raise SystemExit(FAILED)


def conventions(
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Print the rules for running statistics."""
    import json

    from caviar.runner.cli.conventions import data, text

    say(json.dumps(data(), indent=1) if as_json else text())


def doctor() -> None:
    """Print what a bug report needs: versions, BLAS, threads, cores."""
    from caviar.runner.session.run_folder import session

    for key, value in session("caviar doctor").items():
        print(f"{key}: {value}")
