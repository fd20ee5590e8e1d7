"""The arrays of a training's state by their names in a checkpoint, and back."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from caviar.model.steps.snapshot import beginning
from caviar.runner.trial.build import build
from caviar.runner.trial.checkpoint_arrays import Updates, arrays_of, with_arrays
from tests.runner.attempts import trial

CONFIG, DATA = trial("norm=renorm", "optimizer=adam", "hidden=[4]", "shadow=true")
START = beginning(build(CONFIG, DATA), DATA.features.shape[1], np.dtype("float32"))

LAYER = ["bank/norm1.mean", "bank/norm1.second", "shadow/norm1.mean", "shadow/norm1.second"]
TRAINED = ["dense1.weight", "norm1.gamma", "norm1.beta", "dense2.weight", "dense2.bias"]
REFERENCES = ["reference_mean", "reference_deviation", "reference_updates"]


def test_members_have_the_names_of_format_1() -> None:
    optimizer = [f"optimizer/{slot}:{name}" for slot in "mv" for name in TRAINED]
    names = ["losses", "optimizer/count", *LAYER, *optimizer]
    names += [f"parameters/{name}" for name in TRAINED]
    names += [f"references/norm1.{name}" for name in REFERENCES]
    assert sorted(arrays_of(START)) == sorted(f"{name}.npy" for name in names)


def test_the_state_comes_back_from_its_arrays() -> None:
    arrays = arrays_of(START)
    moved = {name: array + array.dtype.type(1) for name, array in arrays.items()}
    state = with_arrays(START.state, 7, Updates(3, 2, {}), moved)
    assert (state.step, state.bank.updates, state.shadow.updates) == (7, 3, 2)
    assert state.optimizer.count == 1
    np.testing.assert_array_equal(
        state.parameters["dense1"]["weight"], START.state.parameters["dense1"]["weight"] + 1
    )
    for name, array in arrays_of(replace(START, state=state)).items():
        if name != "losses.npy":
            np.testing.assert_array_equal(array, moved[name], err_msg=name)
