"""What lies where a run would be written, and whether it would be refused there."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import NamedTuple

from caviar.runner.errors import RequestError, StorageError
from caviar.runner.session.growth import grown
from caviar.runner.session.run_folder import (
    SAME_KERNEL_OR_ACCEPT,
    STUDY,
    held,
    other_kernel_before,
    read_study_json,
    remaining,
)
from caviar.runner.session.takeover import seed_blocks
from caviar.runner.session.training_path import path_before
from caviar.runner.store.storage import Storage
from caviar.runner.store.uri import masked
from caviar.runner.study.of_model import must_be_a_study
from caviar.runner.study.plan import Plan
from caviar.runner.verify.state import state_of


class Outlook(NamedTuple):
    """The place of a run: trials that are `done` there, unfinished ones with a checkpoint, how
    many are `left`, why a run would be `refused` (empty if it would not), free bytes if they are
    known, and what the plan `adds` to a smaller study there."""

    where: str
    done: int
    checkpoints: int
    left: int
    refused: str
    free: int | None
    adds: tuple[str, ...] = ()


def as_held(
    storage: Storage, plan: Plan, source: Storage | None = None
) -> tuple[Plan, frozenset[str] | None]:
    """The plan as the run in this place has it, or will have it with trials of `source`, and the
    identities of the trials that are left; None for these where none is done, and the plan itself
    where no run can be read. One too large to look through counts as if none were done."""
    try:
        blocked = plan.in_blocks(seed_blocks(storage, plan, source))
        if STUDY in storage.names(""):
            must_be_a_study(read_study_json(storage), storage.where, "use another --out")
            if plan.small:
                left = frozenset(job.trial_id for job in remaining(storage, blocked))
                return blocked, left if len(left) < blocked.most else None
        return blocked, None
    except (RequestError, StorageError):
        pass  # The outlook says it.
    return plan, None


def outlook(
    storage: Storage, plan: Plan, accept_other_processor: bool, now: float, extend: bool = False
) -> Outlook:
    """Look at a place without writing to it, `now` in seconds since 1970."""
    where, done, checkpoints, refused = masked(storage.where), 0, 0, ""
    adds: tuple[str, ...] = ()
    try:
        content = held(storage, plan, extend=extend)
        if content is not None:
            adds = tuple(grown(content["study"], plan.identity())[1])
            state = state_of(storage, now)
            done, checkpoints = state.done, state.checkpoints
            if state.state == "running":
                refused = f"another caviar is writing to {where!r} now; wait for it"
            changed = other_kernel_before(content, path_before(content))
            if changed and done < plan.most and not accept_other_processor:
                refused = refused or f"{changed}; {SAME_KERNEL_OR_ACCEPT}"
    except (RequestError, StorageError) as error:
        refused = str(error)
    free, closed = _of_folder(storage.where)
    return Outlook(
        where, done, checkpoints, max(0, plan.most - done), closed or refused, free, adds
    )


def _of_folder(where: str) -> tuple[int | None, str]:
    """Free bytes of the disk that a folder is on or will be on, and why it cannot be written."""
    if "://" in where:
        return None, ""
    folder = Path(where).absolute()
    while not folder.exists() and folder != folder.parent:
        folder = folder.parent
    if not folder.is_dir():
        return None, f"cannot write to {where!r}: {str(folder)!r} is not a folder"
    refused = "" if os.access(folder, os.W_OK | os.X_OK) else f"{str(folder)!r} may not be written"
    return shutil.disk_usage(folder).free, refused


def in_words(outlook: Outlook) -> str:
    """One sentence."""
    free = "" if outlook.free is None else f"; {amount(outlook.free)} are free on its disk"
    if outlook.refused:
        return f"the run would be refused: {outlook.refused}"
    if not outlook.done and not outlook.checkpoints:
        return f"{outlook.where} holds no finished trial yet{free}"
    trials = "trial" if outlook.done == 1 else "trials"
    have = "has" if outlook.checkpoints == 1 else "have"
    kept = f", and {outlook.checkpoints} {have} a checkpoint" if outlook.checkpoints else ""
    joining = f"; {' and '.join(outlook.adds)} would join them" if outlook.adds else ""
    return (
        f"{outlook.where} holds {outlook.done:,} finished {trials} of this study{kept}{joining}; "
        f"{outlook.left:,} would run{free}"
    )


def amount(count: float) -> str:
    """`812 bytes`, `3.4 MB`."""
    for size, unit in ((1e12, "TB"), (1e9, "GB"), (1e6, "MB"), (1e3, "kB")):
        if count >= 0.9995 * size:
            return f"{count / size:.3g} {unit}"
    return f"{count:.0f} bytes"
