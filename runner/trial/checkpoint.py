"""Checkpoints as bytes: an npz without pickles, and one JSON member about it."""

from __future__ import annotations

import io
import zipfile
from collections import Counter
from dataclasses import replace
from typing import Annotated, Literal, NamedTuple

import numpy as np
from pydantic import Field, ValidationError

from caviar.model.contract import Array
from caviar.model.steps.random_streams import StreamState
from caviar.model.steps.snapshot import Snapshot, Streams, beginning
from caviar.runner.config import TrialConfig
from caviar.runner.data.splits import Data
from caviar.runner.fields.frozen import Frozen, listed
from caviar.runner.trial import npy
from caviar.runner.trial.changing.phases import training_after
from caviar.runner.trial.checkpoint_arrays import Updates, arrays_of, with_arrays

ABOUT = "about.json"
"""The member that is not an array."""
Counted = Annotated[int, Field(ge=0, lt=2**63)]
Seconds = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Hex = Annotated[str, Field(pattern=r"^[0-9a-f]{1,32}$")]


class CheckpointError(ValueError):
    """A checkpoint cannot be used; says why in one sentence."""


class Tally(Frozen):
    """What the outcome of a trial will report, up to this step, earlier attempts included.

    `diverged` has one flag per seed; `steps` is the step of the last row.
    """

    rows: Counted
    steps: Counted
    seconds: Seconds
    probe_seconds: Seconds
    invariants: Literal["passed", "none"]
    diverged: listed(bool)  # type: ignore[valid-type]


class _Stream(Frozen):
    """The state of a random generator; JSON has no 128-bit integers, so they are hexadecimal."""

    state: Hex
    increment: Hex
    spare: Annotated[int, Field(ge=0, lt=2**32)] | None


class _About(Frozen):
    """Everything that is not an array; `updates` and `shadow_updates` are the bank's and its
    shadow's."""

    format: Literal[1]
    numpy: Annotated[str, Field(max_length=40)]
    trial_id: str
    attempt: Annotated[int, Field(ge=0, lt=2**31)]
    step: Annotated[int, Field(ge=1, lt=2**63)]
    tally: Tally
    updates: Counted
    shadow_updates: Counted
    streams: dict[str, listed(_Stream)]  # type: ignore[valid-type]
    begun: dict[str, Counted] = Field({})


class Header(NamedTuple):
    """Which attempt at which trial a checkpoint belongs to, and its step and rows so far."""

    trial_id: str
    attempt: int
    step: int
    rows: int


class Resumed(NamedTuple):
    """Where training resumes, and the tally of what came before."""

    snapshot: Snapshot
    tally: Tally


def pack(snapshot: Snapshot, tally: Tally, trial_id: str, attempt: int) -> bytes:
    """The checkpoint as bytes; not compressed, since the digits of weights do not repeat."""
    about = _About(
        format=1,
        numpy=np.__version__,
        trial_id=trial_id,
        attempt=attempt,
        step=snapshot.step,
        tally=tally,
        updates=snapshot.state.bank.updates,
        begun=snapshot.state.bank.begun,
        shadow_updates=snapshot.state.shadow.updates,
        streams={
            purpose: tuple(
                _Stream(state=f"{s.state:x}", increment=f"{s.increment:x}", spare=s.spare)
                for s in states
            )
            for purpose, states in snapshot.streams.items()
        },
    )
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr(zipfile.ZipInfo(ABOUT), about.model_dump_json(exclude_defaults=True))
        for name, array in arrays_of(snapshot).items():
            with archive.open(zipfile.ZipInfo(name), "w", force_zip64=True) as member:
                member.write(npy.header(array))
                member.write(array.tobytes())
    return file.getvalue()


def header(content: bytes) -> Header:
    """The header of a checkpoint whose arrays are all complete and of this numpy version; raises
    CheckpointError."""
    archive = _opened(content)
    about = _read_about(archive)
    if about.numpy != np.__version__:
        raise CheckpointError(
            f"the checkpoint was made with numpy {about.numpy!r}, and this is {np.__version__}: "
            "their bits may differ"
        )
    for name in archive.namelist():
        if name != ABOUT and not npy.is_numbers(_read(archive, name)):
            raise CheckpointError(f"the checkpoint's {name!r:.80} is not an array of numbers")
    return Header(about.trial_id, about.attempt, about.step, about.tally.rows)


def unpack(content: bytes, config: TrialConfig, data: Data) -> Resumed:
    """A checkpoint of this very trial, checked against the state that training begins with.

    Nothing in it is executed, and no array is read whose size is not the trial's. Raises
    CheckpointError.
    """
    archive = _opened(content)
    about = _read_about(archive)
    training = training_after(config, data, about.step - 1)
    fresh = beginning(training, data.features.shape[1], np.dtype(config.dtype))
    _check(about, config, fresh)
    since = max((step for step in training.curve_steps if step <= about.step), default=0)
    waiting = np.empty((about.step - since, len(config.seeds)))
    arrays = _read_arrays(archive, arrays_of(replace(fresh, losses=waiting)), about.step)
    return Resumed(_snapshot(about, arrays, fresh), about.tally)


def _opened(content: bytes) -> zipfile.ZipFile:
    """The archive, if its directory is consistent with the bytes that there are."""
    try:
        archive = zipfile.ZipFile(io.BytesIO(content))
    except Exception as error:  # For corrupt bytes, zipfile may raise any exception.
        raise CheckpointError(f"the checkpoint is not a complete npz file: {error}") from None
    members = archive.infolist()
    names = [member.filename for member in members]
    if len(set(names)) < len(names):
        (twice, _), *_ = Counter(names).most_common(1)
        raise CheckpointError(f"the checkpoint has {twice!r:.80} more than once")
    for member in members:
        plain = member.compress_type == zipfile.ZIP_STORED and not member.flag_bits & 1
        if not plain or member.file_size != member.compress_size:
            raise CheckpointError(
                f"the checkpoint's {member.filename!r:.80} is compressed or encrypted; "
                "checkpoints never are"
            )
    if sum(member.file_size for member in members) > len(content):
        raise CheckpointError(
            "the checkpoint's members claim to be larger than the whole file of "
            f"{len(content):,} bytes"
        )
    return archive


def _read(archive: zipfile.ZipFile, name: str) -> bytes:
    """The content of a member, if its checksum is right."""
    try:
        return archive.read(name)
    except Exception as error:
        raise CheckpointError(f"the checkpoint's {name!r} cannot be read: {error}") from None


def _read_about(archive: zipfile.ZipFile) -> _About:
    try:
        return _About.model_validate_json(_read(archive, ABOUT))
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        where = ".".join(str(part) for part in first["loc"])
        raise CheckpointError(
            f"the checkpoint's {ABOUT} is not of format 1: {where[:80]}: {first['msg'][:200]}"
        ) from None


def _check(about: _About, config: TrialConfig, fresh: Snapshot) -> None:
    replicas = len(config.seeds)
    if about.trial_id != config.trial_id:
        raise CheckpointError(
            f"the checkpoint is of trial {about.trial_id!r:.80}, not of {config.trial_id!r}"
        )
    if not about.step < config.steps:
        raise CheckpointError(
            f"the checkpoint is of step {about.step}, but must be of a step before the last of "
            f"{config.steps}"
        )
    if about.tally.steps > about.step or len(about.tally.diverged) != replicas:
        raise CheckpointError(
            f"the checkpoint of step {about.step} and {replicas} seeds counts rows up to step "
            f"{about.tally.steps} and {len(about.tally.diverged)} seeds"
        )
    odd = sorted(about.begun.keys() - fresh.state.bank.averages.keys())
    if odd or any(count > about.updates for count in about.begun.values()):
        raise CheckpointError(
            f"the checkpoint begins averages anew ({str(about.begun)[:200]}) that the trial does "
            f"not have, or after more than its {about.updates} updates"
        )
    increments = {
        purpose: [int(s.increment, 16) for s in about.streams[purpose]] for purpose in about.streams
    }
    if increments != {
        purpose: [s.increment for s in states] for purpose, states in fresh.streams.items()
    }:
        raise CheckpointError("the checkpoint's random streams are not those of the trial's seeds")


def _read_arrays(
    archive: zipfile.ZipFile, expected: dict[str, Array], step: int
) -> dict[str, Array]:
    """The arrays of the archive, each of the expected type and shape; other members are refused."""
    members = set(archive.namelist()) - {ABOUT}
    odd = sorted(members ^ expected.keys())
    if odd:
        fault = "has a member that the trial does not know" if odd[0] in members else "lacks"
        raise CheckpointError(f"the checkpoint {fault}: {odd[0]!r:.80}")
    arrays = {}
    for name, like in expected.items():
        head = npy.header(like)
        size = archive.getinfo(name).file_size
        content = _read(archive, name) if size == len(head) + like.nbytes else b""
        # Compared byte by byte, so that no header of unknown content is parsed.
        if not content.startswith(head):
            raise CheckpointError(
                f"the checkpoint's {name!r} is not an array of {like.dtype} and shape {like.shape}"
            )
        arrays[name] = (
            np.frombuffer(content, like.dtype, offset=len(head)).reshape(like.shape).copy()
        )
        counts = np.issubdtype(like.dtype, np.integer)
        if counts and not np.all((arrays[name] >= 0) & (arrays[name] <= step)):
            raise CheckpointError(
                f"the checkpoint's {name!r} counts {arrays[name].tolist()} in {step} steps"
            )
    return arrays


def _snapshot(about: _About, arrays: dict[str, Array], fresh: Snapshot) -> Snapshot:
    streams: Streams = {
        purpose: tuple(
            StreamState(int(s.state, 16), int(s.increment, 16), s.spare)
            for s in about.streams[purpose]
        )
        for purpose in fresh.streams
    }
    updates = Updates(about.updates, about.shadow_updates, about.begun)
    state = with_arrays(fresh.state, about.step, updates, arrays)
    return Snapshot(state, arrays["losses.npy"], streams)
