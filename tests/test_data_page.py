"""The examples of docs/data.md run as they stand."""

from __future__ import annotations

import doctest
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import caviar

PAGE = Path(__file__).parent.parent / "docs" / "data.md"


def test_the_examples_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(caviar.RequestError, "__module__", "builtins")  # as the page writes it
    code = "\n".join(re.findall(r"```python\n(.*?)```", PAGE.read_text("utf-8"), re.DOTALL))
    names = {"caviar": caviar, "np": np, "pd": pd}
    test = doctest.DocTestParser().get_doctest(code, names, "data.md", str(PAGE), 0)
    failures: list[str] = []
    runner = doctest.DocTestRunner(optionflags=doctest.ELLIPSIS)
    runner.run(test, out=failures.append)
    assert runner.summarize(verbose=False).attempted > 10
    assert not failures, "".join(failures)
