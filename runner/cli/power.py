"""What a planned number of seeds can detect, for a dry run."""

from __future__ import annotations

from caviar.analysis.run.read import read_run
from caviar.analysis.tables.planned_power import assumed, of_pilot, power_line
from caviar.runner.errors import RequestError
from caviar.runner.session.run_folder import read_study_json
from caviar.runner.store.open import storage_at
from caviar.runner.store.uri import masked


def power(seeds: int, pilot: str | None) -> str:
    """The line about power, from the spread of a pilot run or an assumed one."""
    if pilot is None:
        return power_line(seeds, assumed())
    read_study_json(storage_at(pilot))
    try:
        return power_line(seeds, of_pilot(read_run(pilot)))
    except ValueError as error:
        raise RequestError(f"--pilot {masked(pilot)}: {error}") from None
