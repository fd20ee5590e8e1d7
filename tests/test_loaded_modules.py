"""What is loaded in a fresh process: nothing heavy for the program, no Ray for the analysis."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from tests.sources import FILES, ROOT, name_of, top


@pytest.mark.parametrize("then", ["pass", "main.app(['--help'], standalone_mode=False)"])
def test_the_program_answers_before_it_imports_what_is_heavy(then: str) -> None:
    code = (
        "import sys, json; from caviar.runner.cli import main; "
        f"{then}; print(json.dumps(sorted(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT
    )
    loaded = {top(m) for m in json.loads(done.stdout.splitlines()[-1])}
    assert "typer" in loaded
    heavy = {"numpy", "pandas", "ray", "pydantic", "pyarrow", "scipy", "sklearn", "matplotlib"}
    assert not loaded & heavy


FIRST = """
import io, sys
class Watched(io.StringIO):
    def write(self, text):
        if text.strip() and not self.getvalue():
            print(text.strip(), *sorted({name.partition(".")[0] for name in sys.modules}),
                  file=sys.stderr)
        return super().write(text)
sys.stdout = Watched()
sys.argv = ["caviar", "run", "missing.toml", "--on", "ray"]
from caviar.runner.cli.main import main
main()
"""


def test_the_first_line_of_a_run_comes_before_what_is_heavy() -> None:
    done = subprocess.run([sys.executable, "-c", FIRST], capture_output=True, text=True, cwd=ROOT)
    line, _ = done.stderr.splitlines()
    assert line.startswith("reading missing.toml and its data ")
    assert not set(line.split()) & {"numpy", "pandas", "ray", "pyarrow", "scipy", "sklearn"}


def test_the_analysis_never_loads_ray_or_the_packages_below() -> None:
    files = [p for p in FILES if p.is_relative_to(ROOT / "analysis") and p.name != "__init__.py"]
    modules = ", ".join(f"caviar.{name_of(p)[:-3].replace('/', '.')}" for p in files)
    code = f"import sys, {modules}; print(*sorted(sys.modules))"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT
    )
    loaded = {".".join(m.removeprefix("caviar.").split(".")[:1]) for m in done.stdout.split()}
    assert "analysis" in loaded
    assert not loaded & {"ray", "runner", "model", "sklearn", "pydantic"}


def test_a_worker_starts_without_what_only_its_driver_needs() -> None:
    code = (
        "import sys, caviar.runner.executors.worker, caviar.runner.trial.run_trial; "
        "print(*sorted(sys.modules))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT
    )
    loaded = {top(module) for module in done.stdout.split()}
    assert "numpy" in loaded
    assert not loaded & {"pyarrow", "pandas", "ray", "scipy", "sklearn", "matplotlib", "typer"}
