"""The study of a run as the text of a study file."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from caviar.runner.config import TrialConfig
from caviar.runner.fields.changes import is_ever_read
from caviar.runner.fields.dataset import DatasetConfig
from caviar.runner.session.run_folder import FOLDERS
from caviar.runner.store.part_files import read_rows
from caviar.runner.store.schemas import SCHEMAS, config_of
from caviar.runner.store.storage import Storage
from caviar.runner.study.of_model import must_be_a_study
from caviar.runner.study.toml_text import toml_lines
from caviar.runner.verify.moved import rooted

TABLES = ("fixed", "scientific", "nuisance", "arms")


def study_text(run: str, study: Mapping[str, Any], storage: Storage) -> str:
    """The study that a run was made by, with every field that its trials read.

    `study` is the content of `study.json` of the run at `run`. Paths of data are whole.
    """
    ran, configs = study["study"], trials_of(study, storage)
    values = list(configs.values())
    draws = {"count": max(c.draw for c in values) + 1, "sampler": ran["draws"]["sampler"]}
    lines = toml_lines(
        {
            "name": ran["name"],
            "dataset": data_of(run, study),
            **{key: ran[key] for key in ("seed", "replicas")},
            "budget": {key: value for key, value in ran["budget"].items() if value is not None},
            "draws": draws,
        }
    )
    own_epsilon = any(config.convention is not None for config in values)
    fixed = {
        key: value
        for key, value in ran["fixed"].items()
        if value is not None
        and any(is_ever_read(key, vars(config)) for config in values)
        and not (key == "epsilon" and own_epsilon)
    }
    for table, fields in {**{t: ran.get(t, {}) for t in TABLES}, "fixed": fixed}.items():
        if fields:
            lines += ["", f"[{table}]", *toml_lines(fields)]
    return "\n".join(lines)


def data_of(run: str, study: Mapping[str, Any]) -> dict[str, Any]:
    """The data set of a run as a table: what is given, with whole paths."""
    dataset = DatasetConfig.model_validate(study["study"]["dataset"])
    whole = rooted(dataset, study.get(FOLDERS, ()), run)
    return whole.model_dump(mode="json", exclude={"fingerprint"}, exclude_defaults=True)


def trials_of(study: Mapping[str, Any], storage: Storage) -> dict[str, TrialConfig]:
    """The configs of a run's trials by their id; RequestError where no study planned them."""
    must_be_a_study(study, storage.where, "nothing here says how it was trained")
    dataset = DatasetConfig.model_validate(study["study"]["dataset"])
    columns = read_rows(storage, "trials", SCHEMAS["trials"].names)
    rows = (dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True))
    return {row["trial_id"]: config_of(row, dataset) for row in rows}
