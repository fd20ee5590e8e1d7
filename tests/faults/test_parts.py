"""Bits that flip in part files: every reader that uses the program finds them."""

from __future__ import annotations

from pathlib import Path

import pytest

from caviar.runner.errors import RequestError
from caviar.runner.store.local_folder import LocalFolder
from caviar.runner.store.open import storage_at
from caviar.runner.store.part_files import part_names, read_part, write_part
from caviar.runner.store.sink import to_table
from caviar.runner.verify.run import verify_run
from tests.faults.injections import Fault, rows_that_count
from tests.faults.program import caviar_here, run_here
from tests.runner.helpers import block


def flip(path: Path, position: int) -> None:
    content = bytearray(path.read_bytes())
    content[position] ^= 1
    path.write_bytes(content)


def pages_end(path: Path) -> int:
    """Where the file's metadata begin; `verify` finds a column that is misnamed there."""
    content = path.read_bytes()
    return len(content) - 8 - int.from_bytes(content[-8:-4], "little")


def test_no_flipped_bit_of_a_page_changes_a_number_unseen(tmp_path: Path) -> None:
    place = LocalFolder(tmp_path)
    rows = to_table(block(rows=40))
    path = tmp_path / write_part(place, "curves", rows)
    (name,) = part_names(place, "curves")
    refused = 0
    for position in range(0, pages_end(path), 3):
        flip(path, position)
        try:
            assert read_part(place, "curves", name, None).equals(rows)
        except RequestError:
            refused += 1
        flip(path, position)
    assert refused > 100 and read_part(place, "curves", name, None).equals(rows)


@pytest.mark.faults("a bit of a part file flips")
def test_verify_finds_a_flipped_bit(fault: Fault, tmp_path: Path) -> None:
    root = tmp_path / "run"
    assert run_here(root).code == 0
    expected = rows_that_count(root)
    for path in sorted(root.rglob("part-*.parquet")):
        flip(path, 40)
        fault.inject()
        findings = verify_run(storage_at(root))
        assert findings.faults == 1 and path.name in findings.lines[0]
        assert caviar_here("verify", root).code == 1
        flip(path, 40)
    assert not verify_run(storage_at(root)).faults
    fault.ended(expected, expected, rows_that_count(root))
