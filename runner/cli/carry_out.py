"""Carrying out a plan as the command line says."""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from typing import TYPE_CHECKING, Protocol

from caviar.runner.cli.ending.exit_codes import INTERRUPTED
from caviar.runner.data.places import without_home
from caviar.runner.errors import AllDivergedError, RequestError, printable
from caviar.runner.session.pace import PACE, Pace
from caviar.runner.store.uri import masked
from caviar.runner.trial.kernels import Kernels, TrainingPath

if TYPE_CHECKING:
    from caviar.runner.executors.choice import Where
    from caviar.runner.executors.executor import RunTrial
    from caviar.runner.executors.worker_process import StartProcess
    from caviar.runner.session.loop import Progress
    from caviar.runner.session.takeover import Offer
    from caviar.runner.store.storage import Storage
    from caviar.runner.study.plan import Plan


class CarryOut(Protocol):
    """What `caviar run` does with a plan: `carried_out`, with its trial function and pace."""

    def __call__(
        self,
        plan: Plan,
        root: str,
        on: Where,
        workers: int | None,
        address: str | None,
        accept_other_processor: bool,
        verbose: bool,
        kernels: Kernels,
        extend: bool,
        take_from: str | None,
    ) -> Progress: ...


def in_a_job(root: str, on: Where) -> None:
    """Say what a Ray job must know, if this is one; raise RequestError for a relative `root`."""
    from caviar.runner.executors.ray_address import IN_A_JOB

    if IN_A_JOB not in os.environ:
        return
    if "://" not in root and not os.path.isabs(root):
        raise RequestError(
            f"{root!r} lies in the folder of this Ray job, which Ray throws away; give --out an "
            "absolute path or a URI"
        )
    if on != "ray":
        print(f"this Ray job runs on its head alone (--on {on}); --on ray uses the cluster")


def some_must_be_finite(root: str) -> None:
    """Raise AllDivergedError if every seed of a run diverged, as its report would."""
    from caviar.runner.store.open import storage_at
    from caviar.runner.store.part_files import read_rows
    from caviar.runner.trial.events import SETTLED

    storage = storage_at(root)
    seeds = dict(zip(*read_rows(storage, "trials", ["trial_id", "seeds"]).values(), strict=True))
    ended = read_rows(storage, "outcomes", ["trial_id", "status", "diverged_seeds"])
    lost = [
        set(seeds[trial]) == set(diverged or ())
        for trial, status, diverged in zip(*ended.values(), strict=True)
        if status in SETTLED
    ]
    if lost and all(lost):
        raise AllDivergedError(
            f"all {len(lost)} trials diverged, with every seed: their losses stopped being finite; "
            f"lower the learning rates, and see where with `caviar report {masked(root)}`"
        )


def _on_stderr(line: str) -> None:
    with suppress(OSError):
        print(printable(line), file=sys.stderr, flush=True)


def leave() -> None:
    os._exit(INTERRUPTED)  # Without a word: at any instant a file is complete or does not exist.


def _nowhere(line: str) -> None: ...


def _place(root: str, on: Where, workers: int | None, trials: int, address: str | None) -> Storage:
    """The storage of a run, once this machine has what a run needs and a cluster answers."""
    from caviar.runner.executors.environment_checks import must_suit
    from caviar.runner.executors.ray_address import must_answer
    from caviar.runner.store.open import storage_at

    must_suit(on, workers, trials, address)
    storage = storage_at(root)
    if on == "ray" and not storage.names(""):
        must_answer(address)
    return storage


def _path_and_offer(
    plan: Plan, storage: Storage, kernels: Kernels, take_from: str | None, any_kernel: bool
) -> tuple[TrainingPath, Offer | None]:
    """What trains the trials, and those that another run offers, if one is named."""
    from caviar.runner.session.takeover import offered
    from caviar.runner.session.training_path import path_of_run
    from caviar.runner.store.open import storage_at

    source = None if take_from is None else storage_at(take_from)
    path = path_of_run(kernels, plan, storage, source)
    return path, offered(source, plan, storage, path, any_kernel)


def carried_out(
    plan: Plan,
    root: str,
    on: Where,
    workers: int | None,
    address: str | None,
    accept_other_processor: bool = False,
    verbose: bool = False,
    kernels: Kernels = Kernels.auto,
    extend: bool = False,
    take_from: str | None = None,
    *,
    trial: RunTrial | None = None,
    pace: Pace = PACE,
    start_process: StartProcess | None = None,
) -> Progress:
    """Run the unfinished trials of a plan into a folder or URI, and print the outcome.

    `trial` is what a worker does, `start_process` how one starts; `verbose` tells events."""
    from caviar.runner.executors.choice import executor_on
    from caviar.runner.session.execute import Accepted, execute
    from caviar.runner.trial.run_trial import run_trial

    storage = _place(root, on, workers, plan.most, address)
    path, offer = _path_and_offer(plan, storage, kernels, take_from, accept_other_processor)
    progress = execute(
        plan,
        storage,
        lambda jobs: executor_on(
            on, plan.data, jobs, workers, address, trial or run_trial, start_process
        ),
        " ".join(["caviar", *(without_home(masked(word)) for word in sys.argv[1:])]),
        at_once=leave,
        accepted=Accepted(accept_other_processor, extend),
        path=path,
        offer=offer,
        pace=pace,
        tell=_on_stderr if verbose else _nowhere,
    )
    return _told(progress, root)


def _told(progress: Progress, root: str) -> Progress:
    """Print where the rows are, and what to do after an interrupt."""
    print(printable(f"rows: {masked(root)}"))
    if progress.interrupted:
        print("interrupted: all that was measured is on disk; the same command resumes")
    return progress
