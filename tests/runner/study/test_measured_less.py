"""Losses that are asked for and do not fit are named in the run, not in the dry run alone."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from caviar.analysis.run.read import read_run
from caviar.runner.study.measured_less import measured_less
from caviar.runner.study.plan import make_plan
from caviar.runner.study.study import Study
from tests.runner.helpers import ended_well


def less(**fixed: Any) -> str:
    content = {
        "name": "short",
        "dataset": {"name": "wine"},
        "replicas": 1,
        "budget": {"steps": 6},
        "fixed": {"batch_size": 32, "hidden": [4], **fixed},
        "scientific": {"norm_batch_size": [8, 32]},
    }
    return measured_less(make_plan(Study.model_validate(content)))


def test_what_does_not_fit_is_counted_against_what_was_asked_for() -> None:
    assert less(evaluations=3, probe_share=0.2) == (
        "all trials measure losses at 1 of the 3 steps that evaluations asks for, since more would "
        "take above probe_share = 0.2 of the time; raise probe_share to measure at all of them"
    )


@pytest.mark.parametrize("fixed", [{}, {"evaluations": 1}, {"evaluations": 3, "probe_share": 0.99}])
def test_nothing_is_said_where_all_that_was_asked_for_is_measured(fixed: dict[str, Any]) -> None:
    assert less(**fixed) == ""


def test_a_run_says_it_where_it_runs_and_where_it_is_kept(tmp_path: Path) -> None:
    study = tmp_path / "short.toml"
    study.write_text(
        'name = "short"\ndataset = { name = "wine" }\nreplicas = 1\nbudget = { steps = 6 }\n'
        "[fixed]\nbatch_size = 32\nhidden = [4]\nevaluations = 3\n"
        "[scientific]\nnorm_batch_size = [8, 32]\n",
        encoding="utf-8",
    )
    out = tmp_path / "run"
    printed = ended_well("run", study, "--out", out, "--on", "inline", "--no-report", cwd=tmp_path)
    kept = read_run(out)
    assert f"evaluations: {kept.study['measured_less']}" in printed
    steps = kept.evaluations.groupby("trial_id")["step"].nunique()
    assert set(steps) == {1} and "at 1 of the 3 steps" in kept.study["measured_less"]
