"""The fields of a data set: where its examples come from, and how many each split gets."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import field_validator, model_validator

from caviar.runner.errors import nearest
from caviar.runner.fields.frozen import Count, Decay, Fraction, Frozen, listed, setting
from caviar.runner.limits import MOST_COLUMNS

PLACES = ("path", "images", "labels")
"""Keys of a data set that hold a path or a URI."""


class TestFile(Frozen):
    """The examples of the test split of every seed: a file, or a pair of images and labels."""

    __test__ = False  # What pytest reads: this is no class of tests.

    path: str | None = setting(
        "A table with the columns of the main one.", None, example="held-out.csv"
    )
    images: str | None = setting(
        "Images of the shape of the main ones.", None, example="t10k-images-idx3-ubyte.gz"
    )
    labels: str | None = setting(
        "The classes of `images`.", None, example="t10k-labels-idx1-ubyte.gz"
    )


class DatasetConfig(Frozen):
    """Where the examples come from and how many each split gets.

    One of `name`, `path` (with `label`) or `images` (with `labels`). Sizes are counts or fractions
    of all examples; by default 60 % train, 20 % validation and the rest test. `fingerprint` is the
    hash of the loaded content, filled in when the data are read.
    """

    name: str | None = setting(
        'A set that scikit-learn brings ("digits", "iris", "wine", "breast_cancer"), or one of '
        'OpenML by its name, "openml:NAME". Give this, or `path`, or `images`.',
        None,
        example="digits",
    )
    path: str | None = setting(
        "A table (CSV, Parquet, Feather, NumPy) or a folder of Parquet files; needs `label`. Paths "
        "are relative to the study file; a URI names an object in a store.",
        None,
        example="mine.csv",
        also=("file", "csv", "filename", "data"),
    )
    label: str | None = setting(
        "The column of `path` that holds the class.",
        None,
        example="species",
        also=("target", "class", "y", "label_column", "target_column"),
    )
    images: str | None = setting(
        "Images as an IDX or NPY file; needs `labels`.",
        None,
        example="train-images-idx3-ubyte.gz",
    )
    labels: str | None = setting(
        "The classes of `images`, in the same order.", None, example="train-labels-idx1-ubyte.gz"
    )
    train: Count | Fraction = setting(
        "The training split of a seed: a count, or a fraction of all examples.",
        0.6,
        unit="examples, or a share of them",
        example=1024,
        also=("train_size", "n_train", "training"),
    )
    validation: Count | Fraction = setting(
        "The validation split, by which learning rates and configurations are chosen: a count or "
        "a fraction.",
        0.2,
        unit="examples, or a share of them",
        example=256,
        also=("val", "valid", "dev", "n_validation", "val_size"),
    )
    test: Count | Fraction | TestFile | None = setting(
        "The test split: a count or a fraction, by default all examples that are left; or a file "
        "like the main one, `{ path = ... }` or `{ images = ..., labels = ... }`, whose examples "
        "are the test split of every seed.",
        None,
        unit="examples, or a share of them",
        example=517,
        also=("test_size", "n_test", "holdout"),
    )
    scaling: Literal["each", "together"] | None = setting(
        "Features are centred on the training split and then divided by their own deviation "
        "(`each`) or by one common deviation (`together`). By default `together` for images and "
        "`each` for tables.",
        None,
        example="each",
        also=("normalize", "normalise", "standardize", "scale"),
    )
    features: listed(str, MOST_COLUMNS) | None = setting(  # type: ignore[valid-type]
        "The columns of a table that are taken; by default all but the label.",
        None,
        example=["height", "width"],
        also=("columns", "include"),
    )
    exclude: listed(str, MOST_COLUMNS) | None = setting(  # type: ignore[valid-type]
        "The columns of a table that are left out, such as an identifier.",
        None,
        example=["id"],
        also=("drop", "ignore"),
    )
    delimiter: Literal[",", ";", "\t", "|"] | None = setting(
        "What separates the columns of a CSV table; by default read off its first lines.",
        None,
        example=";",
        also=("sep", "separator"),
    )
    decimal: Literal[".", ","] | None = setting(
        "The decimal sign of a CSV table; by default read off its first lines.", None, example=","
    )
    encoding: Literal["utf-8", "latin-1", "cp1252", "utf-16"] | None = setting(
        "How a CSV table is encoded; by default UTF-8, or UTF-16 where its first bytes say so.",
        None,
        example="latin-1",
    )
    header: bool = setting(
        "Whether the first line of a CSV table names the columns; without names they are called "
        "by their number, from 1.",
        True,
        example=False,
    )
    missing: listed(str) | None = setting(  # type: ignore[valid-type]
        "Words for a gap in a table; rows with gaps are then dropped and counted. `[]` drops rows "
        "with empty cells. By default a table with gaps is refused.",
        None,
        example=["?", "NA"],
        also=("na_values", "nan", "na"),
    )
    stratified: bool | None = setting(
        "Whether every split has its share of every class; by default only where a class has "
        "fewer than 20 rows.",
        None,
        example=True,
        also=("stratify",),
    )
    split: Literal["random", "disjoint"] = setting(
        "`random`: every seed divides all examples anew, so that two seeds share many of them. "
        "`disjoint`: every seed has examples of its own, so that intervals over seeds hold for "
        "other data of the same kind too; `train`, `validation` and `test` are then all given.",
        "random",
        example="disjoint",
    )
    label_noise: Decay = setting(
        "The share of training labels that each seed has replaced by another class, all others "
        "being equally likely; the same ones in every arm. Labels of validation and test stay.",
        0.0,
        unit="share of the training examples",
        example=0.2,
        also=("noise", "noisy_labels", "wrong_labels"),
    )
    fingerprint: str = setting(
        "The hash of what was loaded. It is filled in when the data are read; a run resumes with "
        "the same data only.",
        "",
        example="",
    )

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
