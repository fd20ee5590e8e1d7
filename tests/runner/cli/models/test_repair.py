"""`caviar audit --repair OUT`, as owners of a model use it."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from tests.runner.helpers import caviar

FILE = """
import torch

x = 10 * torch.randn(512, 2, generator=torch.Generator().manual_seed(0))
loader = [(x[i : i + 64], (x[i : i + 64, 0] > 0).long()) for i in range(0, 512, 64)]

def build():
    torch.manual_seed(0)
    return torch.nn.Sequential(torch.nn.BatchNorm1d(2), torch.nn.Linear(2, 2))

def needs_its_start():
    model = torch.nn.Sequential(torch.nn.BatchNorm1d(2), torch.nn.Linear(2, 2))
    with torch.no_grad():
        model[1].weight.copy_(torch.tensor([[-1.0, 0.0], [1.0, 0.0]]))
        model[1].bias.zero_()
    return model
"""


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    (tmp_path / "users_repair.py").write_text(FILE, encoding="utf-8")
    yield tmp_path
    sys.modules.pop("users_repair", None)


def _repair(folder: Path, model: str, *words: str) -> tuple[int, str, str]:
    where = [f"users_repair.py:{model}", "--data", "users_repair.py:loader"]
    done = caviar("audit", *where, "--repair", *words, cwd=folder)
    return done.returncode, done.stdout, done.stderr


def test_repaired_weights_are_a_state_dict_that_an_audit_finds_healthy(folder: Path) -> None:
    code, out, _ = _repair(folder, "build", "fixed.pt", "--loss", "multi_margin_loss")
    assert code == 1
    assert out.splitlines()[-1] == (
        "Repaired from 512 examples, all there are; the state dict is in fixed.pt."
    )
    state = torch.load(folder / "fixed.pt", weights_only=True)
    assert state["0.running_var"] == pytest.approx([100, 100], rel=0.2)
    again = ["users_repair.py:build", "--data", "users_repair.py:loader", "--weights", "fixed.pt"]
    assert caviar("audit", *again, cwd=folder).returncode == 0


def test_what_would_hurt_is_not_written(folder: Path) -> None:
    _, out, _ = _repair(folder, "needs_its_start", "fixed.pt")
    assert out.splitlines()[-1].startswith("Not repaired: recomputing would raise the loss from 0")
    assert not (folder / "fixed.pt").exists()


def test_json_is_alone_on_its_stream(folder: Path) -> None:
    _, out, err = _repair(folder, "build", "fixed.pt", "--json")
    assert out.startswith("{") and out.rstrip().endswith("}")
    assert "the state dict is in fixed.pt" in err


def test_nothing_is_overwritten(folder: Path) -> None:
    (folder / "fixed.pt").write_text("mine", encoding="utf-8")
    code, _, err = _repair(folder, "build", "fixed.pt")
    assert (code, err.splitlines()[-1]) == (
        2,
        "caviar: 'fixed.pt' exists already; name a new file for the repaired weights",
    )
    code, _, err = _repair(folder, "build", "nowhere/fixed.pt")
    assert code == 2 and "there is no folder 'nowhere'" in err
    assert (folder / "fixed.pt").read_text(encoding="utf-8") == "mine"
