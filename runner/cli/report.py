"""A run's answer and its page: read, compute and verify at once, then write."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor

from caviar.analysis.findings.finding import Results
from caviar.analysis.report.answer import answer
from caviar.analysis.report.write import write_report
from caviar.analysis.results import results_of
from caviar.analysis.run.comparison import NoComparison
from caviar.analysis.run.location import DamagedError, Place, place_at, published
from caviar.analysis.run.read import read_run, run_in
from caviar.runner.errors import RequestError, unwritten_report
from caviar.runner.store.open import storage_at
from caviar.runner.store.uri import joined, masked
from caviar.runner.verify.run import verify_run


def written(root: str, beside: Sequence[str] = ()) -> Iterator[str]:
    """Write the report of a run, with others beside it; what to say of it, as it is known.

    Raises RequestError where a run cannot be read or compared, and StorageError where the report
    cannot be written.
    """
    with ThreadPoolExecutor(1) as aside:
        try:
            place = place_at(root)
            runs = [run_in(place), *map(read_run, beside)]
            # Arrow needs no interpreter for most of it: on two cores the proof takes no time.
            verifying = aside.submit(verify_run, storage_at(root))
            results = results_of(runs[0], runs[1:])
            if isinstance(results, Results):
                results.tables()  # The page needs them all: compute while it is verified.
        except ValueError as error:
            if beside or isinstance(error, DamagedError):
                raise RequestError(str(error)) from None
            yield f"no report: {error}"
            return
        yield answer(results)
        checks = verifying.result().lines
    yield from (line for line in checks if line.startswith("FAULT"))
    _write(results, place, root, checks)
    yield f"report: {joined(masked(root), 'report/index.html')}"


def _write(results: Results | NoComparison, place: Place, root: str, checks: Sequence[str]) -> None:
    try:
        with published(place, "report") as folder:
            write_report(results, folder, checks)
    except OSError as error:
        raise unwritten_report(masked(root), error) from error
