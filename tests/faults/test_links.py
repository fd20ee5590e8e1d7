"""Links inside a run that lead out of it: they are refused, and nothing outside is touched."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.faults.disk import Death, Disk, failing
from tests.faults.injections import Fault, Rows, rows_that_count
from tests.faults.program import caviar_here, one_sentence, run_at_every_step

Link = Callable[[Path, Path], Path]
"""Puts a link into a run (first) to a place outside (second); returns the link."""


@pytest.fixture(scope="module")
def expected(tmp_path_factory: pytest.TempPathFactory) -> Rows:
    root = tmp_path_factory.mktemp("whole") / "run"
    assert run_at_every_step(root).code == 0
    return rows_that_count(root)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A run cut in its first trial."""
    with pytest.raises(Death), failing(Disk(tmp_path / "run", "killed", 200)):
        run_at_every_step(tmp_path / "run")
    return tmp_path / "run"


@pytest.fixture
def outside(tmp_path: Path) -> Path:
    """A folder with files that may not be touched."""
    folder = tmp_path / "outside"
    (folder / "sub").mkdir(parents=True)
    for name in ("part-000000.parquet", ".part-000009.parquet.tmp", "diary.txt", "study.json"):
        (folder / name).write_text(f"dear {name}")
    return folder


def table(root: Path, outside: Path) -> Path:
    (root / "curves").rename(root / "kept-curves")
    (root / "curves").symlink_to(outside)
    return root / "curves"


def table_to_nowhere(root: Path, outside: Path) -> Path:
    (root / "evaluations").rename(root / "kept-evaluations")
    (root / "evaluations").symlink_to(outside / "not-there")
    return root / "evaluations"


def part(root: Path, outside: Path) -> Path:
    link = root / "curves" / "part-000077.parquet"
    link.symlink_to(outside / "part-000000.parquet")
    return link


def checkpoints(root: Path, outside: Path) -> Path:
    (root / "checkpoints").rename(root / "kept-checkpoints")
    (root / "checkpoints").symlink_to(outside)
    return root / "checkpoints"


def study(root: Path, outside: Path) -> Path:
    (root / "study.json").rename(outside / "kept-study.json")
    (root / "study.json").symlink_to(outside / "kept-study.json")
    return root / "study.json"


def content_of(folder: Path) -> dict[str, bytes]:
    return {str(p): p.read_bytes() if p.is_file() else b"" for p in sorted(folder.rglob("*"))}


LINKS: list[Link] = [table, table_to_nowhere, part, checkpoints, study]


def take_back(root: Path, outside: Path, link: Path) -> None:
    link.unlink()
    for kept in root.glob("kept-*"):
        kept.rename(root / kept.name.removeprefix("kept-"))
    if (outside / "kept-study.json").exists():
        (outside / "kept-study.json").rename(root / "study.json")


@pytest.mark.faults("a link inside a run leads out of it")
@pytest.mark.parametrize("link", LINKS, ids=[link.__name__ for link in LINKS])
def test_a_link_out_of_a_run_is_refused(
    link: Link, root: Path, outside: Path, expected: Rows, fault: Fault
) -> None:
    before = rows_that_count(root)
    made = link(root, outside)
    fault.inject()
    outside_before, here = content_of(outside), content_of(root)
    for ended in (run_at_every_step(root), caviar_here("verify", root)):
        assert ended.code == 1 and "symbolic link" in one_sentence(ended)
        assert content_of(outside) == outside_before
    changed = {path for path, content in content_of(root).items() if here.get(path) != content}
    assert all(Path(path).name in ("study.json", "trials") for path in changed), changed
    take_back(root, outside, made)
    with fault.recovering():
        assert run_at_every_step(root).code == 0
    fault.ended(before, expected, rows_that_count(root))


@pytest.mark.faults("a link lies where a temporary file will be")
@pytest.mark.parametrize("key", ["study.json", "curves/part-{:06d}.parquet", "checkpoints/{}.npz"])
def test_a_link_is_not_written_through(
    key: str, root: Path, outside: Path, expected: Rows, fault: Fault
) -> None:
    before, outside_before = rows_that_count(root), content_of(outside)
    names = range(30) if "{" in key else [0]
    trials = [p.stem for p in (root / "checkpoints").glob("*.npz")]
    assert trials
    for name in trials if key.startswith("check") else names:
        path = root / key.format(name)
        path.with_name(f".{path.name}.tmp").symlink_to(outside / "diary.txt")
        fault.inject()
    with fault.recovering():
        assert run_at_every_step(root).code == 0
    assert content_of(outside) == outside_before
    fault.ended(before, expected, rows_that_count(root))
    assert not list(root.rglob(".*.tmp"))
