"""The notebook of the tour runs from beginning to end, and is kept without outputs."""

from __future__ import annotations

from copy import deepcopy
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbclient import NotebookClient

from tests.sources import ROOT

TOUR = ROOT / "docs" / "tour.ipynb"


@pytest.fixture(scope="module")
def notebook() -> Any:
    return nbformat.read(TOUR, as_version=4)  # type: ignore[no-untyped-call]


def test_it_is_kept_without_outputs(notebook: Any) -> None:
    nbformat.validate(notebook)
    cells = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert [(cell.outputs, cell.execution_count) for cell in cells] == [([], None)] * len(cells)


def test_every_cell_runs_and_shows_what_is_said(
    notebook: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("MPLBACKEND", raising=False)  # The program sets it, here in this process.
    small = deepcopy(notebook)
    NotebookClient(small, timeout=300, resources={"metadata": {"path": str(tmp_path)}}).execute()
    shown = [text_of(cell) for cell in small.cells if cell.cell_type == "code"]
    run, effect, damage, losses, picture, advice = shown
    assert "4 of 4 trials completed" in run
    assert "\x1b" not in run and "train loss" not in run  # No live region in a notebook.
    assert effect.split()[:5] == ["level", "mean", "low", "high", "units"]
    assert [float(line.split()[1]) for line in effect.splitlines()[1:]] == [4, 16, 64]
    assert "unbiased" in damage and "tracker_decay" in damage
    assert "gap" in losses and losses.count("\n") == 5
    assert "<Figure size" in picture and "update_bn" in advice


def text_of(cell: Any) -> str:
    """What a cell prints and gives, as plain text."""
    return "\n".join(
        output["text"] if "text" in output else output["data"].get("text/plain", "")
        for output in cell.outputs
    )
