"""`caviar best`: which configuration of a run is best, and a study that runs it again."""

from __future__ import annotations

import json
import textwrap
from typing import TYPE_CHECKING, Annotated, Any

import typer

from caviar.runner.cli.options import AsJson, RunPlace
from caviar.runner.cli.terminal import say
from caviar.runner.errors import RequestError

if TYPE_CHECKING:
    from caviar.runner.config import TrialConfig

FEWEST_SEEDS = 8
"""Seeds of the study that runs a configuration again: enough for an interval."""

By = Annotated[
    str, typer.Option(help="validation_loss or validation_accuracy; the test set only judges.")
]
Top = Annotated[int, typer.Option(min=1, help="How many configurations to show.")]
AsToml = Annotated[
    bool, typer.Option("--toml", help="Print a study that runs the best one again, on new seeds.")
]


def best(
    run: RunPlace,
    by: By = "validation_loss",
    top: Top = 10,
    as_toml: AsToml = False,
    as_json: AsJson = False,
) -> None:
    """Rank the configurations of a run, and say how far the best one can be trusted."""
    from caviar.analysis.findings.best import sentences
    from caviar.analysis.run.read import read_run
    from caviar.analysis.tables.configurations.ranking import ranking
    from caviar.analysis.tables.configurations.text import text
    from caviar.runner.cli.finished.study_text import data_of, trials_of
    from caviar.runner.session.run_folder import read_study_json
    from caviar.runner.store.open import storage_at
    from caviar.runner.study.of_model import must_be_a_study

    storage = storage_at(run)
    study = read_study_json(storage)
    must_be_a_study(study, run, "one network is no ranking; `caviar report` tells of it")
    try:
        whole = read_run(run)
        table = ranking(whole, by)
    except ValueError as error:
        raise RequestError(str(error)) from None
    if table.empty:
        raise RequestError("no trial has finished with a validation loss yet")
    if as_toml:
        first = table.iloc[0]
        worth = f"the best of {len(table):,} by {by}, {first['mean']:.4g}."
        block, *_ = first["trial_id"].split("+")  # Seeds that joined it later change no setting.
        config = trials_of(study, storage)[block]
        return say(again(study["study"], data_of(run, study), config, worth))
    told = sentences(whole, table, by)
    if as_json:
        rows = json.loads(table.head(top).to_json(orient="records", double_precision=15))
        return say(json.dumps({"by": by, "configurations": rows, "sentences": told}, indent=1))
    say("\n\n".join([text(table.head(top), by), *(textwrap.fill(one, 100) for one in told)]))


def again(ran: dict[str, Any], dataset: dict[str, Any], config: TrialConfig, worth: str) -> str:
    """A study of one configuration, on seeds that the run, of the study `ran`, has not used."""
    from caviar.runner.fields.changes import is_ever_read
    from caviar.runner.fields.trial import TrialFields
    from caviar.runner.study.toml_text import toml_lines

    first = ran["seed"] + ran["replicas"]
    head = {
        "name": f"{ran['name'][:95]}-best",
        "dataset": dataset,
        "seed": first,
        "replicas": max(FEWEST_SEEDS, ran["replicas"]),
        "budget": {"steps": config.steps},
    }
    values = config.model_dump(mode="json")
    fixed = {k: values[k] for k in TrialFields.model_fields if is_ever_read(k, vars(config))}
    if config.convention is not None:  # It brings its own.
        del fixed["epsilon"]
    about = [
        f"# Trial {config.trial_id} of the run {ran['name']}: {worth}",
        f"# The seeds are new, from {first} on: at those that chose it, it looks too good.",
    ]
    return "\n".join([*about, *toml_lines(head), "", "[fixed]", *toml_lines(fixed)])
