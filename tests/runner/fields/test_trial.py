"""All fields of a trial: in their order, and consistent with each other."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from caviar.runner.effects import NEEDS
from caviar.runner.fields.trial import TrialFields


def test_network_then_training_then_measuring() -> None:
    names = list(TrialFields.model_fields)
    places = [names.index(n) for n in ("hidden", "epsilon", "dropout", "schedule", "conventions")]
    assert places == sorted(places) and names[-1] == "dtype" and set(NEEDS) <= set(names)


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"convention": "torhc"}, "convention 'torhc' is unknown"),
        ({"conventions": ["biasd"]}, "did you mean 'biased'?"),
        ({"hidden": []}, "norm = 'batch' needs at least one hidden layer"),
        ({"batch_size": 16, "norm_batch_size": 6}, "16 / 6 leaves 4"),
        ({"norm": "leave-one-out", "norm_batch_size": 2}, "needs a norm_batch_size of 3 or more"),
        ({"norm": "group", "norm_groups": 3}, "norm_groups 3 does not cut"),
    ],
)
def test_fields_that_do_not_fit_are_refused_with_the_numbers(
    fields: dict[str, Any], says: str
) -> None:
    with pytest.raises(ValidationError) as caught:
        TrialFields(**fields)
    assert says in str(caught.value)
