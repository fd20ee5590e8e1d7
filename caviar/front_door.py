"""What `import caviar` does for its users: read a study, plan it, run it, and read the answer."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

from caviar.analysis.compare.runs import TwoRuns
from caviar.analysis.compare.runs import compare as compare_runs
from caviar.analysis.findings.finding import Results
from caviar.analysis.report.answer import headlines
from caviar.analysis.results import results_of
from caviar.analysis.run.comparison import NoComparison
from caviar.analysis.run.read import Run, read_run
from caviar.analysis.theory.advise import Advice
from caviar.analysis.theory.advise import advise as answer
from caviar.analysis.theory.prediction import Question
from caviar.runner.cli.advise import fields_of, rule_of
from caviar.runner.errors import RequestError
from caviar.runner.executors.choice import Where, executor_on
from caviar.runner.session.execute import execute
from caviar.runner.store.open import storage_at
from caviar.runner.store.uri import masked
from caviar.runner.study.plan import Plan, make_plan
from caviar.runner.study.study_file import Study, study_from_table, study_from_text
from caviar.runner.study.study_file import read_study as study_from_file
from caviar.runner.trial.run_trial import run_trial


def read_study(
    source: str | Path | Mapping[str, Any] | None = None, settings: Sequence[str] = ()
) -> Study:
    """A study from a TOML file, from TOML text or from a dict; without `source`, the quickstart.

    A string with a line break is TOML text; any other string names a file. `settings` are
    changes as on the command line. Paths to data are relative to the file, those in text, in a
    dict and in `settings` to the working folder. Raises RequestError, in one sentence, for what
    no study can be.

    >>> study = caviar.read_study({"name": "wine", "dataset": "wine", "replicas": 2})
    >>> study
    <Study wine: wine, 2 seeds, 1 draw>
    >>> caviar.read_study('''
    ... name = "sizes"
    ... dataset = "wine"
    ... [scientific]
    ... norm_batch_size = [8, 32]
    ... ''', ["replicas=4"])
    <Study sizes: wine, 4 seeds, 1 draw; crossed: norm_batch_size>
    """
    if isinstance(source, Mapping):
        return study_from_table(source, settings)
    if isinstance(source, str) and "\n" in source:
        return study_from_text(source, settings)
    return study_from_file(None if source is None else Path(source), settings)


def plan(study: Study, trials: int | None = None) -> Plan:
    """The trials of a study, each checked against its data, which are loaded.

    `trials`: only the first so many. Raises RequestError for trials that cannot be.

    >>> plan = caviar.plan(caviar.read_study("sizes.toml"))
    >>> plan
    <Plan sizes: 2 trials of 2 seeds on wine>
    >>> [trial.norm_batch_size for trial in plan.trials]
    [8, 32]
    """
    return make_plan(study, trials)


def run(
    study: Study,
    *,
    out: str | Path | None = None,
    on: Literal["local", "ray", "inline"] = "local",
    workers: int | None = None,
    address: str | None = None,
    trials: int | None = None,
    accept_other_processor: bool = False,
) -> Run:
    """Run what is left of a study and return the run, as `caviar run` does, bit for bit.

    `out` is a folder or a URI, by default `runs/NAME`; calling it again resumes. `on`: local
    processes, this process, or Ray, that of `address` if one is given. `workers`: how many at
    once, by default one per core. `trials`: only the first so many. `accept_other_processor`:
    resume a run that another kernel began. Trials that fail are printed, and counted in
    `Run.counts`. Raises RequestError for a wrong request, StorageError
    where the place fails, ValueError where no trial finished, and KeyboardInterrupt after a
    Ctrl-C, when what was measured is on disk. Outside the main thread Ctrl-C is not handled.

    >>> caviar.run(caviar.read_study("sizes.toml"), out="runs/sizes", on="inline")
    2/2 trials · 0 running · 0 failed · 0 diverged · ...
    <Run sizes: 2 of 2 trials completed, 0 diverged, 0 failed, 0 lost>
    """
    where = _where(on, address)
    planned = make_plan(study, trials)
    root = str(out) if out is not None else f"runs/{study.name}"
    progress = execute(
        planned,
        storage_at(root),
        lambda jobs: executor_on(where, planned.data, jobs, workers, address, run_trial),
        f"caviar.run(out={masked(root)!r}, on={on!r})",
        at_once=_stop,
        accept_other_processor=accept_other_processor,
    )
    if progress.interrupted:
        raise KeyboardInterrupt("what was measured is on disk; the same call resumes")
    return read_run(root)


def _where(on: str, address: str | None) -> Where:
    if on not in list(Where):
        raise RequestError(f"on is one of {', '.join(Where)}; got {on!r}")
    if address is not None and on != "ray":
        raise RequestError("address names a Ray cluster; give on='ray' too")
    return Where(on)


def _stop() -> None:
    # Of the run alone: a notebook keeps its kernel. Nothing is written after it.
    raise KeyboardInterrupt


def results(run: Run, beside: Sequence[Run] = ()) -> Results:
    """The tables of a run by name; each is computed when it is first asked for, and kept.

    Losses are in nats; intervals are of 95 % over seeds. `beside`: other runs, set beside this
    one on the same axis. Raises ValueError where no batch size differs between the trials; a
    table of an unknown name raises KeyError with the nearest.

    >>> results = caviar.results(caviar.read_run("runs/quickstart"))
    >>> table = results["effect_of_size"]
    >>> list(table.columns[:4])
    ['reading', 'quantity', 'facet', 'level']
    >>> results["effect_of_sise"]
    Traceback (most recent call last):
    ...
    KeyError: "there is no table 'effect_of_sise'; the nearest is 'effect_of_size'; ..."
    """
    found = results_of(run, beside)
    if isinstance(found, NoComparison):
        raise ValueError(found.why)
    return replace(found, says=headlines)


def compare(here: Run, there: Run) -> TwoRuns:
    """Whether two runs differ, in what and by how much: the second less the first.

    First the rows of the trials that both have, bit for bit; then the means at the levels that
    both have, paired by seed where data and draws are the same. Losses are in nats. Raises
    ValueError where the runs share no level.

    >>> run = caviar.read_run("runs/quickstart")
    >>> caviar.compare(run, run).verdict
    'same'
    """
    return compare_runs(here, there)


def advise(
    batch_size: int,
    *,
    decay: float | None = None,
    convention: str = "pytorch",
    steps: float = math.inf,
    dataset_size: float = math.inf,
    excess_kurtosis: float = 0.0,
) -> Advice:
    """What theory alone says of a batch size and a running average, and what to change.

    `batch_size`: examples behind one mean and variance. `decay`: weight of the old value
    (PyTorch: 1 - momentum), by default that of the convention. `steps`: updates, by default
    the long run. `dataset_size`: examples shuffled each epoch, by default independent batches.
    `excess_kurtosis` is of the inputs, 0 for normal ones. Raises RequestError for an unknown
    convention and ValueError for what cannot be asked.

    >>> advice = caviar.advise(16, convention="keras-3")
    >>> number = advice.numbers[0]
    >>> print(f"{number.words}: {number.value:.0f} {number.unit}")
    independent examples as accurate as the average: 3184 examples
    """
    row, chosen = rule_of(convention, decay)
    asked = fields_of(row, chosen, batch_size, None, None, excess_kurtosis)
    return answer(Question(**{**asked, "steps": steps, "dataset_size": dataset_size}))
