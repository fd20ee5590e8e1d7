"""A further change of a trial, checked by the rules of a study."""

from __future__ import annotations

from functools import reduce

from pydantic import ValidationError

from caviar.model.steps.random_streams import streams
from caviar.runner.config import TrialConfig
from caviar.runner.data.splits import Data, split_sizes
from caviar.runner.effects import is_read, without_effect
from caviar.runner.errors import RequestError, nearest
from caviar.runner.fields.changes import Change, read_change
from caviar.runner.trial.build import build, too_large
from caviar.runner.trial.changing.phases import fields_of, in_force


def with_change(config: TrialConfig, change: Change, data: Data) -> TrialConfig:
    """The trial with one change more, after those that it has.

    Raises RequestError where it cannot be made or has no effect.
    """
    where = f"change '{change}'"
    done = [read_change(text) for text in config.changes]
    if not 1 <= change.step < config.steps:
        raise RequestError(
            f"{where}: the trial ends after step {config.steps}, so that a change must come at the "
            f"end of one of steps 1 to {config.steps - 1}"
        )
    if done and change.step < done[-1].step:
        raise RequestError(
            f"{where}: the trial changes at step {done[-1].step} already, and a further change "
            "must not come before"
        )
    if change.what != "set" and done and change == done[-1]:
        raise RequestError(f"{where} is there already; leave it out")
    before = in_force(config, change.step)
    check = {"set": _check_set, "reset": _check_reset, "recompute": _check_recompute}[change.what]
    check(before, change, data, where)
    return config.model_copy(update={"changes": (*config.changes, str(change))})


def check_changes(config: TrialConfig, data: Data) -> None:
    """Check every change of a trial in turn; raises RequestError for the first that is wrong."""
    plain = config.model_copy(update={"changes": ()})
    reduce(lambda so_far, text: with_change(so_far, read_change(text), data), config.changes, plain)


def _check_set(before: TrialConfig, change: Change, data: Data, where: str) -> None:
    field, value = change.field, change.value
    if getattr(before, field) == value:
        raise RequestError(f"{where} has no effect: {field} is {value} already; leave it out")
    try:
        after = TrialConfig(**{**fields_of(before), field: value})
    except ValidationError as error:
        first = error.errors()[0]
        name = "" if first["type"] == "value_error" else f"{field} "
        message = first["msg"].removeprefix("Value error, ").replace("Input should be", "must be")
        raise RequestError(f"{where}: {name}{message}") from None
    reason = without_effect(field, vars(after))
    if reason:
        raise RequestError(f"{where}: {field} has no effect with {reason}; leave it out")
    train, _, _ = split_sizes(before.dataset, len(data.labels), data.given_test)
    refusal = too_large(after, train)
    if refusal:
        raise RequestError(f"{where}: {refusal}")
    if field == "norm_batch_size":
        _check_epoch(change.step, train // before.batch_size, before.steps, where)


def _check_epoch(step: int, epoch: int, steps: int, where: str) -> None:
    if step % epoch == 0:
        return
    ends = [end for end in (step - step % epoch, step - step % epoch + epoch) if 0 < end < steps]
    nearest_ends = " or ".join(map(str, ends))
    raise RequestError(
        f"{where}: norm_batch_size changes at the end of an epoch only, and an epoch has {epoch} "
        f"steps; {f'name step {nearest_ends}' if ends else 'this training has only one'}"
    )


def _check_reset(before: TrialConfig, change: Change, data: Data, where: str) -> None:
    network = build(before, data).network
    parameters, _ = network.init(
        streams(before.seeds[:1], "weights"), data.features.shape[1], before.dtype
    )
    layers = [name for name, by_name in parameters.items() if by_name]
    if change.field not in layers:
        raise RequestError(
            f"{where}: the network has no layer {change.field!r} that learns; "
            f"{nearest(change.field, layers)}"
        )


def _check_recompute(before: TrialConfig, change: Change, data: Data, where: str) -> None:
    if not before.conventions or not is_read("conventions", vars(before)):
        reason = without_effect("conventions", vars(before)) or "conventions = []"
        raise RequestError(f"{where} has no effect with {reason}, which keeps no running average")
