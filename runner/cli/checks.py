"""Commands that ask what is: whether a run is whole, which rules there are."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from caviar.runner.cli.ending.exit_codes import FAILED
from caviar.runner.cli.options import AsJson, DataPlace, RunPlace
from caviar.runner.cli.terminal import say
from caviar.runner.errors import RequestError
from caviar.runner.store.uri import masked

if TYPE_CHECKING:
    from caviar.runner.store.storage import Storage
    from caviar.runner.verify.findings import Findings


def storage_of(where: str) -> Storage:
    """The storage of a run, at a folder or URI."""
    from caviar.runner.store.open import storage_at

    return storage_at(where)


def verify(run: RunPlace, data: DataPlace = None, as_json: AsJson = False) -> None:
    """Check that a run is complete, undamaged and reproducible; exit code 1 if there is a fault."""
    from caviar.runner.verify.recompute import check_bits
    from caviar.runner.verify.run import verify_run

    storage = storage_of(run)
    findings = verify_run(storage)
    if not findings.faults:
        check_bits(storage, findings, data)
    say(_data(run, findings) if as_json else "\n".join(findings.lines))
    if findings.faults:
        raise SystemExit(FAILED)


def _data(run: str, findings: Findings) -> str:
    import json

    kinds = {"ok": "ok", "FAULT": "fault", "--": "not checked"}
    checks = [line.split(maxsplit=1) for line in findings.lines]
    told = [{"result": kinds[kind], "text": text} for kind, text in checks]
    return json.dumps({"run": masked(run), "faults": findings.faults, "checks": told}, indent=1)


def replay(
    run: RunPlace,
    trial: Annotated[
        str | None,
        typer.Argument(metavar="[TRIAL]", help="Its trial_id; of a panda's run, default: all."),
    ] = None,
    data: DataPlace = None,
) -> None:
    """Compute a trial again and say whether every bit is the same; exit code 1 if not.

    For a panda's run, every edited training is computed again from its start, too.
    """
    from caviar.runner.panda.replay import replayed

    same = True
    for holds, sentence in replayed(storage_of(run), trial, data):
        say(sentence)
        same = same and holds
    if not same:
        raise SystemExit(FAILED)


def compact(run: RunPlace, as_json: AsJson = False) -> None:
    """Merge the part files of a run, which makes it faster to read; its rows stay the same."""
    import json
    import time

    from caviar.runner.session.run_folder import read_study_json
    from caviar.runner.store.compact import compact as merge

    storage = storage_of(run)
    read_study_json(storage)
    if storage.is_held(time.time()):
        raise RequestError(
            f"another caviar is writing to {storage.where!r}, and merges its part files when the "
            "run ends; compact it after that"
        )
    began = time.monotonic()
    with storage.hold():
        before, after = merge(storage)
    seconds = round(time.monotonic() - began, 1)
    if as_json:
        told = {"run": storage.where, "parts_before": before, "parts_after": after}
        say(json.dumps({**told, "seconds": seconds}))
    elif after < before:
        say(f"{storage.where}: {before:,} part files are {after:,} now, in {seconds} s")
    else:
        say(f"{storage.where}: nothing to merge in {before:,} part files ({seconds} s)")


def conventions(as_json: AsJson = False) -> None:
    """Print how each framework keeps its running statistics."""
    import json

    from caviar.runner.cli.conventions import data, text

    say(json.dumps(data(), indent=1) if as_json else text())


def doctor(as_json: AsJson = False) -> None:
    """Print what a bug report needs: versions, BLAS, threads, cores, compiled kernels."""
    import json

    from caviar.runner.session.run_folder import session
    from caviar.runner.trial.arithmetic import blas_here
    from caviar.runner.trial.blas import not_pinned
    from caviar.runner.trial.kernels import in_words

    facts = session("caviar doctor") | {"training": in_words()}
    if unpinned := not_pinned(blas_here()):
        facts["not pinned"] = unpinned
    if as_json:
        say(json.dumps(facts, indent=1))
    else:
        say("\n".join(f"{key}: {value}" for key, value in facts.items()))
