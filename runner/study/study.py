"""A study: what its file holds, validated."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, PrivateAttr, model_validator

from caviar.runner.fields.dataset import DatasetConfig
from caviar.runner.fields.frozen import Frozen, Steps, setting
from caviar.runner.limits import HIGHEST_SEED, MOST_SEEDS, MOST_TRIALS
from caviar.runner.study.sampling import Sampler


class Budget(Frozen):
    """How long a trial trains: `epochs` of the training split, or `steps` of the optimiser."""

    epochs: Steps | None = setting(
        "Passes over the training split. Give this or `steps`.",
        None,
        unit="epochs",
        example=30,
        also=("n_epochs", "num_epochs", "max_epochs", "epoch"),
    )
    steps: Steps | None = setting(
        "Updates of the weights. Give this or `epochs`.",
        None,
        unit="updates",
        example=4000,
        also=("iterations", "n_steps", "num_steps", "max_steps", "updates"),
    )

    @model_validator(mode="after")
    def _one(self) -> Budget:
        if (self.epochs is None) == (self.steps is None):
            raise ValueError("give epochs or steps, exactly one of them")
        return self

    def steps_for(self, steps_per_epoch: int) -> int:
        return self.steps if self.steps is not None else (self.epochs or 0) * steps_per_epoch


class Draws(Frozen):
    """How many nuisance points are drawn, and how; with `sobol`, best a power of two."""

    count: Annotated[int, Field(ge=1, le=MOST_TRIALS)] = setting(
        "How many points are drawn. A run continues with a larger number: the first points stay.",
        1,
        unit="draws",
        example=8,
        also=("n_draws", "n_trials", "num_samples", "samples", "trials"),
    )
    sampler: Sampler = setting(
        "How points are drawn: each field by itself (`random`), or as a scrambled sequence that "
        "fills the space evenly (`sobol`, best with a power of two, and `halton`).",
        "random",
        example="sobol",
        also=("search", "sampling", "method"),
    )


class Study(Frozen):
    """A study file, validated; `fixed`, `scientific` and `nuisance` hold fields of a trial.

    `arms` are named sets of fields, crossed with `scientific`; where an arm sets a crossed field
    itself, its own value counts.

    >>> study = caviar.read_study("sizes.toml")
    >>> study.name, study.replicas, study.scientific
    ('sizes', 2, {'norm_batch_size': [8, 32]})
    """

    name: Annotated[str, Field(pattern=r"^[A-Za-z0-9_][A-Za-z0-9._-]*$", max_length=100)] = setting(
        "What the study is called; without `--out`, its run is the folder `runs/NAME`.",
        example="ghost-size",
        also=("title", "study"),
    )
    dataset: DatasetConfig = setting(
        "The data: the name of a set, or a table of the fields below.",
        example={"path": "mine.csv", "label": "species"},
        also=("data", "data_set", "dataset_name"),
    )
    seed: Annotated[int, Field(ge=0, le=HIGHEST_SEED)] = setting(
        "The first seed. It also decides what is drawn.",
        0,
        unit="seed",
        example=1000,
        also=("random_seed", "random_state", "first_seed"),
    )
    replicas: Annotated[int, Field(ge=1, le=MOST_SEEDS)] = setting(
        "How many seeds each trial has, `seed`, `seed` + 1 and so on, paired across the study. "
        "Intervals need five. With `--extend` a run goes on with a larger number, with `--until` "
        "until a difference is known well enough.",
        8,
        unit="seeds",
        example=20,
        also=("seeds", "n_seeds", "num_seeds", "repeats", "repetitions", "runs"),
    )
    budget: Budget = setting(
        "How long every trial trains.",
        Budget(epochs=30),
        example={"epochs": 30},
        also=("training_budget", "duration"),
    )
    draws: Draws = setting(
        "How many points of [nuisance] are drawn, and how.",
        Draws(),
        example={"count": 8, "sampler": "sobol"},
    )
    stop: Literal["median"] | None = setting(
        "For a random search, in which nothing is crossed: `median` stops a trial early where its "
        "validation loss is above the median, at the same share of training, of the trials drawn "
        "before that trained to their end. By default none is stopped.",
        None,
        example="median",
        also=("pruner", "pruning", "early_stopping", "scheduler", "stopping"),
        words={"median_pruner": "median", "medianpruner": "median", "medianstoppingrule": "median"},
    )
    fixed: dict[str, Any] = setting(
        "Fields of a trial with one value for the whole study.",
        factory=dict,
        example={"hidden": [256, 256], "batch_size": 256},
        also=("config", "params", "parameters", "settings", "defaults", "hyperparameters"),
    )
    scientific: dict[str, Any] = setting(
        "Fields of a trial with a list of values: all combinations are run. What the study is "
        "about.",
        factory=dict,
        example={"norm_batch_size": [4, 16, 64]},
        also=("grid", "sweep", "crossed", "levels", "matrix"),
    )
    nuisance: dict[str, Any] = setting(
        "Fields of a trial with a range that values are drawn from; the same points in every arm.",
        factory=dict,
        example={"learning_rate": {"scale": "log_uniform", "low": 0.01, "high": 1.0}},
        also=("random", "distributions", "space", "search_space", "drawn"),
    )
    arms: dict[str, dict[str, Any]] = setting(
        "Named sets of fields, crossed with [scientific].",
        factory=dict,
        example={"batch": {"norm": "batch"}, "layer": {"norm": "layer"}},
        also=("variants", "conditions", "arm"),
    )

    _folder: Path = PrivateAttr(default_factory=Path.cwd)

    @property
    def folder(self) -> Path:
        """Where paths of the study start: the folder of its file, else the working folder."""
        return self._folder

    def __repr__(self) -> str:
        moves = {"crossed": self.scientific, "drawn": self.nuisance, "arms": self.arms}
        parts = [f"{kind}: {', '.join(names)}" for kind, names in moves.items() if names]
        draws = f"{self.draws.count} draw{'s' if self.draws.count > 1 else ''}"
        about = f"{self.name}: {self.dataset.title}, {self.replicas} seeds, {draws}"
        return f"<Study {'; '.join([about, *parts])}>"
