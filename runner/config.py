"""TrialConfig: plain validated values whose identity is the hash of their content."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from functools import cached_property
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from caviar.model.averages.bank import GhostUpdate
from caviar.model.averages.conventions import CONVENTIONS
from caviar.model.averages.frameworks import ALL
from caviar.model.network import Activation
from caviar.model.norms.registry import NORMS
from caviar.model.steps.optimizers import WeightDecayScope
from caviar.model.steps.schedules import ScheduleName
from caviar.runner.effects import is_read
from caviar.runner.errors import nearest
from caviar.runner.limits import (
    MOST_COLUMNS,
    MOST_CURVE_ROWS,
    MOST_EXAMPLES,
    MOST_LISTED,
    MOST_MOMENTS,
    MOST_SEEDS,
    MOST_STEPS,
    WIDEST,
)

Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]
NonNegative = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Decay = Annotated[float, Field(ge=0, lt=1)]
Width = Annotated[int, Field(ge=1, le=WIDEST)]
Size = Annotated[int, Field(ge=2, le=MOST_EXAMPLES)]
Fraction = Annotated[float, Field(gt=0, lt=1)]
Count = Annotated[int, Field(ge=1, le=MOST_EXAMPLES)]
Steps = Annotated[int, Field(ge=1, le=MOST_STEPS)]
Moments = Annotated[int, Field(ge=1, le=MOST_MOMENTS)]


PLACES = ("path", "images", "labels")
"""Keys of a data set that hold a path or a URI."""


class Frozen(BaseModel):
    """A model that is immutable and strict about types, and in which an unknown key is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


def listed(item: Any, most: int = MOST_LISTED) -> Any:
    """A tuple of at most `most` values of type `item`, given as a TOML list."""
    return Annotated[tuple[item, ...], Field(strict=False, max_length=most)]


class TestFile(Frozen):
    """The examples of the test split of every seed: a file, or a pair of images and labels."""

    __test__ = False  # What pytest reads: this is no class of tests.

    path: str | None = None
    images: str | None = None
    labels: str | None = None


class DatasetConfig(Frozen):
    """Where the examples come from and how many each split gets.

    One of `name`, `path` (with `label`) or `images` (with `labels`). Sizes are counts or
    fractions of all examples; by default 60 % train, 20 % validation and the rest test. `test` may
    also be a file like the main one, whose examples are the test split of every seed.
    `scaling`: features are centred on the training split, then divided by their own deviation
    (`each`) or by one common deviation (`together`, the default for images).
    `features` are the columns of a table that are taken, `exclude` those that are not.
    `delimiter`, `decimal` and `encoding` of a CSV table are read off it where they are not given;
    without a `header` columns are called by their number, from 1. `missing` names words for a gap,
    and has rows with gaps dropped. `stratified` gives each split its share of every class, which
    is the default where a class has fewer than 20 rows. `split` says whether every seed divides all
    examples at random, so that the splits of two seeds overlap, or has a pool of its own that it
    shares no example with (`disjoint`; `train`, `validation` and `test` are then all given).
    `fingerprint` is the hash of the loaded content, filled in when the data are read.
    """

    name: str | None = None
    path: str | None = None
    label: str | None = None
    images: str | None = None
    labels: str | None = None
    train: Count | Fraction = 0.6
    validation: Count | Fraction = 0.2
    test: Count | Fraction | TestFile | None = None
    scaling: Literal["each", "together"] | None = None
    features: listed(str, MOST_COLUMNS) | None = None  # type: ignore[valid-type]
    exclude: listed(str, MOST_COLUMNS) | None = None  # type: ignore[valid-type]
    delimiter: Literal[",", ";", "\t", "|"] | None = None
    decimal: Literal[".", ","] | None = None
    encoding: Literal["utf-8", "latin-1", "cp1252", "utf-16"] | None = None
    header: bool = True
    missing: listed(str) | None = None  # type: ignore[valid-type]
    stratified: bool | None = None
    split: Literal["random", "disjoint"] = "random"
    fingerprint: str = ""

    @field_validator("test", mode="before")
    @classmethod
    def _of_a_test_file(cls, test: Any) -> Any:
        """Refuse a table by its own keys, not as a number that it is not."""
        for key, place in test.items() if isinstance(test, dict) else ():
            if key not in PLACES:
                raise ValueError(f"unknown key {key!r}; {nearest(key, PLACES)}")
            if not isinstance(place, str | None):
                raise ValueError(f"{key} must be a path")
        return test

    @model_validator(mode="after")
    def _one_source(self) -> DatasetConfig:
        given = [key for key in ("name", "path", "images") if getattr(self, key) is not None]
        if len(given) != 1:
            raise ValueError(
                "give exactly one of name, path (with label) or images (with labels); "
                f"given: {', '.join(given) or 'none'}"
            )
        for key, partner in (("path", "label"), ("images", "labels")):
            if (getattr(self, key) is None) != (getattr(self, partner) is None):
                raise ValueError(f"{key} and {partner} go together; give both")
        if isinstance(self.test, TestFile):
            of_main = [key for key in PLACES if getattr(self, key) is not None]
            of_test = [key for key in PLACES if getattr(self.test, key) is not None]
            if not of_main or of_main != of_test:
                raise ValueError(
                    "a test file is given as the main one is, as test = { path = ... } beside path "
                    "or test = { images = ..., labels = ... } beside images and labels"
                )
        return self

    @property
    def test_size(self) -> int | float | None:
        """The size of the test split; None for all that is left, or for a file of its own."""
        return None if isinstance(self.test, TestFile) else self.test

    @property
    def title(self) -> str:
        """A short name for tables and pages."""
        return self.name or (self.path or self.images or "").replace("\\", "/").split("/")[-1]


class TrialFields(Frozen):
    """Every field that a study may fix, cross or draw; the defaults are a sensible network."""

    hidden: listed(Width) = (128, 128)  # type: ignore[valid-type]
    activation: Activation = "relu"
    norm: Literal[*NORMS] = "batch"  # type: ignore[valid-type]
    batch_size: Size = 128
    norm_batch_size: Size | Literal["train"] | None = Field(
        default=None,
        description="examples that share one mean and variance; default batch_size. Above "
        'batch_size, examples without a loss are added; "train" is the whole training split',
    )
    ghosts: Literal["random", "stratified", "class-sorted"] = "random"
    partitions: Moments = 1
    noise_shared: Literal["ghost", "example"] = "ghost"
    renorm_r_max: Annotated[float, Field(ge=1, allow_inf_nan=False)] = 3.0
    renorm_d_max: NonNegative = 5.0
    renorm_decay: Decay = 0.9
    renorm_ramp: Annotated[float, Field(ge=0, le=1)] = 0.25
    norm_groups: Count = Field(
        default=8,
        description="groups that norm = 'group' cuts the features of a hidden layer into; the "
        "default width of 128 gives groups of 16 (Wu & He 2018, section 4.1, group division)",
    )
    running_weight: Decay = Field(
        default=0.5,
        description="weight of the steps before in the statistics of norm = 'momentum-batch'; "
        "1/2 leaves a third of a ghost's noise in the mean",
    )
    convention: str | None = None
    epsilon: Positive | None = Field(
        default=None, description="default: that of the convention, or 1e-5"
    )
    dropout: Decay = 0.0
    optimizer: Literal["sgd", "momentum", "adam"] = "momentum"
    learning_rate: Positive = 0.1
    momentum: Decay = 0.9
    beta2: Decay = 0.999
    adam_epsilon: Positive = 1e-8
    weight_decay: NonNegative = 0.0
    weight_decay_style: Literal["decoupled", "coupled"] = "decoupled"
    weight_decay_scope: WeightDecayScope = "weights"
    gamma_decay: NonNegative = 0.0
    schedule: ScheduleName = "cosine"
    conventions: listed(str) = tuple(CONVENTIONS)  # type: ignore[valid-type]
    decay: Decay = 0.9
    decays: listed(Decay) = (0.99,)  # type: ignore[valid-type]
    ghost_update: GhostUpdate = "first"
    probe_batch_sizes: listed(Size) = (4, 8, 16, 32, 64, 128, 256)  # type: ignore[valid-type]
    evaluations: Moments = 4
    probe_share: Fraction = 0.2
    shadow: bool = False
    log_probabilities: bool = False
    curve_rows: Annotated[int, Field(ge=1, le=MOST_CURVE_ROWS)] = 40
    dtype: Literal["float32", "float64"] = "float32"

    @model_validator(mode="after")
    def _consistent(self) -> TrialFields:
        named = [*self.conventions, *([self.convention] if self.convention is not None else [])]
        for name in named:
            if name not in ALL:
                raise ValueError(f"convention {name!r} is unknown; {nearest(name, ALL)}")
        if self.norm != "none" and not self.hidden:
            raise ValueError(
                f"norm = {self.norm!r} needs at least one hidden layer; hidden is empty"
            )
        kind, size = NORMS[self.norm], self.norm_batch_size
        refusal = kind.refusal(vars(self))
        if refusal:
            raise ValueError(refusal)
        if not kind.uses_batch_statistics or not isinstance(size, int):
            return self
        if size < self.batch_size and self.batch_size % size:
            raise ValueError(
                f"norm_batch_size {size} does not divide batch_size {self.batch_size}: "
                f"{self.batch_size} / {size} leaves {self.batch_size % size}"
            )
        if size < kind.smallest_norm_batch_size:
            raise ValueError(
                f"norm = {kind.name!r} needs a norm_batch_size of "
                f"{kind.smallest_norm_batch_size} or more; got {size}"
            )
        return self


LATER = frozenset({"norm_groups", "running_weight"})
"""Fields that were added when runs existed already: an identity includes them only in trials that
read them, so that trials planned earlier keep theirs."""


class TrialConfig(TrialFields):
    """One trial: a point of the study, its data set and its seeds, resolved to plain values.

    `seeds` advance side by side as one stack; `arm` is the name of the trial's arm in the study;
    `draw` is the number of the nuisance point; `norm_batch_size` and `epsilon` are filled in.
    `arm`, `draw` and the location of the data are not part of the identity; the fingerprint of the
    data's content is.
    """

    dataset: DatasetConfig
    arm: str = ""
    norm_batch_size: Size
    epsilon: Positive
    seeds: listed(int, MOST_SEEDS)  # type: ignore[valid-type]
    steps: Steps
    draw: int = 0

    @cached_property
    def trial_id(self) -> str:
        """12 hexadecimal digits of the SHA-256 of the content."""
        idle = {field: True for field in LATER if not is_read(field, vars(self))}
        content = self.model_dump(
            mode="json", exclude={"arm": True, "draw": True, "dataset": LOCATION, **idle}
        )
        content["dataset"]["test"] = self.dataset.test_size  # The fingerprint covers a file.
        if self.dataset.stratified is None:  # As of a trial before it could be set.
            del content["dataset"]["stratified"]
        if self.dataset.split == "random":
            del content["dataset"]["split"]
        text = json.dumps(content, sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:12]

    def model_copy(self, *, update: Mapping[str, Any] | None = None, deep: bool = False) -> Self:
        """A copy that computes its own identity instead of keeping that of `self`."""
        copied = super().model_copy(update=update, deep=deep)
        copied.__dict__.pop("trial_id", None)
        return copied


READ = {"features", "exclude", "delimiter", "decimal", "encoding", "header", "missing"}
LOCATION = {"name", "path", "label", "images", "labels", *READ}
"""Where the data lie and what of them is read: the fingerprint is of what that came to."""
