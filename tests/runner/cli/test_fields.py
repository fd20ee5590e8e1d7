"""`caviar fields` and `caviar schema`."""

from __future__ import annotations

import json
from pathlib import Path

from caviar.runner.reference.json_schema import study_schema
from caviar.runner.reference.study_fields import study_fields
from tests.runner.helpers import caviar


def test_one_field_is_said_whole(tmp_path: Path) -> None:
    done = caviar("fields", "learning_rate", cwd=tmp_path)
    assert done.stdout.splitlines() == [
        "learning_rate",
        "  The learning rate at the start; `schedule` lowers it during training.",
        "  unit:    factor on the gradient",
        "  default: 0.1",
        "  allowed: a number above 0",
        "  example: learning_rate = 0.05",
    ]


def test_a_table_brings_its_fields_and_a_field_its_table(tmp_path: Path) -> None:
    heads = [
        [
            line
            for line in caviar("fields", name, cwd=tmp_path).stdout.splitlines()
            if line[:1].strip()
        ]
        for name in ("budget", "epochs")
    ]
    assert heads == [["budget", "budget.epochs", "budget.steps"], ["budget.epochs"]]


def test_all_fields_have_a_line_of_the_terminal_each(tmp_path: Path) -> None:
    lines = caviar("fields", cwd=tmp_path).stdout.splitlines()
    named = [line.split()[0] for line in lines if line.startswith("  ")]
    assert named == [field.name for field in study_fields()]
    assert max(map(len, lines)) <= 100


def test_an_unknown_name_is_led_to_the_nearest(tmp_path: Path) -> None:
    done = caviar("fields", "lr", cwd=tmp_path)
    assert done.returncode == 2
    assert done.stderr == "caviar: there is no field 'lr'; did you mean 'learning_rate'?\n"


def test_programs_get_data(tmp_path: Path) -> None:
    (field,) = json.loads(caviar("fields", "norm", "--json", cwd=tmp_path).stdout)
    assert (field["default"], field["unit"]) == ('"batch"', "word")
    assert json.loads(caviar("schema", cwd=tmp_path).stdout) == study_schema()
