"""The arrays of a snapshot by the name of their member in a checkpoint, and back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from caviar.model.averages.bank import Averaged, BankState
from caviar.model.contract import Array, NetworkParameters
from caviar.model.steps.optimizers import OptimizerState
from caviar.model.steps.snapshot import Snapshot
from caviar.model.steps.state import TrainingState

SLOTS = {"velocity": "", "m": "m:", "v": "v:"}
"""The prefix of a parameter's name in the members of an optimiser's slot."""


def arrays_of(snapshot: Snapshot) -> dict[str, Array]:
    """Every array by the name of its member."""
    state = snapshot.state
    parts = {
        "parameters": _flat(state.parameters),
        "optimizer": _flat_optimizer(state.optimizer),
        "references": _flat(state.references),
    }
    named = {"losses.npy": snapshot.losses}
    for part, arrays in parts.items():
        named |= {f"{part}/{key}.npy": array for key, array in arrays.items()}
    for part in ("bank", "shadow"):
        for layer, averaged in getattr(state, part).averages.items():
            named[f"{part}/{layer}.mean.npy"] = averaged.mean
            named[f"{part}/{layer}.second.npy"] = averaged.second
    return named


class Updates(NamedTuple):
    """Updates of the bank and of its shadow, and how many there were before a layer's averages
    were begun anew, by layer."""

    bank: int
    shadow: int
    begun: Mapping[str, int]


def with_arrays(
    fresh: TrainingState, step: int, updates: Updates, arrays: dict[str, Array]
) -> TrainingState:
    """The inverse of `arrays_of`, in the order of a fresh start: sums over layers depend on it."""
    slots, count = fresh.optimizer.slots, fresh.optimizer.count
    optimizer = OptimizerState(
        {slot: _nested(f"optimizer/{SLOTS[slot]}", like, arrays) for slot, like in slots.items()},
        None if count is None else int(arrays["optimizer/count.npy"]),
    )
    return replace(
        fresh,
        step=step,
        parameters=_nested("parameters/", fresh.parameters, arrays),
        optimizer=optimizer,
        references=_nested("references/", fresh.references, arrays),
        bank=_bank("bank", fresh.bank, updates.bank, updates.begun, arrays),
        shadow=_bank("shadow", fresh.shadow, updates.shadow, updates.begun, arrays),
    )


def _flat(nested: NetworkParameters) -> dict[str, Array]:
    """Parameters by `layer.name`: only the members of a checkpoint are named this way."""
    return {
        f"{layer}.{name}": array
        for layer, parameters in nested.items()
        for name, array in parameters.items()
    }


def _flat_optimizer(state: OptimizerState) -> dict[str, Array]:
    """The step count, then for each parameter the array of every slot."""
    named = {} if state.count is None else {"count": np.asarray(state.count, np.int64)}
    slots = {SLOTS[slot]: _flat(nested) for slot, nested in state.slots.items()}
    for key in next(iter(slots.values()), {}):
        named |= {prefix + key: arrays[key] for prefix, arrays in slots.items()}
    return named


def _nested(before: str, like: NetworkParameters, arrays: dict[str, Array]) -> NetworkParameters:
    return {
        layer: {name: arrays[f"{before}{layer}.{name}.npy"] for name in parameters}
        for layer, parameters in like.items()
    }


def _bank(
    part: str, like: BankState, updates: int, begun: Mapping[str, int], arrays: dict[str, Array]
) -> BankState:
    averages = {
        layer: Averaged(*(arrays[f"{part}/{layer}.{kind}.npy"] for kind in ("mean", "second")))
        for layer in like.averages
    }
    return BankState(updates, averages, {layer: min(n, updates) for layer, n in begun.items()})
