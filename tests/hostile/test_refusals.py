"""Wrong requests: exit code 2, one line on stderr, nothing written."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.runner.helpers import TINY, Done, caviar, settings_of

CASES: dict[str, tuple[list[str], str]] = {
    "unknown key": (
        ["run", "--set", "replica=3"],
        "unknown key 'replica'; did you mean 'replicas'",
    ),
    "wrong type": (["run", "--set", "hidden=8"], "hidden: must be a list; got 8"),
    "toml": (["run", "broken.toml"], "broken.toml is not valid TOML"),
    "no study": (["run", "none.toml"], "cannot read the study file 'none.toml'"),
    "ghost size": (["run", "--set", "norm_batch_size=[7]"], "256 / 7 leaves 4"),
    "batch": (["run", "--set", "batch_size=2048"], "batch_size 2048 is above the 1024 examples"),
    "dataset": (
        ["run", "--set", "dataset=digit"],
        "unknown dataset 'digit'; did you mean 'digits'",
    ),
    "label": (["run", "--set", 'dataset={path="d.csv", label="z"}'], "there is no label 'z'"),
    "text": (["run", "--set", 'dataset={path="d.csv", label="b"}'], "d.csv: not numeric: y"),
    "sampler": (["run", "--set", "draws.sampler=grid"], "must be 'random', 'sobol' or 'halton'"),
    "address": (["run", "--address", "1.2.3.4:5"], "--address names a Ray cluster; add --on ray"),
    "dry run": (["run", "--dry-run", "--set", "momentum=1.0"], "momentum: must be less than 1"),
    "status": (["status", "none"], "'none' is not a run: it has no study.json"),
    "verify": (["verify", "."], "'.' is not a run: it has no study.json"),
    "replay": (["replay", "none", "abc"], "'none' is not a run: it has no study.json"),
    "report": (["report", "none"], "'none' is not a run: it has no study.json"),
    "damaged": (["status", "damaged"], "'damaged/study.json' is damaged"),
    "not a study": (["verify", "other"], "'other/study.json' is damaged: it does not describe"),
}

Ended = dict[str, Done]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("refused")
    (root / "broken.toml").write_text("[fixed")
    (root / "d.csv").write_text("b,y\n" + "".join(f"{i % 3},{'pq'[i % 2]}\n" for i in range(90)))
    for name, content in (("damaged", '{"hash": '), ("other", "{}")):
        (root / name).mkdir()
        (root / name / "study.json").write_text(content)
    return root


@pytest.fixture(scope="module")
def before(folder: Path) -> set[Path]:
    return set(folder.rglob("*"))


@pytest.fixture(scope="module")
def ended(folder: Path, before: set[Path]) -> Ended:
    """All the requests, one after the other."""
    return {case: caviar(*words, cwd=folder) for case, (words, _) in CASES.items()}


@pytest.mark.parametrize("case", CASES)
def test_one_line_and_exit_code_two(case: str, ended: Ended) -> None:
    done = ended[case]
    (line,) = done.stderr.splitlines()
    assert line.startswith("caviar: ") and re.search(re.escape(CASES[case][1]), line)
    assert done.returncode == 2
    assert re.fullmatch(r"(reading .+ and its data\n)?", done.stdout)


def test_a_refused_request_writes_nothing(ended: Ended, folder: Path, before: set[Path]) -> None:
    assert set(folder.rglob("*")) == before


def test_an_unknown_option_is_exit_code_two(tmp_path: Path) -> None:
    done = caviar("run", "--epochs", "3", cwd=tmp_path)
    assert done.returncode == 2 and "No such option" in done.stderr
    assert "Traceback" not in done.stderr and not list(tmp_path.iterdir())


def test_openml_without_a_network_is_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("urllib.request._opener", None)  # It keeps the proxies of its first use.
    nowhere = "http://127.0.0.1:9"
    done = caviar(
        *("run", "--dry-run", "--set", "dataset=openml:mnist_784"),
        cwd=tmp_path,
        SCIKIT_LEARN_DATA=str(tmp_path / "cache"),
        https_proxy=nowhere,
        http_proxy=nowhere,
    )
    assert done.returncode == 2
    assert "caviar: openml:mnist_784: OpenML could not be reached" in done.stderr
    assert len(done.stderr.splitlines()) == 1


@pytest.mark.parametrize(
    "words",
    [
        ["run", *settings_of(TINY), "--out", "f"],
        ["status", "f"],
    ],
    ids=["run", "status"],
)
def test_a_file_in_the_place_of_a_run_is_refused(words: list[str], tmp_path: Path) -> None:
    (tmp_path / "f").write_text("mine")
    done = caviar(*words, cwd=tmp_path)
    assert done.returncode == 2
    assert len(done.stderr.splitlines()) == 1
    assert (tmp_path / "f").read_text() == "mine"
