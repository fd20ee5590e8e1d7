"""The registry: what every kind declares is what its layer does."""

from __future__ import annotations

import pytest

from caviar.model.norms.norm import Norm
from caviar.model.norms.registry import NORMS
from caviar.runner.fields.trial import TrialFields
from tests.model.helpers import built


def test_the_names_are_those_of_the_kinds() -> None:
    assert [kind.name for kind in NORMS.values()] == list(NORMS)


@pytest.mark.parametrize("name", NORMS)
def test_a_kind_builds_its_own_normaliser_from_fields_of_the_config(name: str) -> None:
    kind, layer = NORMS[name], built(name)
    assert kind.settings <= TrialFields.model_fields.keys()
    assert (kind.normaliser is None) == (layer is None)
    if layer is not None and kind.normaliser is not None:
        assert isinstance(layer, Norm) and type(layer.normaliser) is kind.normaliser
        assert kind.uses_batch_statistics == layer.normaliser.uses_batch_statistics
        assert layer.normaliser.identities


@pytest.mark.parametrize("name", NORMS)
def test_a_step_takes_the_batch_and_whole_ghosts(name: str) -> None:
    kind = NORMS[name]
    for batch, size in ((32, 8), (32, 32), (32, 96)):
        examples = kind.forward_examples(batch, size, 960)
        assert batch <= examples <= 960
        assert not kind.uses_batch_statistics or examples % size == 0
