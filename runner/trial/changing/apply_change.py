"""What a change does to a training between two steps."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from caviar.model.averages.bank import Averaged, BankState, RunningStatistics
from caviar.model.averages.conventions import SECOND, Tracker
from caviar.model.contract import Moments, NetworkParameters
from caviar.model.measurements.population import population
from caviar.model.network import Network
from caviar.model.parameters import each
from caviar.model.steps.examples import Examples
from caviar.model.steps.optimizers import OptimizerState
from caviar.model.steps.random_streams import streams_at
from caviar.model.steps.setup import Splits, Training
from caviar.model.steps.snapshot import Snapshot
from caviar.model.steps.state import TrainingState
from caviar.runner.config import TrialConfig
from caviar.runner.data.splits import Data
from caviar.runner.fields.changes import Change
from caviar.runner.trial.changing.phases import changes_of, training_with


def with_changes_due(
    snapshot: Snapshot, config: TrialConfig, data: Data, splits: Splits
) -> Snapshot:
    """The snapshot after all changes that a trial lists for its step, one after the other.

    A checkpoint holds a training before those of its step.
    """
    for number, change in enumerate(changes_of(config)):
        if change.step == snapshot.step:
            before, after = (training_with(config, data, n) for n in (number, number + 1))
            snapshot = changed(snapshot, change, before, after, splits)
    return snapshot


@np.errstate(all="ignore")
def changed(
    snapshot: Snapshot, change: Change, before: Training, after: Training, splits: Splits
) -> Snapshot:
    """The snapshot from which training goes on after a change at its step.

    `before` is the training that took the step, `after` the one that takes the next.
    """
    state = snapshot.state
    if change.what == "reset":
        state = _reset(state, change.field, before, splits.train)
    elif change.what == "recompute":
        state = _recomputed(state, before, splits.train)
    else:
        state = _under(state, before, after)
    return replace(snapshot, state=state)


def _under(state: TrainingState, before: Training, after: Training) -> TrainingState:
    """The state as another setting needs it: layers without parameters come and go, averages go on
    under other decays."""
    slots = {s: _of(after.network, nested) for s, nested in state.optimizer.slots.items()}
    kept = _going_on(before.running.trackers, after.running.trackers)
    return replace(
        state,
        parameters=_of(after.network, state.parameters),
        optimizer=OptimizerState(slots, state.optimizer.count),
        bank=_taken(state.bank, kept),
        shadow=_taken(state.shadow, kept),
    )


def _of(network: Network, nested: NetworkParameters) -> NetworkParameters:
    return {name: nested.get(name, {}) for name, _ in network.layers}


def _going_on(before: tuple[Tracker, ...], after: tuple[Tracker, ...]) -> list[int]:
    """For each average after a change, the number of the one before that it goes on with.

    The first of a rule is that of `decay`, and goes on under whatever decay it has now; the others
    go on under their names.
    """
    names, rules = ([t.name for t in before], [t.convention.name for t in before])
    ours = [t.convention.name for t in after]
    return [
        rules.index(rule) if ours.index(rule) == i else names.index(tracker.name)
        for i, (rule, tracker) in enumerate(zip(ours, after, strict=True))
    ]


def _taken(bank: BankState, kept: list[int]) -> BankState:
    averages = {
        layer: Averaged(*(part[kept] for part in averaged))
        for layer, averaged in bank.averages.items()
    }
    return bank._replace(averages=averages)


def _reset(
    state: TrainingState, layer: str, training: Training, examples: Examples
) -> TrainingState:
    """A layer as at the start, its weights drawn anew, and nothing remembered of it."""
    generators = streams_at(training.seeds, "weights", state.step)
    # All layers are drawn, so that two that are reset at one step share no number.
    fresh, _ = training.network.init(generators, examples.features.shape[1], examples.dtype)
    slots = {
        slot: {**nested, layer: each(np.zeros_like, {layer: nested[layer]})[layer]}
        for slot, nested in state.optimizer.slots.items()
    }
    references = training.network.references(fresh)
    started = training.running.init(training.network, fresh)
    carried = {layer: references[layer]} if layer in references else {}
    return replace(
        state,
        parameters={**state.parameters, layer: fresh[layer]},
        optimizer=OptimizerState(slots, state.optimizer.count),
        references={**state.references, **carried},
        bank=_begun(state.bank, started, layer),
        shadow=_begun(state.shadow, started, layer),
    )


def _begun(bank: BankState, started: BankState, layer: str) -> BankState:
    """The bank with the averages of one layer at their start, if it has any."""
    if layer not in bank.averages:
        return bank
    averages = {**bank.averages, layer: started.averages[layer]}
    return BankState(bank.updates, averages, {**bank.begun, layer: bank.updates})


def _recomputed(state: TrainingState, training: Training, examples: Examples) -> TrainingState:
    """Every average at the statistics of the training split, as if all its batches had had them."""
    generators = streams_at(training.seeds, "probe", state.step)
    exact = population(training.network, state.parameters, examples, (), generators).moments
    return replace(
        state,
        bank=_holding(training.running, state.bank, exact),
        shadow=_holding(training.running, state.shadow, exact),
    )


def _holding(running: RunningStatistics, bank: BankState, exact: dict[str, Moments]) -> BankState:
    rules = [SECOND[tracker.convention.second].holding for tracker in running.trackers]
    averages = {}
    for layer, averaged in bank.averages.items():
        mean, variance = (part[:, 0] for part in exact[layer])
        second = [rule(variance, running.epsilon) for rule in rules]
        averages[layer] = Averaged(
            np.broadcast_to(mean, averaged.mean.shape).copy(),
            np.array(second).reshape(averaged.second.shape),
        )
    return BankState(bank.updates, averages)
