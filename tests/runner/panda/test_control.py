"""Control files: a request goes in whole, an answer comes out, and nobody waits for the dead."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from caviar.runner.errors import RequestError
from caviar.runner.panda.control import (
    CONTROL,
    ControlFiles,
    NobodyListensError,
    Taken,
    ask,
    folder_at,
    whoever,
)
from caviar.runner.panda.requests import Answer
from caviar.runner.store.local_folder import LocalFolder
from tests.runner.panda.live import until

YES = Answer(True, "going on", 7, 2)


@contextmanager
def listening(root: Path) -> Iterator[ControlFiles]:
    storage = LocalFolder(root)
    with storage.hold():
        files = ControlFiles(storage.root / CONTROL)
        yield files
        files.close()


def first_taken(files: ControlFiles) -> Taken:
    """The first request that comes."""
    came: list[Taken] = []

    def something() -> bool:
        came.extend(files.taken())
        return bool(came)

    until(something)
    return came[0]


def answering(files: ControlFiles, answer: Answer, taken: list[str]) -> threading.Thread:
    def one() -> None:
        request = first_taken(files)
        taken.append(f"{request.asked_by}: {request.text}")
        files.answer(request.name, answer)

    thread = threading.Thread(target=one)
    thread.start()
    return thread


def test_a_request_is_taken_once_and_answered(tmp_path: Path) -> None:
    taken: list[str] = []
    with listening(tmp_path) as files:
        thread = answering(files, YES, taken)
        assert ask(LocalFolder(tmp_path), "go --note 'now then'", "ana@lab") == YES
        thread.join()
        assert not list(files.taken())
    assert taken == ["ana@lab: go --note 'now then'"]
    left = [path.name for path in (tmp_path / "control").rglob("*") if path.is_file()]
    assert not left


def test_where_nobody_listens_asking_says_so_at_once(tmp_path: Path) -> None:
    storage = LocalFolder(tmp_path)
    with pytest.raises(NobodyListensError, match="no panda is training in"):
        ask(storage, "go", "ana@lab")
    with listening(tmp_path) as files:
        files.answer("unasked", YES)
    with pytest.raises(NobodyListensError, match="caviar panda --resume"):
        ask(storage, "go", "ana@lab")


def test_a_panda_that_ends_meanwhile_is_not_waited_for(tmp_path: Path) -> None:
    storage = LocalFolder(tmp_path)
    held = storage.hold()
    held.__enter__()
    files = ControlFiles(storage.root / CONTROL)

    def ends() -> None:
        first_taken(files)
        held.__exit__(None, None, None)

    thread = threading.Thread(target=ends)
    thread.start()
    with pytest.raises(NobodyListensError, match="ended before it answered"):
        ask(LocalFolder(tmp_path), "go", "ana@lab")
    thread.join()


def test_an_answer_that_does_not_come_is_told_and_the_request_withdrawn(tmp_path: Path) -> None:
    with listening(tmp_path) as files:
        with pytest.raises(NobodyListensError, match="did not take the request, which is withd"):
            ask(LocalFolder(tmp_path), "go", "ana@lab", seconds=0.0)
        assert not list(files.taken())


def test_a_wrong_request_leaves_no_file(tmp_path: Path) -> None:
    with listening(tmp_path) as files:
        with pytest.raises(RequestError, match="did you mean 'go'"):
            ask(LocalFolder(tmp_path), "goo", "ana@lab")
        assert not list(files.taken())


@pytest.mark.parametrize(
    "content", [b"", b"{", b"[]", b"{}", b'{"text": "go"}', b"\xff\xfe", b"0" * 200_000]
)
def test_a_file_that_is_no_request_is_answered_and_removed(tmp_path: Path, content: bytes) -> None:
    with listening(tmp_path) as files:
        (tmp_path / "control/requests/x.json").write_bytes(content)
        assert not list(files.taken())
        answer = json.loads((tmp_path / "control/answers/x.json").read_bytes())
        assert not answer["accepted"]
        assert not list((tmp_path / "control/requests").iterdir())


def test_requests_that_nobody_answered_are_gone_when_a_panda_begins(tmp_path: Path) -> None:
    requests = tmp_path / "control/requests"
    requests.mkdir(parents=True)
    (requests / "folder.json").mkdir()
    (requests / "old.json").write_text(json.dumps({"text": "stop", "asked_by": "ana@lab"}))
    with listening(tmp_path) as files:
        assert not list(files.taken())


def test_only_a_folder_can_be_steered() -> None:
    with pytest.raises(RequestError, match="needs a run in a folder"):
        folder_at("s3://bucket/run")


def test_whoever_asks_has_a_name_and_a_machine() -> None:
    assert whoever().count("@") == 1
