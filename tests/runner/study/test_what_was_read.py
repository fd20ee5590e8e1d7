"""What was read of the data is said."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from caviar.runner.study.plan import make_plan
from caviar.runner.study.study_file import study_from_table
from caviar.runner.study.what_was_read import what_was_read
from tests.runner.helpers import TINY, plan_of

RNG = np.random.default_rng(0)


def of(table: pd.DataFrame, folder: Path) -> dict[str, str]:
    table.to_csv(folder / "t.csv", index=False)
    study = {
        "name": "s",
        "replicas": 4,
        "dataset": {"path": str(folder / "t.csv"), "label": "y"},
        "budget": {"steps": 2},
        "fixed": {"batch_size": 16, "hidden": [4]},
    }
    topics: dict[str, str] = {}
    plan = make_plan(study_from_table(study))
    for topic, text in what_was_read(plan.data, plan.sample[0]):
        topics[topic] = f"{topics[topic]}; {text}" if topic in topics else text
    return topics


def test_a_bundled_set() -> None:
    plan = plan_of(*TINY)
    topics = dict(what_was_read(plan.data, plan.sample[0]))
    assert list(topics) == ["rows", "features", "scaling", "classes"]


def test_wrong_labels_are_counted() -> None:
    plan = plan_of(*TINY, "dataset.label_noise=0.2")
    read = dict(what_was_read(plan.data, plan.sample[0]))["labels"]
    assert read.startswith(
        "19 of 96 training labels of every seed are replaced by another class (label_noise = 0.2)"
    )


def test_a_table_with_all_that_stands_out(tmp_path: Path) -> None:
    table = pd.DataFrame(
        {
            "a": RNG.normal(size=120),
            "flat": 37.2,
            "id": np.arange(120),
            "y": ["common"] * 100 + ["rare"] * 18 + ["Rare"] * 2,
        }
    )
    topics = of(table, tmp_path)
    assert topics["rows"] == "120"
    assert topics["features"] == "3: a, flat, id; constant: flat"
    assert topics["scaling"].startswith("each by its own deviation; scaled values reach ")
    assert "3 with rows in train / validation / test: Rare (" in topics["classes"]
    assert "; splits are stratified" in topics["classes"]
    assert "lacks a class in " in topics["classes"]
    assert "column 'id' has another whole number in every row" in topics["note"]
    assert "'Rare' and 'rare'" in topics["note"]


def test_rows_that_stand_in_train_and_test(tmp_path: Path) -> None:
    table = pd.DataFrame({"a": [0.5, 1.5] * 60, "y": ["p", "q"] * 60})
    assert of(table, tmp_path)["rows"] == "120; 24 test rows have the features of a training row"
