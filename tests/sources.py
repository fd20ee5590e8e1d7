"""The source files, each parsed once, for the tests that hold all of them to a rule."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parents[1]
PACKAGES = ("model", "runner", "analysis")
FILES = sorted(path for package in PACKAGES for path in (ROOT / package).rglob("*.py"))
CHECKED = sorted(
    {
        *FILES,
        *(p for top in ("caviar", "benchmarks", "studies") for p in (ROOT / top).glob("*.py")),
        *(ROOT / "tests").rglob("*.py"),
    }
)


def name_of(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


@cache
def trees() -> dict[Path, ast.Module]:
    """Every file of the packages, parsed once for all rules."""
    return {path: ast.parse(path.read_text(encoding="utf-8")) for path in FILES}


class Facts(NamedTuple):
    """What the rules ask of every file: its imports, and its functions with their lengths."""

    modules: tuple[str, ...]
    functions: tuple[tuple[str, int], ...]


@cache
def facts(path: Path) -> Facts:
    tree = trees().get(path) or ast.parse(path.read_text(encoding="utf-8"))
    functions = [
        (f"{name_of(path)}:{node.lineno}: {node.name}", (node.end_lineno or 0) - node.lineno + 1)
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    ]
    return Facts(tuple(imported(tree)), tuple(functions))


def imported(tree: ast.AST) -> Iterator[str]:
    """Every module that is imported, wherever in the file, with what is taken from it."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "relative imports hide who imports whom"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def packages(path: Path) -> set[str]:
    """The top-level name of every import; for `caviar`, the package below it."""
    return {m.removeprefix("caviar.").partition(".")[0] for m in facts(path).modules}


def top(module: str) -> str:
    return module.partition(".")[0]


def dotted(node: ast.AST) -> str:
    """`np.random.default_rng` for such an attribute, else an empty string."""
    if isinstance(node, ast.Attribute):
        before = dotted(node.value)
        return f"{before}.{node.attr}" if before else ""
    return node.id if isinstance(node, ast.Name) else ""


@cache
def nodes() -> tuple[tuple[str, ast.expr], ...]:
    """Every call and attribute of the packages with where it stands, walked once for all rules."""
    return tuple(
        (f"{name}:{node.lineno}", node)
        for path, tree in trees().items()
        for name in (name_of(path),)
        for node in ast.walk(tree)
        if isinstance(node, ast.Call | ast.Attribute)
    )
