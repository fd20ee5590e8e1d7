"""What `import caviar` does for its users: read a study, plan it, run it, and read the answer."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, Literal, NamedTuple

from caviar.analysis.compare.runs import TwoRuns
from caviar.analysis.compare.runs import compare as compare_runs
from caviar.analysis.findings.finding import Results
from caviar.analysis.report.answer import headlines
from caviar.analysis.results import results_of
from caviar.analysis.run.comparison import NoComparison
from caviar.analysis.run.of_model import is_of_model
from caviar.analysis.run.read import Run, read_run
from caviar.analysis.theory.advice.framework_words import words_of
from caviar.analysis.theory.advise import Advice
from caviar.analysis.theory.advise import advise as answer
from caviar.analysis.theory.question import Question
from caviar.arguments import at_least, in_python
from caviar.runner.cli.advise import Setup, fields_of, inputs, rule_of
from caviar.runner.cli.growing.looks import Looks, looks_for
from caviar.runner.cli.growing.until import Carry, run_until
from caviar.runner.errors import RequestError
from caviar.runner.executors.choice import Where, executor_on
from caviar.runner.executors.environment_checks import must_suit
from caviar.runner.executors.ray_address import must_answer
from caviar.runner.session.execute import Accepted, execute
from caviar.runner.session.loop import Progress
from caviar.runner.session.takeover import offered
from caviar.runner.session.training_path import path_of_run
from caviar.runner.store.open import storage_at
from caviar.runner.store.storage import Storage
from caviar.runner.store.uri import masked
from caviar.runner.study.plan import Plan, make_plan
from caviar.runner.study.study import Study
from caviar.runner.study.study_file import read_study as study_from_file
from caviar.runner.study.study_file import study_from_table, study_from_text
from caviar.runner.trial.kernels import Kernels
from caviar.runner.trial.run_trial import run_trial

StudySource = Study | str | Path | Mapping[str, Any]
"""A study, or what `read_study` reads: a TOML file, TOML text or a dict."""


@in_python()
def read_study(
    source: str | Path | Mapping[str, Any] | None = None, settings: Sequence[str] = ()
) -> Study:
    """Read a study from a TOML file, TOML text or a dict; without `source`, the quickstart.

    A string with a line break is TOML text; any other string names a file. `settings` are
    changes as on the command line. Paths to data are relative to the file; those in text, in a
    dict and in `settings` are relative to the working folder. Raises RequestError, in one
    sentence, for an invalid study.

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


@in_python()
def plan(study: StudySource, trials: int | None = None) -> Plan:
    """Load the data of a study and lay out its trials, each checked against the data.

    `study`: a `Study`, or whatever `read_study` reads: a file, TOML text or a dict. `trials`: plan
    only the first N trials. Raises RequestError for impossible trials.

    >>> plan = caviar.plan(caviar.read_study("sizes.toml"))
    >>> plan
    <Plan sizes: 2 trials of 2 seeds on wine>
    >>> [trial.norm_batch_size for trial in plan.trials]
    [8, 32]
    """
    at_least("trials", trials)
    return make_plan(study if isinstance(study, Study) else read_study(study), trials)


@in_python()
def run(
    study: StudySource,
    *,
    out: str | Path | None = None,
    on: Literal["local", "ray", "inline"] = "local",
    workers: int | None = None,
    address: str | None = None,
    trials: int | None = None,
    accept_other_processor: bool = False,
    kernels: Literal["auto", "on", "off"] = "auto",
    extend: bool = False,
    take_from: str | Path | None = None,
    until: str | None = None,
    most: int | None = None,
) -> Run:
    """Run the unfinished trials of a study and return the run, bit for bit as `caviar run` does.

    `study`: as for `plan`. `out`: a folder or URI, by default `runs/NAME`; the same call resumes.
    `on`: `local` processes, `inline` (this process) or `ray`, at `address` if that is given.
    `workers`: trials at once, by default one per core, or CPU of Ray's. `trials`: only the first N.
    `accept_other_processor`: resume a run that another kernel began. `kernels`: train on compiled
    kernels where they pay (`auto`), always or never. `extend`: where `out` holds a smaller study,
    add what is missing. `take_from`: a run whose equal trials are taken over. `until`: add seeds,
    at `most` 64 by default, until a difference is known: `"test_loss 16 - 256 within 0.005"`.
    Raises RequestError for a wrong request, StorageError if the storage fails, ValueError if no
    trial finished, and KeyboardInterrupt after Ctrl-C (in the main thread): all is on disk then.

    >>> caviar.run(caviar.read_study("sizes.toml"), out="runs/sizes", on="inline")
    data, rows: 178
    ...
    2/2 trials · 0 running · 0 failed · 0 diverged · ...
    <Run sizes: 2 of 2 trials completed, 0 diverged, 0 failed, 0 lost>
    """
    placed = Placed(_where(on, address), at_least("workers", workers), address)
    planned = plan(study, trials)
    root = f"runs/{planned.study.name}" if out is None else str(out)
    must_suit(placed.on, workers, planned.most, address)
    source = None if take_from is None else storage_at(take_from)
    carry = partial(_run, root, placed, accept_other_processor, _kernels(kernels), source)
    return _grown(carry, looks_for(until, most, planned, None), planned, root, extend)


class Placed(NamedTuple):
    """Where trials run."""

    on: Where
    workers: int | None
    address: str | None


def _grown(carry: Carry, looks: Looks | None, plan: Plan, root: str, extend: bool) -> Run:
    """The run once a plan was carried out, with `looks` as often as seeds had to join."""
    if looks is None:
        carry(plan, extend)
    else:
        run_until(looks, plan, storage_at(root), carry, print, extend=extend)
    return read_run(root)


def _run(
    root: str,
    place: Placed,
    accept_other_processor: bool,
    kernels: Kernels,
    source: Storage | None,
    plan: Plan,
    extend: bool,
) -> Progress:
    storage = _storage(root, place.on, place.address)
    path = path_of_run(kernels, plan, storage, source)
    progress = execute(
        plan,
        storage,
        lambda jobs: executor_on(
            place.on, plan.data, jobs, place.workers, place.address, run_trial
        ),
        f"caviar.run(out={masked(root)!r}, on={str(place.on)!r})",
        at_once=_stop,
        accepted=Accepted(accept_other_processor, extend),
        path=path,
        offer=offered(source, plan, storage, path, accept_other_processor),
    )
    if progress.interrupted:
        raise KeyboardInterrupt("all that was measured is on disk; the same call resumes")
    return progress


def _storage(root: str, where: Where, address: str | None) -> Storage:
    """The place of a run; before a new one is begun on Ray, the cluster must answer."""
    storage = storage_at(root)
    if where is Where.ray and not storage.names(""):
        must_answer(address)
    return storage


def _where(on: str, address: str | None) -> Where:
    if on not in list(Where):
        raise RequestError(f"on must be one of {', '.join(Where)}; got {on!r}")
    if address is not None and on != "ray":
        raise RequestError("address names a Ray cluster; give on='ray' too")
    return Where(on)


def _kernels(kernels: str) -> Kernels:
    if kernels not in list(Kernels):
        raise RequestError(f"kernels must be one of {', '.join(Kernels)}; got {kernels!r}")
    return Kernels(kernels)


def _stop() -> None:
    # It ends only the run: a notebook keeps its kernel. Nothing is written after it.
    raise KeyboardInterrupt


def results(run: Run, beside: Sequence[Run] = ()) -> Results:
    """The tables of a run by name; each is computed when it is first asked for, and kept.

    Losses are in nats; intervals are 95 % intervals over seeds. `beside`: other runs to show
    next to this one on the same axis. Raises ValueError if all trials have the same batch sizes;
    an unknown table name raises KeyError with the nearest name.

    >>> results = caviar.results(caviar.read_run("runs/quickstart"))
    >>> table = results["effect_of_size"]
    >>> list(table.columns[:4])
    ['reading', 'quantity', 'facet', 'level']
    >>> results["effect_of_sise"]
    Traceback (most recent call last):
    ...
    KeyError: "there is no table 'effect_of_sise'; the nearest is 'effect_of_size'; ..."
    """
    if is_of_model(run.study):
        raise ValueError(
            f"{run.name} is the run of one model, and compares nothing: its tables are those of "
            "the run (run.statistics, run.noise, run.evaluations); `caviar report` tells what they "
            "say"
        )
    tables = results_of(run, beside)
    if isinstance(tables, NoComparison):
        raise ValueError(tables.why)
    return replace(tables, says=headlines)


def compare(first: Run, second: Run) -> TwoRuns:
    """Whether two runs differ, in what and by how much: the second minus the first.

    It compares the rows of the trials that both have, bit for bit, and then the means at the
    levels that both have, paired by seed if data and draws are the same. Losses are in nats.
    Raises ValueError if the runs share no level.

    >>> run = caviar.read_run("runs/quickstart")
    >>> caviar.compare(run, run).verdict
    'same'
    """
    return compare_runs(first, second)


def advise(
    batch_size: int | None = None,
    *,
    per_device: int | None = None,
    devices: int = 1,
    sync: bool = False,
    accumulate: int = 1,
    positions: int = 1,
    effective_positions: float | None = None,
    decay: float | None = None,
    convention: str = "pytorch",
    steps: float = math.inf,
    dataset_size: float = math.inf,
    excess_kurtosis: float = 0.0,
    input_mean: float = 1.0,
    input_variance: float = 2.0,
) -> Advice:
    """What theory alone says about a batch size and a running average, and what to change.

    `batch_size`: examples that share one mean and variance, or `per_device` on each of `devices`,
    which share it with `sync`; `accumulate` batches per weight update share nothing. `positions`
    of a convolution are worth `effective_positions` independent ones; where that is not known,
    numbers have two ends. `decay`: weight of the old value (PyTorch: 1 - momentum), by default the
    `convention`'s. `steps`: weight updates. `dataset_size`: examples shuffled each epoch, by
    default independent batches. `excess_kurtosis`, `input_mean` (in sigma) and `input_variance`:
    of batch norm's inputs. Raises RequestError for a name that means no rule or several, and
    ValueError for values out of range.

    >>> advice = caviar.advise(4)
    >>> print(advice.actions[1].do)
    In the next training run, set momentum=0.033: a memory of 30.3 updates instead of 10.
    """
    row, chosen = rule_of(convention, decay)
    about = (per_device, devices, sync, accumulate, positions, effective_positions)
    setup = Setup(batch_size, *about)
    law = inputs(excess_kurtosis, input_mean, input_variance)
    question = Question(**fields_of(row, chosen, setup, steps, dataset_size, law))
    return answer(question, words_of(row.name))
