"""The README's commands and code are what a reader pastes: they must run as they stand."""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from typing import Any

import pytest

import caviar as caviar_package
from caviar.analysis.report.first_screen import first_screen
from tests.runner.helpers import caviar, ended_well

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", README, flags=re.DOTALL)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in which the quickstart ran, made small."""
    folder = tmp_path_factory.mktemp("readme")
    small = [
        *("--set", "budget.epochs=2", "--set", "replicas=5"),
        *("--set", "hidden=[16,16]", "--set", "draws.count=2"),
    ]
    ended_well("run", "--workers", "2", "--no-report", *small, cwd=folder)
    return folder


def test_the_five_lines_of_pandas_print_the_numbers_of_the_answer(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Test loss, accuracy and what the running average adds, size by size, as the screen has."""
    (code,) = blocks("python")
    assert len([line for line in code.splitlines() if line.strip()]) == 5
    monkeypatch.chdir(folder)
    named: dict[str, Any] = {}
    exec(code, named)
    printed = capsys.readouterr().out
    assert "test_loss" in printed and "tracker_decay" in printed
    losses = named["losses"].pivot(index="level", columns="quantity", values="mean")
    damage = named["damage"].pivot(index="level", columns=["rule", "tracker_decay"], values="mean")
    sizes, *rows = first_screen(named["results"], "runs/quickstart").rows
    assert [float(cell.text) for cell in sizes.cells] == losses.index.to_list()
    columns = (
        losses["test_loss"],
        100 * losses["test_accuracy"],
        damage["unbiased", 0.9],
        damage["unbiased", 0.99],
    )
    for row, column in zip(rows, columns, strict=True):
        shown = [float(cell.text.replace("\N{MINUS SIGN}", "-")) for cell in row.cells]
        assert shown == pytest.approx(column.to_list(), abs=0.051 if row.short == "%" else 5.1e-4)


def test_the_answer_shown_is_laid_out_as_the_program_does() -> None:
    (screen,) = re.findall(r"```\n(quickstart on .*?)```", README, flags=re.DOTALL)
    lines = screen.splitlines()
    assert len(lines) <= 12 and max(map(len, lines)) <= 80
    study = caviar_package.read_study()
    trials = len(study.scientific["norm_batch_size"]) * study.draws.count
    assert f": {trials} networks x {study.replicas} seeds, " in lines[0]


def test_what_a_size_takes_off_is_what_the_table_shows() -> None:
    """An earlier README lost 0.015 of 0.011."""
    (screen,) = re.findall(r"```\n(quickstart on .*?)```", README, flags=re.DOTALL)
    sizes, losses = (
        [float(value) for value in re.findall(r" (\d+(?:\.\d+)?)(?= |$)", line)]
        for line in screen.splitlines()[1:3]
    )
    told = re.search(r"m = (\d+) against (\d+) cuts test loss by (\d+) % \(([\d.]+)\s+nats", screen)
    assert told
    best, largest = (losses[sizes.index(float(told[i]))] for i in (1, 2))
    assert largest - best == pytest.approx(float(told[4]), abs=0.0015)
    assert 100 * (1 - best / largest) == pytest.approx(float(told[3]), abs=1.5)
    assert f"lowest at m = {told[1]} by {told[4]}" in README


def test_every_study_command_is_accepted(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # Nothing is trained to forecast its time where a trial needs more memory than there is.
    monkeypatch.setattr("caviar.runner.forecast.forecast._memory_of_this_machine", lambda: 0.0)
    (folder / "studies").symlink_to(ROOT / "studies")
    (folder / "mine.csv").write_text("a,class\n" + "".join(f"{i},{i % 2}\n" for i in range(3000)))
    shell = [line for block in blocks("sh") for line in block.splitlines()]
    commands = [line for line in shell if line.startswith("caviar run studies")]
    assert len(commands) >= 4
    for command in commands:
        arguments = shlex.split(command, comments=True)[1:]
        done = caviar(*arguments, "--dry-run", cwd=folder)
        assert (done.returncode, done.stderr) == (0, ""), command


def test_the_test_line_is_what_ci_runs() -> None:
    lines = [line for line in README.splitlines() if line.startswith("python3 -m venv")]
    assert len(lines) == 2
    assert sum("pytest" in line for line in lines) == 1
    assert sum(line.endswith("caviar run") for line in lines) == 1


def test_every_study_is_listed_and_every_listed_study_exists() -> None:
    listed = set(re.findall(r"`studies/([a-z0-9-]+\.toml)` \|", README))
    assert listed == {path.name for path in (ROOT / "studies").glob("*.toml")}


def test_every_linked_file_exists() -> None:
    for target in re.findall(r"\]\(([^)#:]+)\)", README):
        assert (ROOT / target).exists(), target
