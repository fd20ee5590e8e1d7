"""`caviar audit` on files of a user: answer, JSON, exit codes, sentences."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from unittest.mock import patch

import pytest

from caviar.runner.cli.models.audit import must_have_torch
from caviar.runner.errors import RequestError
from tests.runner.helpers import caviar

FILE = """
import torch

print("built")
x = torch.randn(512, 2, generator=torch.Generator().manual_seed(0))
y = (x[:, 0] > 0).long()
loader = [(x[i : i + 64], y[i : i + 64]) for i in range(0, 512, 64)]
loud = [(100 * a + 7, b) for a, b in loader]

def build(momentum=0.1):
    torch.manual_seed(0)
    return torch.nn.Sequential(
        torch.nn.Linear(2, 8), torch.nn.BatchNorm1d(8, momentum=momentum), torch.nn.Linear(8, 2)
    )

def healthy(momentum=0.1):
    model = build(momentum)
    for a, _ in 8 * loader:
        model(a)
    return model

def inverted():
    return healthy(0.99)
"""


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    (tmp_path / "users_audit.py").write_text(FILE, encoding="utf-8")
    yield tmp_path
    sys.modules.pop("users_audit", None)


def _audit(folder: Path, model: str, *words: str) -> tuple[int, str, str]:
    where = ["users_audit.py:" + model, "--data", "users_audit.py:loader"]
    done = caviar("audit", *where, *words, cwd=folder)
    return done.returncode, done.stdout, done.stderr


def test_a_healthy_model_and_what_was_run(folder: Path) -> None:
    code, out, err = _audit(folder, "healthy")
    assert code == 0
    assert out.startswith("healthy: Nothing calls for a change")
    assert "Ran users_audit.py:healthy, users_audit.py:loader; read 512 examples in" in out
    assert err.strip() == "built"


def test_a_fault_in_json(folder: Path) -> None:
    code, out, _ = _audit(folder, "inverted", "--json", "--test", "users_audit.py:loader")
    told = json.loads(out)
    assert (code, told["cause"], told["batch_size"]) == (1, "inverted-momentum", 64)
    assert told["loss_of"] == "test"


def test_a_wrong_request_is_one_sentence(folder: Path) -> None:
    code, out, err = _audit(folder, "loader")
    assert (code, out) == (2, "")
    assert err.splitlines()[-1] == (
        "caviar: users_audit.py:loader is a list: it must be or return a torch.nn.Module"
    )


def test_without_pytorch_it_says_what_to_install() -> None:
    with patch("importlib.util.find_spec", return_value=None):
        with pytest.raises(RequestError, match=r"pip install 'caviar\[torch\]'"):
            must_have_torch()


def test_an_audit_is_kept_as_a_run_and_compared_with_another(folder: Path) -> None:
    for model in ("healthy", "inverted"):
        assert _audit(folder, model, "--out", f"runs/{model}")[0] == (model != "healthy")
    told = caviar("report", "runs/inverted", cwd=folder).stdout
    assert "on 512 examples\nfound: inverted-momentum.\n1 Are its running averages" in told
    done = caviar("compare", "runs/inverted", "runs/healthy", cwd=folder)
    assert done.stdout.startswith("The verdict has changed: inverted-momentum, then healthy.")
    assert done.returncode == 1
    two = json.loads(caviar("compare", *["runs/healthy"] * 2, "--json", cwd=folder).stdout)
    assert two["verdict"] == "same"
    again = _audit(folder, "healthy", "--out", "runs/healthy")
    assert again[0] == 2 and "stays as it is; give another out" in again[2]
