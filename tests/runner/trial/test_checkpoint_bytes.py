"""Untrusted checkpoints: any that is not of this very trial is refused, and nothing is executed."""

from __future__ import annotations

import io
import json
import math
import os
import pickle
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from caviar.runner.trial.checkpoint import ABOUT, CheckpointError, header, unpack
from tests.runner.attempts import (
    EVERYTHING,
    about_with,
    archived,
    attempted,
    checkpoints,
    everything,
    members_of,
    trial,
    with_member,
)
from tests.runner.helpers import outcome_of

STEPS = 12


def npy(array: Any, **how: Any) -> bytes:
    file = io.BytesIO()
    np.save(file, array, **how)
    return file.getvalue()


@pytest.fixture(scope="module")
def good() -> bytes:
    """A checkpoint at step 5 with every kind of state."""
    return checkpoints(everything()[2])[5].content


def refused(content: bytes, match: str = "the checkpoint") -> None:
    with pytest.raises(CheckpointError, match=match):
        unpack(content, *everything()[:2])


def test_it_is_a_plain_npz(good: bytes) -> None:
    with np.load(io.BytesIO(good), allow_pickle=False) as arrays:
        names = [name for name in arrays.files if name != ABOUT]
        assert {"parameters/dense1.weight", "optimizer/count", "losses"} <= set(names)
        assert arrays["optimizer/count"] == 5
        assert all(np.asarray(arrays[name]).dtype.kind in "fi" for name in names)
    assert json.loads(members_of(good)[ABOUT])["step"] == 5


def test_made_again_from_its_members_it_is_taken(good: bytes) -> None:
    """The checkpoint is valid, so that those below are refused for their change alone."""
    again = archived(list(members_of(good).items()))
    assert unpack(again, *everything()[:2]).snapshot.step == 5


def test_a_part_of_the_bytes_is_refused(good: bytes) -> None:
    for length in [*range(0, len(good), 211), *range(len(good) - 30, len(good))]:
        refused(good[:length])
        with pytest.raises(CheckpointError):
            header(good[:length])


@settings(deadline=None, max_examples=150)
@given(position=st.floats(0, 1, exclude_max=True), bit=st.integers(0, 7))
def test_a_flipped_bit_is_refused_or_harmless(position: float, bit: int) -> None:
    original = checkpoints(everything()[2])[5].content
    content = bytearray(original)
    content[int(position * len(content))] ^= 1 << bit
    try:
        resumed = unpack(bytes(content), *everything()[:2])
    except CheckpointError:
        return
    assert repr(resumed) == repr(unpack(original, *everything()[:2]))


@settings(deadline=None, max_examples=50)
@given(content=st.binary(max_size=400))
def test_any_bytes_are_refused(content: bytes) -> None:
    refused(content)
    refused(b"PK\x03\x04" + content + b"PK\x05\x06" + b"\0" * 18)


class Bomb:
    """An object that makes a folder when it is unpickled."""

    def __init__(self, where: Path) -> None:
        self.where = where

    def __reduce__(self) -> Any:
        return (os.mkdir, (str(self.where),))


def test_nothing_is_unpickled(good: bytes, tmp_path: Path) -> None:
    where = tmp_path / "made"
    bomb = np.empty((), object)
    bomb[()] = Bomb(where)
    armed = npy(bomb, allow_pickle=True)
    np.load(io.BytesIO(armed), allow_pickle=True)
    assert where.is_dir()
    where.rmdir()
    for content in (
        *(with_member(good, name, armed) for name in members_of(good)),
        with_member(good, "extra.npy", armed),
        with_member(good, "optimizer/count.npy", pickle.dumps(Bomb(where))),
        archived([(ABOUT, pickle.dumps(Bomb(where)))]),
        pickle.dumps(Bomb(where)),
        armed,
    ):
        refused(content)
        assert not where.exists()


@pytest.mark.parametrize(
    "name", ["../../x", "/x", "parameters/../../x.npy", "extra.npy", "x/", "", "\0", "é" * 500]
)
def test_a_member_that_does_not_belong_is_refused(good: bytes, name: str) -> None:
    members = [*members_of(good).items(), (name, b"1")]
    refused(archived(members), "has a member that the trial does not know")


def test_a_member_that_is_not_there_is_refused(good: bytes) -> None:
    for name in members_of(good):
        rest = [(n, c) for n, c in members_of(good).items() if n != name]
        refused(archived(rest), name.replace(".", r"\."))


def test_a_member_that_is_there_twice_is_refused(good: bytes) -> None:
    for name, content in members_of(good).items():
        with pytest.warns(UserWarning, match="Duplicate name"):
            twice = archived([*members_of(good).items(), (name, content)])
        refused(twice, "more than once")
        with pytest.raises(CheckpointError, match="more than once"):
            header(twice)


WEIGHT = "parameters/dense1.weight.npy"


def test_an_array_of_another_kind_is_refused(good: bytes) -> None:
    right = np.load(io.BytesIO(members_of(good)[WEIGHT]), allow_pickle=False)
    assert right.shape == (2, 13, 9) and right.dtype == np.float32
    unpack(with_member(good, WEIGHT, npy(right)), *everything()[:2])
    for wrong in (
        *(right.astype("f8"), right.astype(">f4"), right.view("i4"), right.astype("f2")),
        *(right[:1], right[:, :, :4], right.reshape(2, 9, 13), right.ravel(), right[None]),
        *(np.asfortranarray(right), np.zeros((), np.float32), np.empty((0, 13, 9), np.float32)),
    ):
        refused(with_member(good, WEIGHT, npy(wrong)), r"float32 and shape \(2, 13, 9\)")
    whole = npy(right)
    for broken in (b"", whole[:-1], whole + b"\0", whole[:60], b"\x93NUMPY" + b"\xff" * 200):
        refused(with_member(good, WEIGHT, broken), r"float32 and shape \(2, 13, 9\)")


def test_losses_are_as_many_as_steps_since_the_last_row(good: bytes) -> None:
    one = np.load(io.BytesIO(members_of(good)["losses.npy"]), allow_pickle=False)
    more = np.concatenate([one, np.ones((1, 2))])
    refused(with_member(good, "losses.npy", npy(more)), "losses")


@pytest.mark.parametrize("count", [-1, 6, 2**62])
def test_a_count_of_steps_is_one(good: bytes, count: int) -> None:
    member = npy(np.asarray(count, np.int64))
    refused(with_member(good, "optimizer/count.npy", member), f"counts {count} in 5 steps")


def test_compressed_members_are_refused_before_they_are_read(good: bytes) -> None:
    members = list(members_of(good).items())
    for how in (zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA):
        refused(archived(members, how), "is compressed or encrypted")
    bomb = archived([*members[1:], (ABOUT, b" " * 10**7)], zipfile.ZIP_DEFLATED)
    assert len(bomb) < 10**5
    with pytest.raises(CheckpointError, match="is compressed"):
        header(bomb)


def listed_as(content: bytes, name: str, **fields: int) -> bytes:
    """The same bytes under a zip directory that gives another size for a member."""
    file = io.BytesIO(content)
    with zipfile.ZipFile(file, "a") as archive:
        for field, value in fields.items():
            setattr(archive.getinfo(name), field, value)
        archive.comment = b"so that the directory is written again"
    return file.getvalue()


@pytest.mark.parametrize("size", [10**5, 2**31, 2**40, 2**62])
def test_sizes_that_no_bytes_stand_behind_are_refused(good: bytes, size: int) -> None:
    for name in members_of(good):
        lie = listed_as(good, name, file_size=size, compress_size=size)
        assert len(lie) < size
        refused(lie, "claim to be larger than the whole")


@pytest.mark.parametrize("fields", [{"compress_type": zipfile.ZIP_DEFLATED}, {"flag_bits": 1}])
def test_a_directory_that_calls_a_member_compressed_or_encrypted_is_refused(
    good: bytes, fields: dict[str, int]
) -> None:
    for name in members_of(good):
        refused(listed_as(good, name, **fields), "is compressed or encrypted")


def test_another_trial_s_is_refused(good: bytes) -> None:
    other, data = trial(*EVERYTHING, "learning_rate=0.123")
    with pytest.raises(CheckpointError, match=f"is of trial '{everything()[0].trial_id}', not of"):
        unpack(good, other, data)


def set_to(*path: str | int, value: Any) -> Callable[[dict[str, Any]], object]:
    def change(about: dict[str, Any]) -> None:
        for key in path[:-1]:
            about = about[key]  # type: ignore[index]
        about[path[-1]] = value  # type: ignore[index]

    return change


@pytest.mark.parametrize(
    ("path", "values"),
    [
        (("format",), (2, 0, "1", None, 1.5)),
        (("trial_id",), ("", 7, "../../x", "0" * 12, "x" * 10**5)),
        (("attempt",), (-1, 2**31, "0", 0.5, None, True)),
        (("step",), (0, -1, 4, 6, STEPS, STEPS + 1, 2**63, 10**4000, 1e99, "5")),
        (("tally", "rows"), (-1, 2**63, 10**30, 1.5, "1", None)),
        (("tally", "steps"), (-1, 6, 2**70)),
        (("tally", "seconds"), (-1.0, math.inf, math.nan, "1", 10**400)),
        (("tally", "probe_seconds"), (-math.inf, math.nan, None)),
        (("tally", "invariants"), ("failed", "", None)),
        (("tally", "diverged"), ([], [False], [False] * 3, [0, 1], None, "ab")),
        (("tally", "extra"), (1,)),
        (("updates",), (-1, 2**63, 0.5)),
        (("shadow_updates",), (-1, None)),
        (("streams",), ({}, [], None)),
        (("streams", "noise"), ([], None, [1, 2])),
        (("streams", "luck"), ([],)),
        (("streams", "noise", 0, "state"), ("", "0x1", "1" * 33, "-1", 5, "g", "1\n", "é")),
        (("streams", "noise", 0, "increment"), ("1", "0", "f" * 32)),
        (("streams", "noise", 0, "spare"), (-1, 2**32, 0.5, "1")),
        (("extra",), (1,)),
    ],
)  # fmt: skip
def test_values_out_of_range_are_refused(
    good: bytes, path: tuple[str | int, ...], values: tuple[Any, ...]
) -> None:
    for value in values:
        refused(about_with(good, set_to(*path, value=value)))


def test_one_of_another_numpy_does_not_count(good: bytes) -> None:
    """The driver notices it before a trial resumes from it, by calling `header`."""
    assert header(good).step == 5
    with pytest.raises(CheckpointError, match=r"made with numpy '1\.0', and this is \d"):
        header(about_with(good, set_to("numpy", value="1.0")))


@pytest.mark.parametrize("key", ["format", "numpy", "step", "tally", "streams", "updates"])
def test_a_value_that_is_not_there_is_refused(good: bytes, key: str) -> None:
    refused(about_with(good, lambda about: about.pop(key)), key)


@pytest.mark.parametrize(
    "about", [b"", b"{}", b"[]", b"nul", b"\xff\xfe", b"[" * 10**5, b'{"format": 1, "format": 2}']
)
def test_json_that_says_nothing_is_refused(good: bytes, about: bytes) -> None:
    refused(with_member(good, ABOUT, about), "about.json")
    with pytest.raises(CheckpointError, match=r"about\.json"):
        header(with_member(good, ABOUT, about))


def test_a_refused_checkpoint_fails_the_attempt_with_the_sentence() -> None:
    events = attempted(*everything()[:2], b"not a checkpoint")
    outcome = outcome_of(events)
    assert outcome.status == "failed" and len(events) == 2
    assert outcome.error.startswith("CheckpointError: the checkpoint is not a complete npz file: ")
