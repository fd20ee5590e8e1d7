"""TrialConfig: plain validated values whose identity is the hash of their content."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from functools import cached_property
from typing import Any, Self

from caviar.runner.effects import is_read
from caviar.runner.fields.dataset import DatasetConfig
from caviar.runner.fields.frozen import Positive, Size, Steps, listed, setting
from caviar.runner.fields.trial import TrialFields
from caviar.runner.limits import MOST_SEEDS

LATER = frozenset({"norm_groups", "running_weight", "changes"})
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
    arm: str = setting("The arm of the study; empty where it names none.", "", example="batch norm")
    norm_batch_size: Size = setting(
        "Examples that share one mean and one variance: the m of the answer. Without statistics of "
        "the batch nothing reads it.",
        unit="examples",
        example=16,
    )
    epsilon: Positive = setting(
        "What is added to a variance before its root is taken.",
        unit="squared units of the layer's input",
        example=1e-5,
    )
    seeds: listed(int, MOST_SEEDS) = setting(  # type: ignore[valid-type]
        "The seeds that were trained side by side: each has its own split, weights and batches.",
        unit="seeds",
        example=[0, 1, 2, 3],
    )
    steps: Steps = setting("Updates of the weights, by plan.", unit="updates", example=160)
    draw: int = setting(
        "The number of the point that was drawn for the fields of [nuisance], from 0.",
        0,
        unit="number of the draw",
        example=0,
    )

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
        for later, default in ADDED_LATER.items():  # As of a trial before they could be set.
            if content["dataset"][later] == default:
                del content["dataset"][later]
        text = json.dumps(content, sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:12]

    @classmethod
    def of_checked(cls, values: dict[str, Any]) -> Self:
        """A config that keeps this dictionary: a value for every field, all checked before.

        pydantic's `model_construct` copies them one by one, at twenty times the time.
        """
        config = cls.__new__(cls)
        object.__setattr__(config, "__dict__", values)
        object.__setattr__(config, "__pydantic_fields_set__", ALL_FIELDS)
        object.__setattr__(config, "__pydantic_extra__", None)
        object.__setattr__(config, "__pydantic_private__", None)
        return config

    def model_copy(self, *, update: Mapping[str, Any] | None = None, deep: bool = False) -> Self:
        """A copy that computes its own identity instead of keeping that of `self`."""
        copied = super().model_copy(update=update, deep=deep)
        copied.__dict__.pop("trial_id", None)
        return copied


ALL_FIELDS = set(TrialConfig.model_fields)

ADDED_LATER = {"split": "random", "label_noise": 0.0}
"""Keys of a data set that runs existed without: at their default no identity includes them."""

READ = {"features", "exclude", "delimiter", "decimal", "encoding", "header", "missing"}
LOCATION = {"name", "path", "label", "images", "labels", *READ}
"""Where the data lie and what of them is read: the fingerprint is of what that came to."""
