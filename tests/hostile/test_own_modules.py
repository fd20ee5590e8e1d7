"""The program in a folder whose modules have our names, or those of the standard library."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from jupyter_client.manager import start_new_kernel

from caviar.runner.store.open import storage_at
from caviar.runner.verify.run import verify_run
from tests.runner.helpers import TINY, settings_of

NAMES = ("model.py", "runner.py", "analysis/__init__.py")
"""Modules of the user's that their notebook imports."""

SHADOWS = ("types.py", "signal.py")
"""Modules that hide those of the standard library if this folder is searched first."""

CAVIAR = str(Path(sys.executable).with_name("caviar"))


def written(folder: Path, names: tuple[str, ...], content: str) -> None:
    for name in names:
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(content, encoding="utf-8")


@pytest.mark.parametrize("where", [("--on", "inline"), ("--workers", "2", "--no-report")])
def test_caviar_runs_beside_modules_of_the_user(where: tuple[str, ...], tmp_path: Path) -> None:
    written(tmp_path, (*NAMES, *SHADOWS), "raise SystemExit('a module of the user was imported')\n")
    words = ["run", *settings_of(TINY), *where, "--out", "run"]
    done = subprocess.run([CAVIAR, *words], cwd=tmp_path, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
    assert not verify_run(storage_at(tmp_path / "run")).faults


@pytest.fixture
def kernel(tmp_path: Path) -> Iterator[Any]:
    """A notebook kernel in a folder with the user's modules."""
    written(tmp_path, NAMES, "OWNER = 'the user'\n")
    manager, client = start_new_kernel(cwd=str(tmp_path))
    try:
        yield client
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)


def said_by(client: Any, code: str) -> tuple[str, str]:
    """What a cell prints, and the HTML of its value."""
    texts, html = [], ""

    def receive(message: dict[str, Any]) -> None:
        nonlocal html
        content = message["content"]
        if message["msg_type"] == "stream":
            texts.append(content["text"])
        elif message["msg_type"] == "execute_result":
            html = content["data"].get("text/html", "")

    reply = client.execute_interactive(code, timeout=300, output_hook=receive)
    assert reply["content"]["status"] == "ok", reply["content"]
    return "".join(texts), html


NOTEBOOK = """
import caviar, model, runner, analysis
study = caviar.read_study(None, {settings})
print(model.OWNER, runner.OWNER, analysis.OWNER)
run = caviar.run(study, out="run")
run
"""


def test_a_notebook_has_its_own_modules_and_caviar(kernel: Any, tmp_path: Path) -> None:
    printed, html = said_by(kernel, NOTEBOOK.format(settings=list(TINY)))
    assert printed.startswith("the user the user the user\n")
    assert "4/4 trials" in printed and "Traceback" not in printed
    assert html.startswith("<div><strong>Run quickstart</strong><p>4 of 4 trials completed")
    assert not verify_run(storage_at(tmp_path / "run")).faults
