"""From training to answer on small real runs: what the runner writes, the analysis reads."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from caviar.analysis.findings.finding import Results
from caviar.analysis.report.answer import answer
from caviar.analysis.report.write import write_report
from caviar.analysis.results import results_of
from caviar.analysis.run.comparison import NoComparison
from caviar.analysis.run.draws import EVERY_DRAW
from caviar.analysis.run.read import MEASUREMENTS, read_run
from caviar.analysis.statistics.intervals import FEWEST
from caviar.runner.executors.inline import InlineExecutor
from caviar.runner.session.loop import run_study
from caviar.runner.session.run_folder import open_run, remaining, unplanned
from caviar.runner.store.open import storage_at
from caviar.runner.store.sink import MemorySink, ParquetSink
from caviar.runner.study.plan import Plan, make_plan
from caviar.runner.study.study import Study
from tests.analysis.page import read_page
from tests.analysis.synthetic import results_in

TINY: dict[str, Any] = {
    "name": "tiny",
    "dataset": {"name": "digits", "train": 128, "validation": 64},
    "replicas": 5,
    "budget": {"epochs": 3},
    "draws": {"count": 2},
    "fixed": {
        "hidden": [8],
        "batch_size": 64,
        "evaluations": 2,
        "curve_rows": 2,
        "probe_batch_sizes": [8, 32],
        "conventions": ["unbiased", "cumulative"],
        "decays": [0.5, 0.99],
        "probe_share": 0.9,
        "shadow": True,
        "log_probabilities": True,
    },
    "scientific": {"norm_batch_size": [8, 16, 32, 64]},
    "nuisance": {"learning_rate": {"scale": "log_uniform", "low": 0.01, "high": 0.3}},
}


def planned(**changes: Any) -> Plan:
    table = {key: value for key, value in {**TINY, **changes}.items() if value is not None}
    return make_plan(Study(**table))


def run_plan(plan: Plan, root: Path, *, trials: int | None = None) -> MemorySink:
    """Run what is left of a plan (or the first few trials) as the command line does."""
    root.mkdir(parents=True, exist_ok=True)
    open_run(storage_at(root), plan, "caviar run")
    sinks = (ParquetSink(storage_at(root)), MemorySink())
    jobs = remaining(storage_at(root), plan)[:trials]
    for sink in sinks:
        sink.plan(unplanned(storage_at(root), plan))
        run_study(jobs, InlineExecutor(plan.data), sink, lambda progress, event: None)
        sink.close()
    return sinks[1]


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> tuple[Results, MemorySink]:
    root = tmp_path_factory.mktemp("tiny")
    memory = run_plan(planned(), root)
    return results_in(read_run(root)), memory


def test_every_row_that_was_sent_is_read(tiny: tuple[Results, MemorySink]) -> None:
    results, memory = tiny
    for table in MEASUREMENTS:
        frame = getattr(results.run, table)
        sent = [block for block in memory.blocks if block.table == table]
        assert len(frame) == sum(block.rows for block in sent) > 0
        known = {"statistics": "divergence", "noise": "batches", "predictions": "example"}
        value = known.get(table, "loss")
        numbers = [x for block in sent for x in block.columns[value]]
        assert np.array_equal(np.sort(frame[value]), np.sort(numbers))
    assert results.run.counts["completed"] == 8


def test_the_design_is_that_of_the_study(tiny: tuple[Results, MemorySink]) -> None:
    design = tiny[0].design
    assert design is not None
    assert (design.axis, design.levels, design.unit) == ("norm_batch_size", (8, 16, 32, 64), "seed")


EMPTY = (
    *("arm_effects", "mechanism_shares", "equivalent_strength", "gradient_noise"),
    *("designs", "across_data_sets", "variance_estimators"),
    *("error_parts_over_time", "field_importance"),
)
"""No arms, one run, one estimator of variance, too short a training for gradient noise, and too
few trials for what a drawn field matters."""


def test_every_table_has_rows_of_finite_numbers(tiny: tuple[Results, MemorySink]) -> None:
    results, _ = tiny
    for name, table in results.tables().items():
        if name in EMPTY:
            assert table.empty  # no arms; too short a training
            continue
        assert len(table), name
        if name == "noise_penalty_exponent":
            assert np.isfinite(table["exponent"]).all()
            continue  # tiny networks' penalties may be negative: then an end is infinite
        if name == "scorecard":
            assert table["low"].isna().all()  # five seeds: one chooses, and four have no interval
            continue
        if name == "tuning_spread":
            of_draws = table["over"] == "draws"
            assert table.loc[of_draws, "low"].isna().all()  # two draws have no interval
            table = table[~of_draws]
        if "quantity" in table:  # Few evaluations: some seeds have none near.
            table = table[table["quantity"] != "matched_test_loss"]
        if "units" in table:  # A choice takes one of the five seeds; four have no interval.
            few = table["units"] < FEWEST
            assert "low" not in table or table.loc[few, "low"].isna().all(), name
            table = table[~few]
        for column in ("mean", "low", "high"):
            if column in table:
                assert np.isfinite(table[column]).all(), (name, column)


def test_the_noise_of_the_first_layer_is_as_predicted(tiny: tuple[Results, MemorySink]) -> None:
    table = tiny[0].reading("batch_noise", EVERY_DRAW)
    assert set(table["networks"]) == {8 * 5}
    measured, predicted = table["measured_mean"], table["predicted_mean"]
    assert measured.to_numpy() == pytest.approx(predicted.to_numpy(), rel=0.2)


def test_the_answer_is_whole(tiny: tuple[Results, MemorySink]) -> None:
    text = answer(tiny[0])
    assert text.splitlines()[1].startswith("  tiny on digits: 8 of 8 trials, 5 seeds each;")
    assert "?" not in text and "nan" not in text


@pytest.mark.slow
def test_the_report_is_written(tiny: tuple[Results, MemorySink], tmp_path: Path) -> None:
    page = read_page(write_report(tiny[0], tmp_path / "report").parent)
    assert page.whole and len(page.tables) >= 8


def test_equal_runs_give_equal_answers(tiny: tuple[Results, MemorySink], tmp_path: Path) -> None:
    run_plan(planned(), tmp_path, trials=4)
    run_plan(planned(), tmp_path)
    again = results_in(read_run(tmp_path))
    for name, table in tiny[0].tables().items():
        columns = [c for c in table.columns if c != "seconds"]
        assert table[columns].to_csv() == again[name][columns].to_csv(), name


def test_networks_that_diverge_are_results(tmp_path: Path) -> None:
    plan = planned(
        draws={"count": 1},
        fixed={"hidden": [8], "norm": "none", "optimizer": "sgd", "schedule": "constant"},
        scientific={"batch_size": [16, 32, 64]},
        nuisance={"learning_rate": {"scale": "choice", "values": [1e30]}},
    )
    run_plan(plan, tmp_path)
    run = read_run(tmp_path)
    assert run.counts == {
        "planned": 3,
        "completed": 0,
        "diverged": 3,
        "failed": 0,
        "lost": 0,
        "stopped": 0,
    }
    nothing = results_of(run)
    assert isinstance(nothing, NoComparison)
    assert nothing.why.startswith("All 3 trials diverged, with every seed")
