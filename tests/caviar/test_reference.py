"""`docs/python.md`: every exported name is documented, and pages use no other name."""

from __future__ import annotations

import doctest
import inspect
import re
import shutil
from collections.abc import Iterator
from contextlib import chdir
from pathlib import Path

import numpy as np
import pytest

import caviar
from caviar import reference
from tests.runner.helpers import TINY

ROOT = Path(__file__).resolve().parents[2]

SIZES = """
name = "sizes"
replicas = 2
[dataset]
name = "wine"
train = 96
validation = 40
[budget]
epochs = 2
[fixed]
hidden = [6]
batch_size = 32
learning_rate = 0.1
evaluations = 1
curve_rows = 3
[scientific]
norm_batch_size = [8, 32]
"""
"""The study that examples call `sizes.toml`."""

CODE = re.compile(r"^```(?:python|pycon)\n(.*?)^```", re.MULTILINE | re.DOTALL)
USED = re.compile(r"\bcaviar\.(\w+)")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The working folder of every example: `sizes.toml`, and a run in `runs/quickstart`."""
    path = tmp_path_factory.mktemp("examples")
    (path / "sizes.toml").write_text(SIZES, encoding="utf-8")
    with chdir(path):
        caviar.run(caviar.read_study(None, [*TINY, "replicas=5"]), on="inline")
        yield path


def test_every_generated_page_is_the_committed_one() -> None:
    stale = [
        file.name
        for file, text in reference.pages().items()
        if file.read_text(encoding="utf-8") != text
    ]
    assert not stale, "python -m caviar.reference writes them anew"


@pytest.mark.parametrize("name", caviar.__all__)
def test_every_name_is_documented_with_an_example(name: str) -> None:
    documentation = reference.documentation(name)
    assert documentation.strip()
    if inspect.isclass(getattr(caviar, name)) or inspect.isfunction(getattr(caviar, name)):
        assert ">>>" in documentation


@pytest.mark.parametrize("name", ["caviar", *caviar.__all__])
def test_every_example_runs(name: str, folder: Path) -> None:
    shutil.rmtree(folder / "runs/sizes", ignore_errors=True)
    text = caviar.__doc__ if name == "caviar" else reference.documentation(name)
    names = {"caviar": caviar, "np": np}
    example = doctest.DocTestParser().get_doctest(text or "", names, name, None, None)
    transcript: list[str] = []
    runner = doctest.DocTestRunner(optionflags=doctest.ELLIPSIS | doctest.IGNORE_EXCEPTION_DETAIL)
    assert runner.run(example, out=transcript.append).failed == 0, "".join(transcript)


def test_pages_use_exported_names_only() -> None:
    pages = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *(ROOT / "docs").glob("*.md")]
    code = "\n".join(block for page in pages for block in CODE.findall(page.read_text("utf-8")))
    assert set(USED.findall(code)) <= set(caviar.__all__)
    assert not re.findall(r"^.*from caviar\b.*$", code, re.MULTILINE)
