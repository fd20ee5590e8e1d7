"""The page about the tables of a run, from their schemas and the registry of findings."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from caviar.analysis.findings.finding import Finding
from caviar.analysis.findings.registry import FINDINGS
from caviar.analysis.interventions.columns import DECLARED, Declared
from caviar.analysis.run.read import RENAMED
from caviar.runner.config import TrialConfig
from caviar.runner.panda.record.tables import DECLARED as PANDA_TABLES
from caviar.runner.reference.study_fields import fields_of
from caviar.runner.store import columns
from caviar.runner.store.schemas import MEASURED
from caviar.study_reference import markdown

PAGE = """\
# The tables of a run

Generated from the schemas and the registry of findings by `python -m caviar.reference`; a test
fails when it is stale, or when a column says nothing.

A run is a folder with `study.json` and one folder of Parquet files per table: `trials`, what was
planned; five tables of measurements; `outcomes`, how every attempt ended. Any tool reads them, also
while the run is running. `run = caviar.read_run("runs/NAME")` reads them as data frames, leaves out
the rows of attempts that do not count, and puts the fields that differ between trials beside every
measurement. A field of the trial keeps its name there, so that these measured columns get another:
{renamed}. What stopped being finite is stored as NaN or infinite, and what does not apply as NaN.

`run.final()` has the rows of each trial's last step; `caviar.results(run)["NAME"]` has the tables
of an answer, which a report also writes as `report/tables/NAME.csv`.

## What is measured

{measured}

## What is computed

Losses are in nats; intervals are 95 % intervals over seeds. `reading`, `facet` and `level` say what
a row is about.

{computed}

## What a training that may be edited has beside

`caviar panda` writes the trial without edits into the tables above. Edited trainings have the same
tables in the folder `lineages` of the run, with rows from their first edit on.

{panda}

## What edits did

In the report of a training that was edited while it ran (`caviar panda`), as
`report/tables/NAME.csv`. `caviar.read_run(run, intervened=True)` reads the edited trainings as
trials beside the one without edits, which otherwise is the only one; `run.interventions` and
`run.readings` have what was asked and what was read on the way.

{edited}
"""

ROWS = {
    "trials": "One row per trial: every field of its config.",
    "curves": "Training, one row per seed and logged step.",
    "evaluations": "Losses at the same weights: one row per seed, step, split and reader.",
    "statistics": "Errors of running averages against the population: one row per layer, tracker.",
    "noise": "Noise of batch statistics at frozen weights: one row per layer and size of batch.",
    "predictions": "What each test example is predicted as; with `log_probabilities = true` only.",
    "outcomes": "How each attempt at a trial ended.",
}
OF_PANDAS = {
    "interventions": "What was asked of the training, in order: one row per request, those that "
    "were refused too.",
    "readings": "In `lineages`: losses of every training, edited or not, at about a hundred "
    "updates and an epoch after every edit; one row per seed, step, split and reader.",
    "reading_layers": "In `lineages`, at the same updates: one row per seed, step and norm layer.",
}
HEAD = ("column", "unit", "meaning", "range")
Row = tuple[str, str, str, str]


def page() -> str:
    """The content of `docs/tables.md`."""
    measured = "\n\n".join(
        f"### {table}\n\n{ROWS[table]}\n\n{markdown(HEAD, map(_named, rows))}"
        for table, rows in measured_columns().items()
    )
    computed = "\n\n".join(map(_finding, FINDINGS))
    edited = "\n\n".join(map(_declared, DECLARED))
    panda = "\n\n".join(
        f"### {table}\n\n{OF_PANDAS[table]}\n\n{markdown(HEAD, map(_named, _of(declared)))}"
        for table, declared in PANDA_TABLES.items()
    )
    renames = ", ".join(_renamed())
    parts = {"measured": measured, "computed": computed, "panda": panda, "edited": edited}
    return PAGE.format(renamed=renames, **parts)


def measured_columns() -> dict[str, list[Row]]:
    """Every column of the tables on disk: name, unit, meaning and range."""
    trials = [*_of(columns.OF_TRIALS), *_of_config()]
    measured = {table: list(_of(declared)) for table, declared in MEASURED.items()}
    return {"trials": trials, **measured, "outcomes": list(_of(columns.OUTCOMES))}


def _of(declared: Iterable[columns.Column]) -> Iterator[Row]:
    for column in declared:
        yield (column.name, column.unit, column.says, column.range)


def _of_config() -> Iterator[Row]:
    for field in fields_of(TrialConfig):
        yield (field.name, field.unit, field.says, field.allowed)


def _renamed() -> list[str]:
    """`learning_rate` of `curves` as `scheduled_learning_rate`, and so on."""
    parts = []
    for table, names in RENAMED.items():
        held = {name for name, *_ in measured_columns()[table]}
        parts += [f"`{old}` of `{table}` is `{new}`" for old, new in names.items() if old in held]
    return parts


def _finding(finding: Finding) -> str:
    rows = [(c.name, c.unit, c.says, c.range) for c in finding.columns]
    about = [" ".join((finding.says, finding.more)).strip()] if finding.says else []
    more = [finding.fields] if finding.fields else []
    table = markdown(HEAD, map(_named, rows))
    return "\n\n".join([f"### {finding.name}", *about, table, *more])


def _declared(table: Declared) -> str:
    rows = [(c.name, c.unit, c.says, c.range) for c in table.columns]
    return f"### {table.name}\n\n{table.says}\n\n{markdown(HEAD, map(_named, rows))}"


def _named(row: Row) -> Row:
    name, *rest = row
    return (f"`{name}`", *rest)  # type: ignore[return-value]
