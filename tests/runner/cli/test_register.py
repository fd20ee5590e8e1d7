"""`caviar run --register`: the whole way, and what it refuses."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.runner.helpers import TINY, caviar, ended_well, settings_of

STUDY = """
name = "sizes"
dataset = "wine"
[scientific]
norm_batch_size = [4, 16]
[nuisance]
learning_rate = { scale = "log_uniform", low = 0.01, high = 1.0 }
"""


@pytest.fixture
def arguments(tmp_path: Path) -> list[str]:
    """A registered run of four trials, without its folder."""
    study = tmp_path / "sizes.toml"
    study.write_text(STUDY, encoding="utf-8")
    file = str(tmp_path / "r.toml")
    return ["run", str(study), *settings_of(TINY), "--on", "inline", "--register", file]


def test_a_run_is_registered_resumed_and_reported(tmp_path: Path, arguments: list[str]) -> None:
    out = ["--out", str(tmp_path / "runs" / "a")]
    ended_well(*arguments, *out, cwd=tmp_path)
    kept = json.loads((tmp_path / "runs" / "a" / "study.json").read_text(encoding="utf-8"))
    assert kept["registered"]["file"] == "r.toml" and kept["registered"]["trials"] == 4
    ended_well(*arguments, "--no-report", *out, cwd=tmp_path)
    page = (tmp_path / "runs" / "a" / "report" / "index.html").read_text(encoding="utf-8")
    for words in ("before its first seed was run", "the claims are the registered ones"):
        assert words in page
    assert "all 4 registered trials were run" in ended_well("verify", out[1], cwd=tmp_path)


def test_seeds_that_a_run_beside_has_looked_at_are_refused(
    tmp_path: Path, arguments: list[str]
) -> None:
    before = [part for part in arguments if part not in ("--register", str(tmp_path / "r.toml"))]
    ended_well(*before, "--no-report", "--out", str(tmp_path / "runs" / "a"), cwd=tmp_path)
    done = caviar(*arguments, "--out", str(tmp_path / "runs" / "b"), cwd=tmp_path)
    assert done.returncode == 2 and "seeds 0 to 1 of these data were run before" in done.stderr
    assert not (tmp_path / "r.toml").exists()
    ended_well(
        *arguments,
        "--set",
        "seed=1000",
        "--no-report",
        "--out",
        str(tmp_path / "runs" / "b"),
        cwd=tmp_path,
    )


def test_a_part_of_a_registered_run_is_refused(tmp_path: Path, arguments: list[str]) -> None:
    done = caviar(*arguments, "--trials", "1", "--out", str(tmp_path / "runs" / "a"), cwd=tmp_path)
    assert done.returncode == 2 and "leave out --trials" in done.stderr
