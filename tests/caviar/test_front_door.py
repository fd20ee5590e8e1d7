"""`caviar.run` and its neighbours, as scripts, threads and standard input call them."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from html import escape
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import caviar
from caviar.analysis.report.answer import headlines
from caviar.runner.executors.blas_threads import ONE_BLAS_THREAD
from tests.faults.injections import rows_that_count
from tests.faults.program import run_here
from tests.runner.helpers import TINY

STUDY = {
    "name": "tiny",
    "replicas": 2,
    "dataset": {"name": "wine", "train": 96, "validation": 40},
    "budget": {"epochs": 2},
    "fixed": {"hidden": [6], "batch_size": 16, "evaluations": 1, "curve_rows": 3},
    "scientific": {"norm_batch_size": [4, 16]},
}

WIDE = ("hidden=[128, 128]", "batch_size=64", "norm_batch_size=[64]", "budget={ steps = 4 }")
"""Products so large that OpenBLAS would use several threads for them."""

SCRIPT = f"""
import caviar
print(caviar.run(caviar.read_study({STUDY}), out="without", workers=1))
if __name__ == "__main__":
    print(caviar.run(caviar.read_study({STUDY}), out="with", workers=1))
"""
"""Runs one study outside a main guard and one inside."""


def test_a_study_is_read_from_text_a_file_and_a_dict(tmp_path: Path) -> None:
    text = 'name = "x"\ndataset = "wine"\nreplicas = 3\n'
    (tmp_path / "x.toml").write_text(text, encoding="utf-8")
    studies = [
        caviar.read_study(source)
        for source in (text, tmp_path / "x.toml", str(tmp_path / "x.toml"))
    ]
    table = {"name": "x", "dataset": "wine", "replicas": 3}
    fields = [study.model_dump() for study in studies]  # Their folders differ.
    assert fields == [caviar.read_study(table).model_dump()] * 3
    assert caviar.read_study(table, ["replicas=4"]).replicas == 4 and table["replicas"] == 3
    with pytest.raises(caviar.RequestError, match=r"^the text is not valid TOML: "):
        caviar.read_study("name = \n")


def test_a_run_takes_what_read_study_reads(tmp_path: Path) -> None:
    text = 'name = "x"\ndataset = "wine"\n[fixed]\nbatch_size = 16\n'
    (tmp_path / "x.toml").write_text(text, encoding="utf-8")
    assert caviar.plan(tmp_path / "x.toml").trials == caviar.plan(text).trials
    run = caviar.run(STUDY, out=tmp_path / "run", on="inline")
    assert run.study["study"]["name"] == "tiny" and len(run.trials) == 2


@pytest.mark.parametrize(("kernels", "path"), [("auto", "numpy"), ("on", "compiled")])
def test_a_run_trains_on_the_path_that_it_is_told(kernels: Any, path: str, tmp_path: Path) -> None:
    """Two epochs on wine are too few for kernels to pay."""
    run = caviar.run(STUDY, out=tmp_path, on="inline", kernels=kernels)
    assert set(run.outcomes["path"]) == {path}
    assert run.study["sessions"][-1]["training"] == path


@pytest.mark.parametrize("on", ["inline", "local"])
def test_the_bits_are_those_of_the_command_line(on: Any, tmp_path: Path) -> None:
    """The same bits, whatever the number of BLAS threads in this process."""
    settings = (*TINY, *WIDE)
    run_here(tmp_path / "program", *settings)
    caviar.run(caviar.read_study(None, settings), out=tmp_path / "run", on=on)
    assert rows_that_count(tmp_path / "run") == rows_that_count(tmp_path / "program")


def test_a_process_with_two_blas_threads_keeps_them_and_has_the_same_bits(tmp_path: Path) -> None:
    code = f"""
import caviar, numpy, threadpoolctl
def threads(): return {{pool["num_threads"] for pool in threadpoolctl.threadpool_info()}}
before = threads()
caviar.run(caviar.read_study(None, {[*TINY, *WIDE]}), out="two", on="inline")
print(before, threads())
"""
    two = {**os.environ, **dict.fromkeys(ONE_BLAS_THREAD, "2")}
    output = called("-c", code, folder=tmp_path, environment=two)
    assert output.splitlines()[-1] == "{2} {2}"
    run_here(tmp_path / "one", *TINY, *WIDE)
    assert rows_that_count(tmp_path / "two") == rows_that_count(tmp_path / "one")


def called(
    *words: str,
    folder: Path,
    given: str | None = None,
    environment: dict[str, str] | None = None,
) -> str:
    """What Python prints when run with these arguments; its standard error must be empty."""
    done = subprocess.run(
        [sys.executable, *words],
        cwd=folder,
        input=given,
        capture_output=True,
        text=True,
        env=environment,
    )
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


def test_a_script_starts_workers_that_do_not_run_it_again(tmp_path: Path) -> None:
    (tmp_path / "script.py").write_text(SCRIPT, encoding="utf-8")
    output = called("script.py", folder=tmp_path)
    shown = "<Run tiny: 2 of 2 trials completed, 0 diverged, 0 failed, 0 lost>"
    assert [line for line in output.splitlines() if "<Run" in line] == [shown, shown]


def test_a_script_may_come_from_standard_input(tmp_path: Path) -> None:
    script = SCRIPT.partition("if __name__")[0]
    output = called("-", folder=tmp_path, given=script)
    assert output.count("<Run tiny: 2 of 2 trials completed") == output.count("<Run") == 1


def test_a_thread_may_run_a_study(tmp_path: Path) -> None:
    handlers = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]
    runs: list[caviar.Run] = []

    def work() -> None:
        runs.append(caviar.run(caviar.read_study(STUDY), out=tmp_path / "run", workers=1))

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert [run.counts["completed"] for run in runs] == [2]
    assert handlers == [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]


def test_the_handlers_of_before_are_back_after_a_run(tmp_path: Path) -> None:
    def own(number: int, frame: object) -> None: ...

    before = signal.signal(signal.SIGINT, own)
    try:
        caviar.run(caviar.read_study(STUDY), out=tmp_path / "run", on="inline")
        assert signal.getsignal(signal.SIGINT) is own
    finally:
        signal.signal(signal.SIGINT, before)


def test_a_wrong_request_is_refused_before_anything_is_written(tmp_path: Path) -> None:
    study: Any = caviar.read_study(STUDY)
    refused: tuple[tuple[dict[str, Any], str], ...] = (
        ({"on": "cloud"}, "on must be one of local, ray, inline; got 'cloud'"),
        ({"address": "auto"}, "address names a Ray cluster; give on='ray' too"),
        ({"kernels": "yes"}, "kernels must be one of auto, on, off; got 'yes'"),
    )
    for words, sentence in refused:
        with pytest.raises(caviar.RequestError, match=sentence):
            caviar.run(study, out=tmp_path / "run", **words)
    assert not (tmp_path / "run").exists()


def test_values_are_shown_shortly(tmp_path: Path) -> None:
    study = caviar.read_study(STUDY)
    run = caviar.run(study, out=tmp_path / "<run>", on="inline")
    assert repr(run) == "<Run tiny: 2 of 2 trials completed, 0 diverged, 0 failed, 0 lost>"
    page = run._repr_html_()
    assert f"<td>evaluations</td><td>{len(run.evaluations):,}</td>" in page
    assert "&lt;run&gt;" in page and "<run>" not in page
    assert len(repr(caviar.plan(study))) < 80 and len(repr(study)) < 120
    results, two = caviar.results(run), caviar.compare(run, run)
    for value in (results, two, caviar.advise(16)):
        assert "\n" not in repr(value) and value._repr_html_().startswith("<div><strong>")
    assert (
        repr(two) == "<TwoRuns: same; 0 changed fields, " + f"{len(two.differences)} differences>"
    )
    assert f"<td>losses</td><td>{len(results['losses'])}</td>" in results._repr_html_()


def test_results_in_a_notebook_begin_with_the_answer(tmp_path: Path) -> None:
    study = caviar.read_study(None, [*TINY, "replicas=6"])
    results = caviar.results(caviar.run(study, out=tmp_path / "run", on="inline"))
    sentences = [escape(sentence) for sentence in headlines(results) if sentence]
    assert sentences
    assert "".join(f"<p>{sentence}</p>" for sentence in sentences) in results._repr_html_()


def test_a_run_that_compares_nothing_says_so(tmp_path: Path) -> None:
    study = caviar.read_study({**STUDY, "scientific": {}})
    run = caviar.run(study, out=tmp_path / "run", on="inline")
    with pytest.raises(ValueError, match="All trials have the same batch sizes"):
        caviar.results(run)


def test_advice_is_that_of_theory() -> None:
    numbers = {number.key: number.value for number in caviar.advise(16, steps=100).numbers}
    endless = {number.key: number.value for number in caviar.advise(16).numbers}
    assert numbers["start_left"] == pytest.approx(0.9**100)
    assert "start_left" not in endless and np.isfinite(numbers["lag"])
    with pytest.raises(ValueError, match="a batch of 1 has no variance"):
        caviar.advise(1)
    with pytest.raises(caviar.RequestError, match="did you mean 'keras-3'"):
        caviar.advise(16, convention="keras-33")


def test_comparing_a_run_with_itself(tmp_path: Path) -> None:
    run = caviar.run(caviar.read_study(STUDY), out=tmp_path / "run", on="inline")
    comparison = caviar.compare(run, run)
    assert comparison.verdict == "same" and isinstance(comparison.differences, pd.DataFrame)
