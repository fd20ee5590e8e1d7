"""Which fields of a trial are read: a field that nothing reads changes no row."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from caviar.model.averages.frameworks import ALL
from caviar.model.norms.registry import NORMS

Values = Mapping[str, Any]
"""The fields of a trial by name, `norm_batch_size` as a number."""

OPTIMIZERS: dict[str, frozenset[str]] = {
    "sgd": frozenset(),
    "momentum": frozenset({"momentum"}),
    "adam": frozenset({"momentum", "beta2", "adam_epsilon"}),
}
"""For each optimiser, the fields that it reads besides the learning rate."""


class Need(NamedTuple):
    """A condition for a field to be read: `met` takes the field's name and the trial's fields.

    `decided_by` names the fields that the condition depends on, which a refusal quotes.
    """

    decided_by: tuple[str, ...]
    met: Callable[[str, Values], bool]


def _settings(trial: Values) -> frozenset[str]:
    return NORMS[trial["norm"]].settings


def _is_cut(trial: Values) -> bool:
    """Whether a batch is cut into several ghosts."""
    return bool(trial["norm_batch_size"] < trial["batch_size"])


def _sees_several_ghosts(trial: Values) -> bool:
    """Whether running averages get more than one ghost in a step."""
    size, batch = trial["norm_batch_size"], trial["batch_size"]
    return bool(NORMS[trial["norm"]].forward_examples(batch, size, max(batch, size)) > size)


def _partitions_differ(trial: Values) -> bool:
    """Whether a second partition of the same batch gives another gradient than the first."""
    if trial["dropout"] and trial["hidden"]:
        return True
    draws = NORMS[trial["norm"]].draws
    return "partitions" in _settings(trial) and (draws or _is_cut(trial))


def _takes_decays(trial: Values) -> bool:
    """Whether an average takes its decay from the trial, not from its framework."""
    rows = [ALL[name] for name in trial["conventions"]]
    return any(row.uses_decay and row.decay is None for row in rows)


NORM = Need(("norm",), lambda field, trial: field in _settings(trial))
ANY_NORM = Need(("norm",), lambda field, trial: NORMS[trial["norm"]].normaliser is not None)
STATISTICS = Need(("norm",), lambda field, trial: NORMS[trial["norm"]].uses_batch_statistics)
LAYERS = Need(("hidden",), lambda field, trial: bool(trial["hidden"]))
OPTIMIZER = Need(("optimizer",), lambda field, trial: field in OPTIMIZERS[trial["optimizer"]])
WEIGHT_DECAY = Need(("weight_decay",), lambda field, trial: trial["weight_decay"] > 0)
AVERAGES = Need(("conventions",), lambda field, trial: bool(trial["conventions"]))
OWN_DECAYS = Need(("conventions",), lambda field, trial: _takes_decays(trial))
CUT = Need(("norm_batch_size", "batch_size"), lambda field, trial: _is_cut(trial))
SEVERAL = Need(("norm_batch_size", "batch_size"), lambda field, trial: _sees_several_ghosts(trial))
PARTITIONS = Need(
    ("norm", "norm_batch_size", "batch_size", "dropout"),
    lambda field, trial: _partitions_differ(trial),
)

NEEDS: dict[str, tuple[Need, ...]] = {
    **{name: (NORM,) for kind in NORMS.values() for name in kind.settings},
    **{name: (OPTIMIZER,) for read in OPTIMIZERS.values() for name in read},
    "changes": (Need(("changes",), lambda field, trial: bool(trial["changes"])),),
    # Every row of `evaluations` contains it, whatever the norm.
    "norm_batch_size": (),
    "convention": (Need(("norm",), lambda field, trial: "epsilon" in _settings(trial)),),
    "ghosts": (NORM, CUT),
    "partitions": (PARTITIONS,),
    "activation": (LAYERS,),
    "dropout": (LAYERS,),
    "gamma_decay": (ANY_NORM,),
    "weight_decay_style": (WEIGHT_DECAY,),
    "weight_decay_scope": (WEIGHT_DECAY,),
    "conventions": (STATISTICS,),
    "decay": (STATISTICS, OWN_DECAYS),
    # Even if every average has its own decay, they count towards the cost of measuring.
    "decays": (STATISTICS, AVERAGES),
    "ghost_update": (NORM, AVERAGES, SEVERAL),
    "shadow": (STATISTICS, AVERAGES),
    "probe_batch_sizes": (STATISTICS,),
}
"""The conditions that must all hold for a field to be read; a field not listed is always read."""

IN_ROWS_ALONE: dict[str, Need] = {"norm_batch_size": NORM}
"""Fields that rows contain whatever the trial, and the need that training has to read them."""


def is_read(field: str, trial: Values) -> bool:
    """Whether a field of this trial has an effect on any of its rows."""
    return _missed(field, trial) is None


def is_trained_with(field: str, trial: Values) -> bool:
    """Whether a field of this trial has an effect on its weights, not only on what rows contain.

    Where it has none, networks that differ in the field alone are the same network.
    """
    need = IN_ROWS_ALONE.get(field)
    return is_read(field, trial) and (need is None or need.met(field, trial))


def without_effect(field: str, trial: Values) -> str:
    """The values that keep a field from having an effect on this trial's weights or, for what is
    only measured, on its rows; empty if it has one."""
    missed, need = _missed(field, trial), IN_ROWS_ALONE.get(field)
    if missed is None and need is not None and not need.met(field, trial):
        missed = need
    return "" if missed is None else _quoted(missed, trial)


def unread(trial: Values) -> list[str]:
    """The fields of this trial that have no effect on any of its rows."""
    return [field for field in NEEDS if _missed(field, trial) is not None]


def _missed(field: str, trial: Values) -> Need | None:
    """The first need of a field that this trial does not meet."""
    for need in NEEDS.get(field, ()):
        if not need.met(field, trial):
            return need
    return None


def reason(field: str, trial: Values) -> str:
    """The values that make a field of this trial ineffective, such as `norm = 'batch'`."""
    missed = _missed(field, trial)
    if missed is None:
        raise ValueError(f"{field} has an effect")
    return _quoted(missed, trial)


def _quoted(missed: Need, trial: Values) -> str:
    *parts, last = [f"{name} = {_listed(trial[name])!r}" for name in missed.decided_by]
    return f"{', '.join(parts)} and {last}" if parts else last


def _listed(value: Any) -> Any:
    """The value in the form that a study file has: tuples as lists."""
    return list(value) if isinstance(value, tuple) else value
