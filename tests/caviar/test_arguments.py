"""Errors of the runner in the words of Python."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

import caviar
from caviar.arguments import in_python
from caviar.runner.errors import RequestError

STUDY = """
name = "x"
dataset = "wine"
budget = { steps = 4 }
[fixed]
batch_size = 64
[scientific]
norm_batch_size = [8, 32]
"""


@pytest.mark.parametrize(
    ("option", "argument"),
    [
        ("lower --workers, or replicas", "lower workers, or replicas"),
        ("give --workers 2", "give workers=2"),
        ("use --on local", "use on='local'"),
        ("more than --most 2; use another --out", "more than most=2; use another out"),
        ("add --extend to keep", "add extend=True to keep"),
        ("(--accept-other-processor takes", "(accept_other_processor=True takes"),
        ("leave --from out", "leave take_from out"),
        ("--set expects key=value", "settings expects key=value"),
        ("resume it with --register", "resume it with --register"),
        ("--shm-size=1g and --outer", "--shm-size=1g and --outer"),
    ],
)
def test_options_are_named_as_arguments(option: str, argument: str) -> None:
    with pytest.raises(RequestError, match=f"^{re.escape(argument)}$"), in_python():
        raise RequestError(option)


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"until": "hello"}, "until 'hello' is not understood; the form is"),
        ({"most": 3}, "most limits the seeds that until adds; add until"),
        ({"most": 0}, "most must be 1 or more; got 0"),
        ({"workers": 0}, "workers must be 1 or more; got 0"),
        ({"trials": 0}, "trials must be 1 or more; got 0"),
        ({"trials": -2}, "trials must be 1 or more; got -2"),
    ],
)
def test_a_wrong_argument_is_told_by_its_name(
    given: dict[str, Any], says: str, tmp_path: Path
) -> None:
    with pytest.raises(RequestError, match=re.escape(says)):
        caviar.run(STUDY, out=tmp_path / "run", on="inline", **given)
    assert not (tmp_path / "run").exists()


def test_a_setting_and_a_plan_are_told_in_the_same_words() -> None:
    with pytest.raises(RequestError, match=r"^settings: unknown key 'lr'"):
        caviar.read_study(STUDY, ["lr=1"])
    with pytest.raises(RequestError, match=r"^trials must be 1 or more; got 0$"):
        caviar.plan(STUDY, trials=0)
