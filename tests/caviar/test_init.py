"""`import caviar`: one list of names, imported when first used."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from pathlib import Path

import pytest

import caviar
from tests.conftest import WITHOUT_TORCH
from tests.sources import PACKAGES, ROOT, packages

HEAVY = {"numpy", "pandas", "pyarrow", "pydantic", "ray", "scipy", "sklearn", "matplotlib"}


def test_editors_see_the_names_that_are_there() -> None:
    """The imports that only type checkers read are those that `__getattr__` makes."""
    tree = ast.parse(Path(str(caviar.__file__)).read_text(encoding="utf-8"))
    (block,) = [node for node in tree.body if isinstance(node, ast.If)]
    typed = {
        alias.asname: str(node.module).removeprefix("caviar.")
        for node in block.body
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }
    assert typed == caviar.HOMES


@pytest.mark.skipif(WITHOUT_TORCH, reason="PyTorch is not installed")
def test_every_name_is_there() -> None:
    for name in caviar.__all__:
        assert getattr(caviar, name) is getattr(caviar, name), name


def test_a_name_that_is_not_there_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="module 'caviar' has no attribute 'no_such_name'"):
        caviar.no_such_name  # noqa: B018
    assert dir(caviar) == sorted(caviar.__all__)


def test_importing_caviar_imports_nothing_heavy() -> None:
    code = "import json, sys, caviar; print(json.dumps(sorted(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = {name.partition(".")[0] for name in json.loads(done.stdout)}
    assert "caviar" in loaded and not loaded & HEAVY


def test_only_the_front_door_joins_runner_and_analysis() -> None:
    """Nothing but the command line may import it; the pages import what they describe."""
    below = {path.name: packages(path) & set(PACKAGES) for path in (ROOT / "caviar").glob("*.py")}
    assert below == {
        "__init__.py": set(PACKAGES),  # For type checkers alone.
        "__main__.py": {"runner"},
        "arguments.py": {"runner"},
        "front_door.py": {"runner", "analysis"},
        "panda_door.py": {"runner"},
        "reference.py": {"runner"},
        "study_reference.py": {"model", "runner"},
        "tables_reference.py": {"runner", "analysis"},
        "torch_door.py": {"runner", "analysis"},
    }


def test_without_pytorch_a_name_that_needs_it_says_how_to_get_it() -> None:
    code = "import sys; sys.modules['torch'] = None\nimport caviar; caviar.watch"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    last = done.stderr.splitlines()[-1]
    assert last == "ImportError: caviar.watch needs PyTorch: pip install 'caviar[torch]'"
