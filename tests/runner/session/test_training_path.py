from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from caviar.runner.errors import RequestError
from caviar.runner.session import training_path
from caviar.runner.session.run_folder import STUDY
from caviar.runner.session.training_path import path_before, path_of_run
from caviar.runner.store.open import storage_at
from caviar.runner.store.storage import Storage
from caviar.runner.trial.kernels import Kernels, TrainingPath
from tests.runner.helpers import TINY, plan_of

PLAN = plan_of(*TINY)
TANH = plan_of(*TINY, "activation=tanh")


NEW = storage_at(Path("no such run"))


@pytest.fixture
def begun(tmp_path: Path) -> Callable[..., Storage]:
    """Makes a run whose sessions took these paths."""

    def make(*paths: str) -> Storage:
        folder = tmp_path / "-".join(paths)
        folder.mkdir()
        sessions = [{"training": path} for path in paths]
        content = {"hash": "", "study": {"name": "", "dataset": ""}, "sessions": sessions}
        (folder / STUDY).write_text(json.dumps(content))
        return storage_at(folder)

    return make


@pytest.fixture(autouse=True)
def ready(monkeypatch: pytest.MonkeyPatch) -> list[object]:
    """The plans that kernels were made ready for; nothing is compiled."""
    plans: list[object] = []
    monkeypatch.setattr(training_path, "compile_for", plans.append)
    return plans


def test_kernels_can_be_asked_for_and_refused(
    ready: list[object], begun: Callable[..., Storage]
) -> None:
    assert path_of_run(Kernels.off, PLAN, begun("compiled")) is TrainingPath.numpy
    assert path_of_run(Kernels.on, PLAN, begun("numpy")) is TrainingPath.compiled
    assert ready == [PLAN]


def test_a_run_takes_kernels_where_they_pay(monkeypatch: pytest.MonkeyPatch) -> None:
    assert path_of_run(Kernels.auto, PLAN, NEW) is TrainingPath.numpy
    monkeypatch.setattr(training_path, "WORTH", 0.0)
    assert path_of_run(Kernels.auto, PLAN, NEW) is TrainingPath.compiled
    assert path_of_run(Kernels.auto, TANH, NEW) is TrainingPath.numpy


def test_a_run_goes_on_as_its_last_session_did(begun: Callable[..., Storage]) -> None:
    assert path_of_run(Kernels.auto, PLAN, begun("compiled")) is TrainingPath.compiled
    assert path_of_run(Kernels.auto, PLAN, begun("compiled", "numpy")) is TrainingPath.numpy
    assert path_before({"sessions": [{}]}) is path_before({"sessions": []}) is TrainingPath.numpy


def test_without_numba(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    begun: Callable[..., Storage],
) -> None:
    def missing() -> str:
        raise ImportError("No module named 'numba'")

    monkeypatch.setattr(training_path, "compiled_by", missing)
    with pytest.raises(RequestError, match="needs Numba, which cannot be imported here: No module"):
        path_of_run(Kernels.on, PLAN, NEW)
    assert path_of_run(Kernels.auto, PLAN, begun("compiled")) is TrainingPath.numpy
    assert capsys.readouterr().out.startswith("training on NumPy, which is slower: Numba cannot be")
