"""Random studies, settings and files: a RequestError of one short line is all that may leave.

The default run is a look; `-m slow` hunts.
"""

from __future__ import annotations

import gzip
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from caviar.runner.cli.dry_run import describe
from caviar.runner.cli.main import main
from caviar.runner.data.sources import load_data
from caviar.runner.errors import RequestError
from caviar.runner.fields.dataset import DatasetConfig
from caviar.runner.fields.trial import TrialFields
from caviar.runner.study.plan import make_plan
from caviar.runner.study.study import Study
from caviar.runner.study.study_file import read_study
from tests.hostile.test_damaged_files import PIXELS, TRUTH, WHOLE
from tests.hostile.test_requests import GOOD

Check = Callable[[Any], None]
FEW, MANY = 60, 3000


def hunt(check: Check, cases: st.SearchStrategy[Any], examples: int) -> None:
    """Run a check on many random cases; the small number of a default run is always the same."""
    search = given(cases)(check)
    settings(
        deadline=None,
        database=None,
        max_examples=examples,
        derandomize=examples == FEW,
        suppress_health_check=list(HealthCheck),
    )(search)()


def refused_or_fine(ask: Callable[[], object]) -> None:
    try:
        ask()
    except RequestError as error:
        message = str(error)
        assert message and len(message) < 1100
        assert all(c.isprintable() or c in "\u00a0\u202f" for c in message)


integers = st.integers(-(10**30), 10**30) | st.sampled_from([0, 1, 2, 4, 16, 64, 10**9, 2**63])
numbers = integers | st.floats() | st.sampled_from([1e-300, 0.5, 0.9, 0.999])
words = st.text(max_size=12) | st.sampled_from(
    ["batch", "layer", "train", "random", "choice", "uniform", "log_uniform", "keras-3", "sobol"]
)
plain = numbers | words | st.booleans()
keys = st.sampled_from(
    [*Study.model_fields, *TrialFields.model_fields, "scale", "low", "high", "values", "count"]
) | st.text(max_size=6)


def tables(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.lists(inner, max_size=4) | st.dictionaries(keys, inner, max_size=4)


values = st.recursive(plain, tables, max_leaves=8)
ranges = st.fixed_dictionaries(
    {"scale": words}, optional={"low": plain, "high": plain, "values": st.lists(plain, max_size=4)}
)
fields = st.sampled_from(list(TrialFields.model_fields))
studies = st.fixed_dictionaries(
    {"name": st.just("s"), "dataset": st.just("wine")},
    optional={
        "fixed": st.dictionaries(fields, values, max_size=5),
        "scientific": st.dictionaries(fields, st.lists(plain, max_size=4), max_size=3),
        "nuisance": st.dictionaries(fields, ranges | values, max_size=3),
        "arms": st.dictionaries(words, st.dictionaries(fields, plain, max_size=3), max_size=3),
        "draws": values | st.fixed_dictionaries({"count": integers, "sampler": words}),
        "budget": values | st.fixed_dictionaries({"steps": integers}),
        "replicas": plain,
        "seed": plain,
    },
)


def toml(value: Any) -> str:
    """A value as TOML writes it."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        return '"' + "".join(f"\\U{ord(c):08x}" for c in value) + '"'
    if isinstance(value, list):
        return f"[{', '.join(map(toml, value))}]"
    if isinstance(value, dict):
        return f"{{ {', '.join(f'{toml(k)} = {toml(v)}' for k, v in value.items())} }}"
    return str(value)


def edited(text: Any, pieces: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """The text with some of it left out, doubled or replaced by a piece."""
    edit = st.tuples(st.integers(0, len(text)), st.integers(0, 9), pieces, st.booleans())

    def apply(edits: list[tuple[int, int, Any, bool]]) -> Any:
        done = text
        for start, length, piece, doubled in edits:
            middle = done[start : start + length] * 2 if doubled else piece
            done = done[:start] + middle + done[start + length :]
        return done

    return st.lists(edit, min_size=1, max_size=4).map(apply)


marks = st.sampled_from([*"[]{}=\"'#.,\n\0_-", "[[", '"""', "inf", "nan", "1e999", "0x", "9" * 30])


@pytest.fixture
def study_of(tmp_path: Path) -> Check:
    def check(content: Any) -> None:
        text = (
            content
            if isinstance(content, str)
            else "\n".join(f"{toml(key)} = {toml(value)}" for key, value in content.items())
        )
        (tmp_path / "s.toml").write_bytes(text.encode(errors="surrogatepass"))
        refused_or_fine(lambda: describe(make_plan(read_study(tmp_path / "s.toml"), 12)))

    return check


@pytest.fixture
def settings_of(tmp_path: Path) -> Check:
    (tmp_path / "s.toml").write_text(GOOD)

    def check(given: list[str]) -> None:
        refused_or_fine(lambda: describe(make_plan(read_study(tmp_path / "s.toml", given), 12)))

    return check


@pytest.fixture
def file_of(tmp_path: Path) -> Check:
    def check(case: tuple[str, bytes]) -> None:
        name, content = case
        (tmp_path / name).write_bytes(content)
        dataset: dict[str, Any] = {"path": str(tmp_path / name), "label": "y"}
        if name in ("t.gz", "t.idx"):
            (tmp_path / "labels").write_bytes(TRUTH)
            dataset = {"images": dataset["path"], "labels": str(tmp_path / "labels")}
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            refused_or_fine(lambda: load_data(DatasetConfig(**dataset)))

    return check


dotted = st.lists(keys, min_size=1, max_size=3).map(".".join)
one_setting = st.tuples(dotted, values.map(toml) | st.text(max_size=20)).map("=".join) | st.text()
some_settings = st.lists(one_setting, min_size=1, max_size=3)
STUDIES: dict[str, st.SearchStrategy[Any]] = {
    "tables": studies,
    "edited": edited(GOOD, marks | st.text(max_size=5)),
    "marks": st.lists(marks | keys, max_size=20).map("".join),
    "text": st.text(),
}
pieces = st.binary(max_size=6) | st.sampled_from([b"\xff" * 4, b"\xff" * 8, b"\x7f" + b"\xff" * 7])
KINDS = {**WHOLE, "t.csv.gz": gzip.compress(WHOLE["t.csv"], mtime=0)}


def files_like(name: str) -> st.SearchStrategy[Any]:
    contents = edited(KINDS[name], pieces) | st.binary(max_size=200)
    if name == "t.gz":
        contents |= edited(PIXELS, pieces).map(lambda raw: gzip.compress(raw, 1, mtime=0))
    return st.tuples(st.just(name), contents)


@pytest.mark.parametrize("kind", STUDIES)
def test_any_study_is_planned_or_refused(kind: str, study_of: Check) -> None:
    hunt(study_of, STUDIES[kind], FEW)


def test_any_settings_are_applied_or_refused(settings_of: Check) -> None:
    hunt(settings_of, some_settings, FEW)


@pytest.mark.parametrize("name", KINDS)
def test_any_file_is_loaded_or_refused(name: str, file_of: Check) -> None:
    hunt(file_of, files_like(name), FEW)


@pytest.mark.exhaustive
@pytest.mark.parametrize("kind", STUDIES)
def test_very_many_studies(kind: str, study_of: Check) -> None:
    hunt(study_of, STUDIES[kind], MANY)


@pytest.mark.exhaustive
def test_very_many_settings(settings_of: Check) -> None:
    hunt(settings_of, some_settings, MANY)


@pytest.mark.exhaustive
@pytest.mark.parametrize("name", KINDS)
def test_very_many_files(name: str, file_of: Check) -> None:
    hunt(file_of, files_like(name), MANY)


def test_the_program_ends_with_code_two_and_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "s.toml").write_text(GOOD)
    monkeypatch.chdir(tmp_path)

    def check(setting: str) -> None:
        words = ["caviar", "run", "s.toml", "--dry-run", "--trials=2", f"--set={setting}"]
        monkeypatch.setattr("sys.argv", words)
        with pytest.raises(SystemExit) as ended:
            main()
        printed = capsys.readouterr()
        if ended.value.code:
            (line,) = printed.err.splitlines()
            assert ended.value.code == 2 and line.startswith("caviar: ") and not printed.out

    hunt(check, one_setting.filter(lambda text: "\0" not in text), FEW)
