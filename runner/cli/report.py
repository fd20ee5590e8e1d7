"""A run's answer and its page: compute the results and verify the run at once, then write."""

from __future__ import annotations

import time
import webbrowser
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

from caviar.analysis.findings.finding import Results
from caviar.analysis.interventions.results import edited_results
from caviar.analysis.interventions.schedule_results import schedule_results
from caviar.analysis.models.model_results import ModelResults
from caviar.analysis.models.results import model_results
from caviar.analysis.report.answer import answer
from caviar.analysis.report.first_screen import first_screen
from caviar.analysis.report.page.of_model import model_answer, model_screen
from caviar.analysis.report.page.picture import Drawing, picture_of
from caviar.analysis.report.screen_text import text
from caviar.analysis.report.write import write_report
from caviar.analysis.results import results_of
from caviar.analysis.run.comparison import NoComparison
from caviar.analysis.run.complete_sizes import while_running
from caviar.analysis.run.of_model import is_of_model
from caviar.analysis.run.read import Run, read_run, run_in
from caviar.analysis.run.stored.lineages import is_panda
from caviar.analysis.run.stored.location import DamagedError, Place, place_at, published
from caviar.analysis.run.stored.study_json import study_in
from caviar.analysis.scorecard.registry import declarations_hash
from caviar.runner.cli.terminal import Styled, has_colour, width
from caviar.runner.errors import (
    AllDivergedError,
    InternalError,
    RequestError,
    StorageError,
    printable,
    unwritten_report,
)
from caviar.runner.store.open import storage_at
from caviar.runner.store.uri import joined, masked
from caviar.runner.verify.run import verify_run

Told = Results | NoComparison | ModelResults
Telling = Callable[[Told], str]
"""How results are told in a terminal: `answer`, in full, or the first screen alone."""


def first_screen_of(root: str) -> Telling:
    """How the results of a run are told first: in a table and two verdicts, as wide as this
    terminal."""

    def told(results: Told) -> str:
        shown = masked(root)
        screen = (
            model_screen(results, shown)
            if isinstance(results, ModelResults)
            else first_screen(results, shown)
        )
        return Styled(text(screen, width(), colour=has_colour(), clean=printable))

    return told


def in_full(results: Told) -> str:
    """Everything that is said about a run."""
    return model_answer(results) if isinstance(results, ModelResults) else answer(results)


def written(
    root: str,
    beside: Sequence[str] = (),
    drawing: Drawing = picture_of,
    out: str | None = None,
    telling: Telling = in_full,
    *,
    intervened: bool = False,
) -> Iterator[str]:
    """Write the report of a run, with others beside it; yields lines to print as they are known.

    `drawing` draws each figure, `telling` makes the first lines; the report is the folder `report`
    of `out`, by default of the run. A running run is compared at complete sizes. Of a training that
    was edited it tells what edits did; `intervened` makes its trainings trials like others. Raises
    RequestError if a run cannot be read or compared, StorageError if the report cannot be written,
    InternalError if the analysis fails, and AllDivergedError, after the page, if all diverged.
    """
    with ThreadPoolExecutor(1) as aside:
        try:
            place = _place(out or root)
            runs = [_so_far(root), *(read_run(one, intervened=intervened) for one in beside)]
        except ValueError as error:
            if beside or isinstance(error, DamagedError):
                raise RequestError(str(error)) from None
            yield f"no report: {error}{_resumed(root)}"
            return
        # Arrow mostly runs without the interpreter lock: on two cores this adds no time.
        verifying = aside.submit(verify_run, storage_at(root), declarations_hash())
        with _faults_told(root, ValueError if beside else ()):
            results = _results(*runs, intervened=intervened)
            first = telling(results)
        yield first
        checks = verifying.result().lines
    yield from (line for line in checks if line.startswith("FAULT"))
    with _faults_told(root):
        _write(results, place, out or root, checks, drawing)
    page = joined(masked(out or root), "report/index.html")
    yield f"report: {page}"
    if isinstance(results, NoComparison) and results.diverged:
        raise AllDivergedError(f"{results.why} The page {page} says where.")


def _results(run: Run, *beside: Run, intervened: bool) -> Told:
    if is_of_model(run.study):
        return model_results(run)
    if intervened or not is_panda(run.study):
        return _of_study(run, beside)
    if beside:
        raise ValueError(
            f"{str(run.where)!r} is a training that was edited while it ran, and its report stands "
            "alone; leave --beside out, or read its trainings as trials with --intervened"
        )
    return edited_results(run)


def _of_study(run: Run, beside: Sequence[Run]) -> Told:
    results = results_of(run, beside)
    if isinstance(results, Results):
        results.tables()  # The page needs them all: compute them while the run is verified.
        return results
    return results if results.diverged else schedule_results(run) or results


def _resumed(root: str) -> str:
    """What to do where nothing has ended yet, of a training that is edited while it runs."""
    return (
        f"; `caviar panda --resume {root}` trains on" if is_panda(study_in(place_at(root))) else ""
    )


def _place(where: str) -> Place:
    try:
        return place_at(where)
    except ValueError as error:
        raise StorageError(f"{error}; check the address, or name another --out") from None


def _so_far(root: str) -> Run:
    running = storage_at(root).is_held(time.time())  # Before the tables: they only grow.
    place = place_at(root)
    run = run_in(place, intervened=is_panda(study_in(place)))
    return while_running(run) if running else run


@contextmanager
def _faults_told(root: str, requests: type[Exception] | tuple[()] = ()) -> Iterator[None]:
    """Turn what the analysis raises into InternalError, and `requests` into RequestError."""
    try:
        yield
    except (RequestError, StorageError, OSError):
        raise
    except requests as error:
        raise RequestError(str(error)) from None
    except Exception as error:
        raise InternalError(f"the report of {masked(root)!r}", error) from error


def _write(
    results: Told,
    place: Place,
    root: str,
    checks: Sequence[str],
    drawing: Drawing,
) -> None:
    try:
        with published(place, "report") as folder:
            write_report(results, folder, checks, drawing)
    except OSError as error:
        raise unwritten_report(masked(root), error) from error


def opened(page: str) -> str:
    """Show a page in the browser; returns a sentence for where that is not possible, or nothing.

    Raises RequestError for a page that is not on this machine.
    """
    if "://" in page:
        raise RequestError(f"--open shows a page of this machine; {page} is in an object store")
    if webbrowser.open(Path(page).resolve().as_uri()):
        return ""
    return f"no browser could be started here; open {page} yourself"
