"""`caviar best`: which configuration of a run is best, and a study that runs it again."""

from __future__ import annotations

import json
import textwrap
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer

from caviar.runner.cli.options import AsJson, RunPlace
from caviar.runner.cli.terminal import say
from caviar.runner.errors import RequestError

if TYPE_CHECKING:
    import pandas as pd

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
    from caviar.runner.session.run_folder import read_study_json
    from caviar.runner.store.open import storage_at

    study = read_study_json(storage_at(run))
    try:
        whole = read_run(run)
        table = ranking(whole, by)
    except ValueError as error:
        raise RequestError(str(error)) from None
    if table.empty:
        raise RequestError("no trial has finished with a validation loss yet")
    if as_toml:
        return say(again(study, _config(run, table["trial_id"].iloc[0], study), _worth(table, by)))
    told = sentences(whole, table, by)
    if as_json:
        return say(_data(table.head(top), by, told))
    say("\n\n".join([text(table.head(top), by), *(textwrap.fill(one, 100) for one in told)]))


def again(study: dict[str, Any], config: TrialConfig, worth: str) -> str:
    """A study of one configuration, on seeds that the run has not used."""
    from caviar.runner.effects import is_read
    from caviar.runner.fields.trial import TrialFields
    from caviar.runner.study.toml_text import toml_lines

    ran = study["study"]
    first = ran.get("seed", 0) + ran.get("replicas", len(config.seeds))
    dataset = {k: v for k, v in ran["dataset"].items() if v is not None and k != "fingerprint"}
    if isinstance(dataset.get("test"), dict):
        dataset["test"] = {k: v for k, v in dataset["test"].items() if v is not None}
    head = {
        "name": f"{ran['name'][:95]}-best",
        "dataset": dataset,
        "seed": first,
        "replicas": max(FEWEST_SEEDS, len(config.seeds)),
        "budget": {"steps": config.steps},
    }
    values = config.model_dump(mode="json")
    fixed = {k: values[k] for k in TrialFields.model_fields if is_read(k, vars(config))}
    return "\n".join(
        [
            f"# Trial {config.trial_id} of the run {ran['name']}: {worth}",
            f"# The seeds are new, from {first} on: at those that chose it, it looks too good.",
            *toml_lines(head),
            "",
            "[fixed]",
            *toml_lines(fixed),
        ]
    )


def _config(run: str, trial_id: str, study: dict[str, Any]) -> TrialConfig:
    from caviar.runner.fields.dataset import DatasetConfig
    from caviar.runner.store.open import storage_at
    from caviar.runner.store.part_files import read_rows
    from caviar.runner.store.schemas import SCHEMAS, config_of

    columns = read_rows(storage_at(run), "trials", SCHEMAS["trials"].names)
    place = columns["trial_id"].index(trial_id)
    row = {name: values[place] for name, values in columns.items()}
    return config_of(row, DatasetConfig.model_validate(study["study"]["dataset"]))


def _worth(table: pd.DataFrame, by: str) -> str:
    return f"the best of {len(table):,} by {by}, {table['mean'].iloc[0]:.4g}."


def text(table: pd.DataFrame, by: str) -> str:
    """The first rows in columns for a terminal."""
    from caviar.analysis.findings.best import QUANTITY

    fields = list(table.columns[list(table.columns).index("other_high") + 1 :])
    head = ("rank", "trial", QUANTITY[by], "test loss", "test accuracy", *fields)
    rows = [head]
    for row in table.to_dict("records"):
        rows.append(
            (
                str(row["rank"]) + "*" * bool(row["diverged_seeds"]),
                row["trial_id"],
                _interval(row, ""),
                _interval(row, "test_"),
                f"{100 * row['test_accuracy']:.1f} %",
                *(_short(row[name]) for name in fields),
            )
        )
    widths = [max(len(row[i]) for row in rows) for i in range(len(head))]
    lines = [
        "  ".join(c.ljust(w) for c, w in zip(row, widths, strict=True)).rstrip() for row in rows
    ]
    starred = bool(table["diverged_seeds"].any())
    return "\n".join([*lines, *["* with seeds that diverged"] * starred])


def _interval(row: dict[str, Any], prefix: str) -> str:
    mean, low, high = (row[f"{prefix}{end}"] for end in ("mean", "low", "high"))
    ends = f" [{low:.3g}, {high:.3g}]" if low == low else ""
    return f"{mean:.3g}{ends}"


def _short(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:.4g}"
    if isinstance(value, Sequence) and not isinstance(value, str):
        return str(list(value))
    return str(value.tolist() if hasattr(value, "tolist") else value)


def _data(table: pd.DataFrame, by: str, told: list[str]) -> str:
    from caviar.runner.cli.advise import finite

    rows = json.loads(table.to_json(orient="records", double_precision=15))
    return json.dumps(finite({"by": by, "configurations": rows, "sentences": told}), indent=1)
