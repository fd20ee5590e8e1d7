"""A notebook in a folder whose modules have our names, and the program in such a folder."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from jupyter_client.manager import start_new_kernel

from caviar.runner.store.open import storage_at
from caviar.runner.verify.run import verify_run
from tests.runner.helpers import TINY, Done

NAMES = ("model.py", "runner.py", "analysis/__init__.py")
"""Modules of the user's that their notebook imports."""

SHADOWS = ("types.py", "signal.py")
"""Modules that hide those of the standard library if this folder is searched first."""


def written(folder: Path, names: tuple[str, ...], content: str) -> None:
    for name in names:
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(content, encoding="utf-8")


def beside_modules_of_the_user(*words: str, folder: Path, **env: str) -> Done:
    """The installed program (`python -m` would search the folder first), to its end.

    The folder gets modules with our names, and with those of the standard library, which end
    whatever imports them.
    """
    ends = "raise SystemExit('a module of the user was imported')\n"
    written(folder, (*NAMES, *SHADOWS), ends)
    return subprocess.run(
        [Path(sys.executable).with_name("caviar"), *words],
        cwd=folder,
        env={**os.environ, **env},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


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
