"""The floors of the house: who may import whom, and how long a file may be."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PACKAGES = ("model", "runner", "analysis")
FILES = sorted(path for package in PACKAGES for path in (ROOT / package).rglob("*.py"))
STDLIB = frozenset(sys.stdlib_module_names) | {"__future__"}

ALLOWED = {
    "model": {"numpy", "model"},
    "runner": {"numpy", "pyarrow", "scipy", "sklearn", "pydantic", "typer", "rich"}
    | {"model", "runner"},
    "analysis": {"numpy", "pandas", "pyarrow", "scipy", "matplotlib", "jinja2", "analysis"},
}
ALONE = {
    "ray": {"runner/cluster.py"},
    "analysis": {"runner/cli.py", "runner/report.py"},
    "sklearn": {"runner/sources.py"},
    "scipy": {"runner/space.py"},
}
"""What a file of the runner may import besides, and no other file of it may."""

PICKLES = {"pickle", "_pickle", "marshal", "shelve", "dill", "joblib", "cloudpickle"}
IMPURE = {"io", "os", "pathlib", "random", "time", "datetime", "logging", "warnings", "sys"}
GENERATORS = {"Generator", "default_rng", "SeedSequence", "BitGenerator", "PCG64"}


def name_of(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def tree_of(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def imported(tree: ast.AST) -> Iterator[str]:
    """Every module that is imported, wherever in the file, with what is taken from it."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "relative imports hide who imports whom"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def top(module: str) -> str:
    return module.partition(".")[0]


def dotted(node: ast.AST) -> str:
    """`np.random.default_rng` for such an attribute, else an empty string."""
    if isinstance(node, ast.Attribute):
        before = dotted(node.value)
        return f"{before}.{node.attr}" if before else ""
    return node.id if isinstance(node, ast.Name) else ""


@pytest.fixture(params=FILES, ids=name_of)
def path(request: pytest.FixtureRequest) -> Path:
    found: Path = request.param
    return found


def test_the_packages_are_there() -> None:
    assert {top(name_of(path).replace("/", ".")) for path in FILES} == set(PACKAGES)
    assert len(FILES) > 40


def test_a_floor_imports_what_lies_below(path: Path) -> None:
    package = path.relative_to(ROOT).parts[0]
    extra = {module for module, files in ALONE.items() if name_of(path) in files}
    if package == "runner":
        extra -= ALLOWED["runner"]
    strangers = {top(m) for m in imported(tree_of(path))} - STDLIB - ALLOWED[package] - extra
    assert not strangers


def test_what_one_file_of_the_runner_imports_alone(path: Path) -> None:
    if path.is_relative_to(ROOT / "runner"):
        for module in {top(m) for m in imported(tree_of(path))} & ALONE.keys():
            assert name_of(path) in ALONE[module]


def test_the_runner_takes_only_the_sequences_from_scipy() -> None:
    modules = {m for m in imported(tree_of(ROOT / "runner" / "space.py")) if top(m) == "scipy"}
    assert modules == {"scipy.stats.qmc"}


def test_no_import_goes_around_the_import_statement(path: Path) -> None:
    for node in ast.walk(tree_of(path)):
        if isinstance(node, ast.Call):
            last = dotted(node.func).rpartition(".")[2]
            assert last not in {"__import__", "import_module", "eval", "exec", "run_path"}


def test_the_model_reads_no_files_and_no_clocks_and_prints_nothing() -> None:
    for path in (ROOT / "model").rglob("*.py"):
        tree = tree_of(path)
        assert not {top(m) for m in imported(tree)} & IMPURE, name_of(path)
        called = {dotted(node.func) for node in ast.walk(tree) if isinstance(node, ast.Call)}
        assert not called & {"print", "open", "input"}, name_of(path)
        assert not [node for node in ast.walk(tree) if isinstance(node, ast.Global)]


def test_no_generator_is_shared_by_the_whole_process(path: Path) -> None:
    tree = tree_of(path)
    assert "random" not in {top(m) for m in imported(tree)}
    for node in ast.walk(tree):
        name = dotted(node)
        if name.startswith(("np.random.", "numpy.random.")):
            assert name.split(".")[2] in GENERATORS, f"{name_of(path)}: {name}"


def test_every_generator_is_seeded(path: Path) -> None:
    for node in ast.walk(tree_of(path)):
        if isinstance(node, ast.Call) and dotted(node.func).endswith("random.default_rng"):
            assert node.args or node.keywords, f"{name_of(path)}:{node.lineno}"


def test_nothing_at_rest_is_pickled(path: Path) -> None:
    tree = tree_of(path)
    assert not {top(m) for m in imported(tree)} & PICKLES
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            named = {k.arg: k.value for k in node.keywords}
            if dotted(node.func).endswith("np.load"):
                assert "allow_pickle" in named, f"{name_of(path)}:{node.lineno}"
            permission = named.get("allow_pickle", ast.Constant(False))
            assert isinstance(permission, ast.Constant) and permission.value is False
            assert not dotted(node.func).endswith(".read_pickle")


def test_files_are_short(path: Path) -> None:
    assert len(path.read_text(encoding="utf-8").splitlines()) < 300


def test_functions_are_short(path: Path) -> None:
    for node in ast.walk(tree_of(path)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            assert node.end_lineno is not None
            assert node.end_lineno - node.lineno + 1 < 45, f"{name_of(path)}: {node.name}"


@pytest.mark.parametrize("then", ["pass", "runner.cli.app(['--help'], standalone_mode=False)"])
def test_the_program_answers_before_it_imports_what_is_heavy(then: str) -> None:
    code = f"import sys, json, runner.cli; {then}; print(json.dumps(sorted(sys.modules)))"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT
    )
    loaded = {top(m) for m in json.loads(done.stdout.splitlines()[-1])}
    assert "typer" in loaded
    heavy = {"numpy", "pandas", "ray", "pydantic", "pyarrow", "scipy", "sklearn", "matplotlib"}
    assert not loaded & heavy


def test_the_analysis_never_loads_ray_or_the_packages_below() -> None:
    modules = ", ".join(f"analysis.{p.stem}" for p in (ROOT / "analysis").glob("*.py"))
    code = f"import sys, {modules}; print(*sorted({{m.partition('.')[0] for m in sys.modules}}))"
    done = subprocess.run(
        [sys.executable, "-c", code.replace("analysis.__init__", "analysis")],
        capture_output=True,
        text=True,
        check=True,
        cwd=ROOT,
    )
    assert not set(done.stdout.split()) & {"ray", "runner", "model", "sklearn", "pydantic"}
