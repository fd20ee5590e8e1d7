"""A run whose files were cut, replaced or foreign: one sentence each, nothing touched."""

from __future__ import annotations

import os
import shutil
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from caviar.runner.cli.main import main
from tests.runner.helpers import TINY, ended_well, settings_of

RUN = ("run", *settings_of(TINY), "--on", "inline", "--out", "run", "--no-report")
Damage = Callable[[Path], None]


class Said(NamedTuple):
    code: int
    out: str
    err: str


Program = Callable[..., Said]


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished run of four trials."""
    folder = tmp_path_factory.mktemp("whole")
    ended_well(*RUN, cwd=folder)
    return folder / "run"


@pytest.fixture
def program(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Program:
    """The program in this process: a dozen starts of it would take a minute."""

    def called(*words: str) -> Said:
        monkeypatch.setattr("sys.argv", ["caviar", *words])
        with pytest.raises(SystemExit) as ended:
            main()
        code = ended.value.code or 0
        assert isinstance(code, int)
        return Said(code, *capsys.readouterr())

    return called


def first(root: Path, table: str = "curves") -> Path:
    return min((root / table).glob("part-*.parquet"))


def cut(root: Path) -> None:
    content = first(root).read_bytes()
    first(root).write_bytes(content[: len(content) // 2])


def empty(root: Path) -> None:
    first(root).write_bytes(b"")


def other_schema(root: Path) -> None:
    pq.write_table(pa.table({"trial_id": [1, 2], "fish": ["a", "b"]}), first(root))


def other_types(root: Path) -> None:
    """The right columns, but every value is a word."""
    names = pq.read_schema(first(root)).names
    pq.write_table(pa.table({name: ["word", "word"] for name in names}), first(root))


def text(root: Path) -> None:
    (root / "curves" / "part-000001.parquet").write_text("not Parquet at all\n")


def folder(root: Path) -> None:
    (root / "curves" / "part-x.parquet").mkdir()


def cut_trials(root: Path) -> None:
    first(root, "trials").write_bytes(first(root, "trials").read_bytes()[:-9])


def cut_outcomes(root: Path) -> None:
    first(root, "outcomes").write_bytes(first(root, "outcomes").read_bytes()[:-9])


def a_file_for_a_table(root: Path) -> None:
    shutil.rmtree(root / "curves")
    (root / "curves").write_text("mine")


PARTS: dict[str, tuple[Damage, str]] = {
    "cut": (cut, "curves/part-000000.parquet"),
    "empty": (empty, "curves/part-000000.parquet"),
    "other schema": (other_schema, "curves/part-000000.parquet"),
    "other types": (other_types, "curves/part-000000.parquet"),
    "text": (text, "curves/part-000001.parquet"),
    "folder": (folder, "curves/part-x.parquet"),
    "trials": (cut_trials, "trials/part-000000.parquet"),
    "outcomes": (cut_outcomes, "outcomes/part-000000.parquet"),
    "a file for a table": (a_file_for_a_table, "curves"),
}


def listed(root: Path) -> None:
    (root / "study.json").write_text("[1, 2, 3]")


def brackets(root: Path) -> None:
    (root / "study.json").write_text("[" * 10_000_000)


def nested(root: Path) -> None:
    (root / "study.json").write_text('{"hash": "x", "sessions": [], "study": ["no", "table"]}')


def no_sessions(root: Path) -> None:
    (root / "study.json").write_text('{"hash": "x", "sessions": {}, "study": {}}')


def numbers(root: Path) -> None:
    (root / "study.json").write_text(f'{{"hash": {"9" * 5000}}}')


def bytes_only(root: Path) -> None:
    (root / "study.json").write_bytes(b"\xff\xfe\0")


def study_folder(root: Path) -> None:
    (root / "study.json").unlink()
    (root / "study.json").mkdir()


STUDIES: dict[str, Damage] = {
    "a list": listed,
    "brackets": brackets,
    "a list for the study": nested,
    "a table for the sessions": no_sessions,
    "digits": numbers,
    "no text": bytes_only,
    "a folder": study_folder,
}


def state(root: Path) -> dict[str, object]:
    """Every file with its content, and every other entry with its kind."""
    return {
        str(path.relative_to(root)): path.read_bytes() if path.is_file() else path.stat().st_mode
        for path in root.rglob("*")
        if "report" not in path.relative_to(root).parts
    }


@pytest.fixture
def relieved() -> Iterator[Callable[[Path], None]]:
    """Opens a pipe that a reader waits for, so that a test fails instead of hanging."""
    done, threads = threading.Event(), []

    def relieve(pipe: Path) -> None:
        while not done.wait(10):
            with suppress(OSError):  # Nobody waits for it.
                os.close(os.open(pipe, os.O_WRONLY | os.O_NONBLOCK))

    def watch(pipe: Path) -> None:
        threads.append(threading.Thread(target=relieve, args=(pipe,)))
        threads[-1].start()

    yield watch
    done.set()
    for thread in threads:
        thread.join()


@pytest.fixture
def damaged(whole: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy to damage, next to an undamaged run."""
    shutil.copytree(whole, tmp_path / "run")
    monkeypatch.chdir(tmp_path)
    return tmp_path / "run"


def trial_of(root: Path) -> str:
    trial: str = pq.read_table(first(root, "trials"))["trial_id"][0].as_py()
    return trial


COMMANDS: dict[str, Callable[[Path], tuple[str, ...]]] = {
    "status": lambda whole: ("status", "run"),
    "verify": lambda whole: ("verify", "run"),
    "report": lambda whole: ("report", "run"),
    "replay": lambda whole: ("replay", "run", trial_of(whole)),
    "compare": lambda whole: ("compare", str(whole), "run"),
    "run": lambda whole: RUN,
}
BLIND = {("status", name) for name in PARTS if PARTS[name][1].startswith("curves")}
"""`status` counts trials and outcomes; it does not look at the rows."""


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize("case", PARTS)
def test_a_damaged_table_is_named_and_nothing_is_touched(
    case: str, command: str, damaged: Path, whole: Path, program: Program
) -> None:
    damage, key = PARTS[case]
    damage(damaged)
    before = state(damaged)
    if (command, case) in BLIND:
        assert program(*COMMANDS[command](whole)).code == 0
    elif command == "verify":
        ended = program("verify", "run")
        assert (
            ended.code == 1
            and f"{key}" in ended.out + ended.err
            and len(ended.err.splitlines()) < 2
        )
    else:
        ended = program(*COMMANDS[command](whole))
        (line,) = ended.err.splitlines()
        assert line.startswith("caviar: ") and key in line
        assert ended.code in (1, 2) if case in ("folder", "a file for a table") else 2
    after = state(damaged)
    after.pop("study.json"), before.pop("study.json")  # One session more, or none.
    assert after == before


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize("case", STUDIES)
def test_a_damaged_study_is_named_and_nothing_is_touched(
    case: str, command: str, damaged: Path, whole: Path, program: Program
) -> None:
    STUDIES[case](damaged)
    before = state(damaged)
    ended = program(*COMMANDS[command](whole))
    (line,) = ended.err.splitlines()
    assert line.startswith("caviar: ") and len(line) < 1100
    assert "study.json" in line
    assert ended.code in (1, 2) if case == "a folder" else ended.code == 2
    assert ended.out in ("", "reading the quickstart and its data\n")
    assert state(damaged) == before


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize("key", ["curves/part-000001.parquet", "study.json"])
def test_a_pipe_in_a_run_is_not_waited_for(
    key: str,
    command: str,
    damaged: Path,
    whole: Path,
    program: Program,
    relieved: Callable[[Path], None],
) -> None:
    (damaged / key).unlink(missing_ok=True)
    os.mkfifo(damaged / key)
    relieved(damaged / key)
    ended = program(*COMMANDS[command](whole))
    if command == "status" and key != "study.json":
        assert ended.code == 0
    else:
        assert (
            ended.code in (1, 2)
            and key in ended.out + ended.err
            and "regular file" in ended.out + ended.err
        )
