"""The floors of the house: who may import whom, and how long a file may be.

Every rule is one test that lists all its offenders.
"""

from __future__ import annotations

import ast
import sys
from collections import Counter

from tests.sources import (
    CHECKED,
    FILES,
    PACKAGES,
    ROOT,
    dotted,
    facts,
    name_of,
    nodes,
    packages,
    top,
    trees,
)

STDLIB = frozenset(sys.stdlib_module_names) | {"__future__"}

FLOORS = {
    "model": (
        {"contract"},
        {"layers", "parameters"},
        {"identities"},
        {"norms"},
        {"network"},
        {"averages"},
        {"steps"},
        {"records"},
        {"measurements"},
        {"train"},
        {"kernels"},
    ),
    "runner": (
        {"errors", "limits", "effects", "pandas_later"},
        {"fields"},
        {"config"},
        {"data", "trials"},
        {"trial"},
        {"study", "executors", "store"},
        {"reference", "session"},
        {"verify"},
        {"forecast", "living", "panda"},
        {"torch_models"},
        {"cli"},
    ),
    "analysis": (
        {"number_format", "notebook", "terminal_width"},
        {"run", "statistics", "theory"},
        {"tables", "exports"},
        {"scorecard", "compare", "figures", "audit"},
        {"findings"},
        {"models"},
        {"interventions", "results"},
        {"report"},
    ),
}
"""The rooms of a package from the bottom up: each imports itself and those below it."""

ALLOWED = {
    "model": {"numpy", "model"},
    "runner": {"numpy", "pyarrow", "pydantic", "typer", "rich", "model", "runner"},
    "analysis": {
        "numpy",
        "pandas",
        "pyarrow",
        "scipy",
        "matplotlib",
        "jinja2",
        "markupsafe",
        "analysis",
    },
}
TORCH_ROOM = {
    name_of(path) for path in FILES if path.is_relative_to(ROOT / "runner" / "torch_models")
}
SCREEN = {
    name_of(path)
    for path in FILES
    if path.is_relative_to(ROOT / "runner" / "cli" / "panda" / "screen")
}
ALONE = {
    "torch": TORCH_ROOM,
    "onnx": {"runner/torch_models/onnx_models/graph.py"},
    "onnxruntime": {"runner/torch_models/onnx_models/graph.py"},
    "ray": {
        f"runner/executors/{name}.py" for name in ("ray_actors", "ray_deaths", "hosting/ray_host")
    },
    "analysis": TORCH_ROOM
    | SCREEN
    | {
        f"runner/cli/{name}.py"
        for name in (
            *("advise", "main", "power", "register", "report", "watch"),
            "ending/answer",
            "finished/best",
            "finished/compare",
            "growing/until",
            *("models/advised_run", "models/audit"),
            "finished/export",
        )
    },
    "textual": SCREEN,
    "threadpoolctl": {"runner/trial/thread_pools.py"},
    "sklearn": {"analysis/tables/configurations/importance.py", "runner/data/sources.py"},
    "tensorboardX": {"analysis/exports/tensorboard.py"},
    "mlflow": {"analysis/exports/mlflow_store.py"},
    "numba": {f"model/kernels/{name}.py" for name in ("compiling", "tiles", "vectors")},
    "llvmlite": {f"model/kernels/{name}.py" for name in ("compiling", "tiles", "vectors")},
}
"""Packages that these files may import in addition, and no other file of the runner may."""

PICKLES = {"pickle", "_pickle", "marshal", "shelve", "dill", "joblib", "cloudpickle"}
IMPURE = {"io", "os", "pathlib", "random", "time", "datetime", "logging", "warnings", "sys"}
GENERATORS = {"Generator", "default_rng", "SeedSequence", "BitGenerator", "PCG64"}

LONGEST_FILE, LONGEST_FUNCTION, LARGEST_FOLDER = 300, 40, 16


def test_the_packages_are_there() -> None:
    assert {name_of(path).partition("/")[0] for path in FILES} == set(PACKAGES)
    assert len(FILES) > 140


def test_everything_is_imported_under_the_one_name() -> None:
    bare = [
        f"{name_of(path)}: {module}"
        for path in CHECKED
        for module in facts(path).modules
        if top(module) in PACKAGES
    ]
    assert not bare


def test_a_package_imports_what_lies_below() -> None:
    strangers: dict[str, set[str]] = {}
    for path in FILES:
        package = path.relative_to(ROOT).parts[0]
        extra = {module for module, files in ALONE.items() if name_of(path) in files}
        others = packages(path) - STDLIB - ALLOWED[package] - extra - {"caviar"}
        strangers |= {name_of(path): others} if others else {}
    assert not strangers


def floor_of(package: str, room: str) -> int:
    return next(i for i, rooms in enumerate(FLOORS[package]) if room in rooms)


def test_every_room_stands_on_a_floor() -> None:
    rooms = {path.relative_to(ROOT).with_suffix("").parts[:2] for path in FILES}
    assert {(package, room) for package, room in rooms if not room.startswith("__")} == {
        (package, room) for package, floors in FLOORS.items() for rooms in floors for room in rooms
    }


def test_a_room_imports_what_lies_below() -> None:
    upward = []
    for path in FILES:
        package, room = path.relative_to(ROOT).with_suffix("").parts[:2]
        if room.startswith("__"):
            continue
        for module in facts(path).modules:
            parts = module.split(".")
            if parts[:2] != ["caviar", package] or parts[2] == room:
                continue
            if floor_of(package, parts[2]) >= floor_of(package, room):
                upward.append(f"{name_of(path)} imports {module}")
    assert not upward


def test_no_two_files_import_each_other() -> None:
    """Ray is imported neither at the top of another file nor inside a function."""
    edges, files = {}, {name_of(path) for path in FILES}
    for path in FILES:
        modules = {m.removeprefix("caviar.").replace(".", "/") for m in facts(path).modules}
        targets = {f"{p}.py" for m in modules for p in (m, m.rpartition("/")[0])}
        edges[name_of(path)] = targets & files - {name_of(path)}
    while leaves := [name for name, targets in edges.items() if not targets & edges.keys()]:
        for name in leaves:
            del edges[name]
    assert not edges


def test_what_one_file_of_the_runner_imports_alone() -> None:
    assert not [
        f"{name_of(path)}: {module}"
        for path in FILES
        if path.is_relative_to(ROOT / "runner")
        for module in packages(path) & ALONE.keys()
        if name_of(path) not in ALONE[module]
    ]


def test_no_import_goes_around_the_import_statement() -> None:
    """Only a package's `__init__.py` may: it imports its names when they are first used."""
    around = {"__import__", "import_module", "eval", "exec", "run_path"}
    calls = [
        where
        for where, node in nodes()
        if isinstance(node, ast.Call) and dotted(node.func).rpartition(".")[2] in around
    ]
    assert {where.partition(":")[0] for where in calls} == {"runner/__init__.py"}


def test_the_model_reads_no_files_and_no_clocks_and_prints_nothing() -> None:
    model = {path: tree for path, tree in trees().items() if path.is_relative_to(ROOT / "model")}
    impure = {name_of(p): {top(m) for m in facts(p).modules} & IMPURE for p in model}
    assert not {name: modules for name, modules in impure.items() if modules}
    assert not [
        f"{name_of(path)}:{node.lineno}"
        for path, tree in model.items()
        for node in ast.walk(tree)
        if isinstance(node, ast.Global)
        or (isinstance(node, ast.Call) and dotted(node.func) in {"print", "open", "input"})
    ]


def test_no_generator_is_shared_by_the_whole_process() -> None:
    """But where their states are put back after a model of others has run."""
    shared = [name_of(path) for path in FILES if "random" in packages(path)]
    shared += [
        where.partition(":")[0]
        for where, node in nodes()
        if dotted(node).startswith(("np.random.", "numpy.random."))
        and dotted(node).split(".")[2] not in GENERATORS
    ]
    assert set(shared) == {"runner/torch_models/running/untouched.py"}


def test_every_generator_is_seeded() -> None:
    assert not [
        where
        for where, node in nodes()
        if isinstance(node, ast.Call)
        and dotted(node.func).endswith("random.default_rng")
        and not (node.args or node.keywords)
    ]


def _pickles(node: ast.Call) -> bool:
    named = {k.arg: k.value for k in node.keywords}
    permission = named.get("allow_pickle", ast.Constant(False))
    refused = isinstance(permission, ast.Constant) and permission.value is False
    unsaid = dotted(node.func).endswith("np.load") and "allow_pickle" not in named
    return unsaid or not refused or dotted(node.func).endswith(".read_pickle")


def test_nothing_at_rest_is_pickled() -> None:
    assert not [name_of(path) for path in FILES if packages(path) & PICKLES]
    assert not [where for where, node in nodes() if isinstance(node, ast.Call) and _pickles(node)]


def test_files_are_short() -> None:
    lines = {name_of(p): len(p.read_text(encoding="utf-8").splitlines()) for p in CHECKED}
    assert not {name: length for name, length in lines.items() if length > LONGEST_FILE}


def test_functions_are_short() -> None:
    assert not [
        f"{function} has {length} lines"
        for path in CHECKED
        for function, length in facts(path).functions
        if length > LONGEST_FUNCTION
    ]


def test_a_test_file_has_the_name_of_its_source() -> None:
    """`test_<file>.py`, or `test_<file>_<aspect>.py`, in the room of the file."""
    strangers = []
    for path in (
        path for package in PACKAGES for path in (ROOT / "tests" / package).rglob("test_*.py")
    ):
        room = ROOT / path.parent.relative_to(ROOT / "tests")
        subject = path.stem.removeprefix("test_")
        sources = [source.stem for source in FILES if source.parent == room]
        if not any(f"{subject}_".startswith(f"{source}_") for source in sources):
            strangers.append(name_of(path))
    assert not strangers


def test_every_source_has_a_test_file_of_its_name() -> None:
    tested = {path: ROOT / "tests" / path.relative_to(ROOT).parent for path in FILES}
    assert not [
        name_of(path)
        for path, room in tested.items()
        if not path.name.startswith("__") and not (room / f"test_{path.name}").exists()
    ]


def test_folders_are_small() -> None:
    files = Counter(path.parent for path in CHECKED if path.name != "__init__.py")
    assert not {name_of(d): count for d, count in files.items() if count > LARGEST_FOLDER}
