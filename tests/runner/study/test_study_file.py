"""From a study file to its trials."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from caviar.runner.errors import RequestError
from caviar.runner.study.study import Budget
from caviar.runner.study.study_file import read_study
from tests.runner.helpers import TINY, plan_of
from tests.runner.large_studies import RATES


@pytest.mark.parametrize(("budget", "steps"), [("{ epochs = 3 }", 18), ("{ steps = 7 }", 7)])
def test_a_budget_in_epochs_or_steps(budget: str, steps: int) -> None:
    assert {c.steps for c in plan_of(*TINY, f"budget={budget}").trials} == {steps}
    assert Budget(epochs=3).steps_for(6) == 18


@pytest.mark.parametrize(
    ("setting", "says"),
    [
        ("scientific.changes=[['3: momentum = 0.5']]", "changes in [scientific]: they can neither"),
        ("nuisance.changes={scale='choice', values=[[]]}", "name each list of changes as an arm"),
        (
            "arms.edited={ changes=['6: norm_batch_size = 8'] }",
            "norm_batch_size is in [scientific], and the changes in arms.edited set it at step 6: ",
        ),
        ("fixed.changes=['3: learning_rat = 1']", "did you mean 'learning_rate'?"),
        ("fixed.changes='3: momentum = 0.5'", "changes: must be a list"),
    ],
)
def test_changes_are_neither_levels_nor_leave_any(setting: str, says: str) -> None:
    with pytest.raises(RequestError) as refused:
        plan_of(*TINY, setting)
    assert says in str(refused.value)


def test_changes_may_be_fixed_for_every_trial() -> None:
    plan = plan_of(*TINY, "changes=['3: momentum=0.5']")
    assert {trial.changes for trial in plan.trials} == {("3: momentum = 0.5",)}


STUDY = """
name = "here"
dataset = {{ path = "{path}", label = "y" }}
[fixed]
hidden = [4]
batch_size = 4
"""


def test_paths_in_a_file_are_relative_to_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "studies").mkdir()
    (tmp_path / "s.toml").write_text(STUDY.format(path="data/d.csv"))
    (tmp_path / "studies" / "s.toml").write_text(STUDY.format(path="../data/d.csv"))
    monkeypatch.chdir(tmp_path / "data")
    for path in (tmp_path / "s.toml", Path("../studies/s.toml")):
        assert read_study(path).dataset.path == str(tmp_path / "data" / "d.csv")


def test_paths_in_settings_are_relative_to_the_working_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "here").mkdir()
    (tmp_path / "s.toml").write_text(STUDY.format(path="d.csv"))
    monkeypatch.chdir(tmp_path / "here")
    for setting in ("dataset.path=e.csv", 'dataset={ path = "e.csv", label = "y" }'):
        read = read_study(tmp_path / "s.toml", [setting])
        assert read.dataset.path == str(tmp_path / "here" / "e.csv")


@pytest.mark.parametrize(
    ("setting", "field", "value"),
    [
        ("norm_batch_size=8", "norm_batch_size", {8}),
        ("norm_batch_size=[2, 8]", "norm_batch_size", {2, 8}),
        ("learning_rate=0.5", "learning_rate", {0.5}),
        ("learning_rate={ scale = 'choice', values = [0.25] }", "learning_rate", {0.25}),
        ("activation=tanh", "activation", {"tanh"}),
        ('activation="tanh"', "activation", {"tanh"}),
        ("fixed.activation=tanh", "activation", {"tanh"}),
        ("hidden=[3, 4]", "hidden", {(3, 4)}),
        (" hidden = [3] ", "hidden", {(3,)}),
        ("replicas=1", "seeds", {(0,)}),
        ("scientific.activation=['relu', 'tanh']", "activation", {"relu", "tanh"}),
    ],
)
def test_a_setting_changes_the_field_where_the_study_has_it(
    setting: str, field: str, value: set[Any]
) -> None:
    plan = plan_of(*TINY, RATES, setting)
    assert {getattr(config, field) for config in plan.trials} == value


@settings(deadline=None, max_examples=20)
@given(text=st.text(max_size=20))
def test_any_setting_is_understood_or_refused(text: str) -> None:
    for setting in (text, f"name={text}", f"hidden={text}", f"{text}=1"):
        try:
            read_study(None, [setting])
        except RequestError as error:
            assert str(error)


def test_home_and_variables_in_places_of_data(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("DATA", str(tmp_path / "data"))
    places = {
        "~/t.csv": str(tmp_path / "t.csv"),
        "$HOME/t.csv": str(tmp_path / "t.csv"),
        "${DATA}/t.csv": str(tmp_path / "data" / "t.csv"),
        "s3://bucket/t.csv": "s3://bucket/t.csv",
        "t.csv": str(tmp_path / "studies" / "t.csv"),
    }
    (tmp_path / "studies").mkdir()
    for place, expected in places.items():
        file = tmp_path / "studies" / "s.toml"
        file.write_text(f'\ufeffname = "s"\ndataset = {{ path = "{place}", label = "y" }}\n')
        assert read_study(file).dataset.path == expected
