"""What a run would do: the plan in words, with every default filled in."""

from __future__ import annotations

import json
import sys
import time
from contextlib import redirect_stdout
from typing import Any

from caviar.model.steps.setup import Probes
from caviar.runner.cli.growing.looks import Looks
from caviar.runner.cli.growing.schedule import counts_of_looks
from caviar.runner.config import TrialConfig
from caviar.runner.data.splits import split_sizes
from caviar.runner.executors.choice import Where
from caviar.runner.executors.cores import usable_cores
from caviar.runner.fields.changes import is_ever_read, read_change
from caviar.runner.forecast.forecast import facts, forecast, lines
from caviar.runner.forecast.place import as_held, outlook
from caviar.runner.forecast.price import priced
from caviar.runner.session.stopping.words import stopping
from caviar.runner.session.takeover import Offer, offered
from caviar.runner.session.training_path import path_of_run
from caviar.runner.store.open import storage_at
from caviar.runner.store.uri import masked
from caviar.runner.study.not_compared import not_compared
from caviar.runner.study.plan import Plan
from caviar.runner.study.what_was_read import what_was_read
from caviar.runner.trial.build import forward_examples
from caviar.runner.trial.kernels import Kernels, TrainingPath
from caviar.runner.trial.measurement_schedule import (
    Sizes,
    expected_share,
    probes_of,
    shadow_cost,
)


def describe(plan: Plan) -> str:
    """The plan as text: design, sizes, and every field that is the same in all trials.

    For a large plan the text describes a sample of its trials, and says so.

    >>> print(caviar.describe(caviar.plan(caviar.read_study("sizes.toml"))))
    study sizes (...): 2 trials of 2 seeds
    data: wine, 13 features, 3 classes; 96 train, 40 validation, 42 test
    crossed: norm_batch_size = [8, 32]
    ...
    """
    study = plan.study
    train, validation, test = split_sizes(
        study.dataset, len(plan.data.labels), plan.data.given_test
    )
    seeds = _plural(study.replicas, "seed")
    lines = [
        f"study {study.name} ({plan.hash()}): {_counted(plan)} of {seeds}",
        f"data: {study.dataset.title}, {plan.data.features.shape[1]} features, "
        f"{len(plan.data.classes)} classes; {train} train, {validation} validation, {test} test",
        *_part(plan),
        *_sampled(plan),
        *_repeated(plan),
        *not_compared(study, plan.sample),
    ]
    for field, levels in study.scientific.items():
        lines.append(f"crossed: {field} = {_levels(plan, levels)}")
    arms = list(study.arms.items())
    for name, settings in arms if plan.small else arms[:FEW]:
        lines.append(f"arm: {name} = {json.dumps(settings)}")
    if not plan.small and len(arms) > FEW:
        lines.append(f"arm: ... {len(arms)} arms in all")
    lines += _fields(plan)
    lines.append(f"fixed: seeds = {json.dumps(plan.sample[0].seeds)}")
    lines += [f"data, {topic}: {text}" for topic, text in what_was_read(plan.data, plan.sample[0])]
    lines.append(_measuring(plan))
    lines += [f"stop = {json.dumps(study.stop)}: {stops}"] if (stops := stopping(plan)) else []
    return "\n".join(lines)


FEW = 8
"""The most levels and arms of a large plan that are shown, and the most drawn words of any."""

FEW_DRAWN = 2
"""The most drawn numbers that are shown one by one."""


def _counted(plan: Plan) -> str:
    return _plural(plan.most, "trial") if plan.small else f"at most {plan.most:,} trials"


def _plural(count: int, what: str) -> str:
    return f"{count} {what}{'s' * (count != 1)}"


def _part(plan: Plan) -> list[str]:
    """For a shard, which it is."""
    if plan.part is None:
        return []
    number, of, whole, _ = plan.part
    return [f"shard: {number} of {of}, of {whole.most:,} trials in all"]


def _sampled(plan: Plan) -> list[str]:
    """For a large plan, which of its trials were checked."""
    if plan.small:
        return []
    levels, checked = plan.layout.levels, len(plan.sample)
    what = (
        f"every level at the first {max(trial.draw for trial in plan.sample) + 1:,} draws"
        if levels <= checked
        else f"spread over {levels:,} levels, with every crossed value if there are few enough"
    )
    return [
        f"sample: {checked:,} trials were laid out and checked, {what}; the rest are checked when "
        "the study runs; what follows describes the sample"
    ]


def _levels(plan: Plan, levels: list[Any]) -> str:
    if plan.small or len(levels) <= FEW:
        return json.dumps(levels)
    return f"{json.dumps(levels[:FEW])[:-1]}, ...], {len(levels):,} levels"


def _repeated(plan: Plan) -> list[str]:
    """How many trials are not run because they would repeat another's training, and why."""
    count, reasons = plan.repeats
    if not count:
        return []
    more = f"; and {len(reasons) - FEW} more" if len(reasons) > FEW else ""
    return [
        f"run once: {count:,} of {len(plan.sample) + count:,} trials would train the same as "
        f"another: {'; '.join(reasons[:FEW])}{more}"
    ]


def drawn(plan: Plan) -> dict[str, list[Any]]:
    """The different values of each drawn field, in order, in the trials that read it."""
    return {field: _values(plan, field) for field in plan.study.nuisance}


def _values(plan: Plan, field: str) -> list[Any]:
    readers = [trial for trial in plan.sample if is_ever_read(field, vars(trial))]
    different = {json.dumps(value): value for value in (getattr(t, field) for t in readers)}
    numbers = all(isinstance(value, int | float) for value in different.values())
    if numbers:
        return sorted(different.values())
    return [different[text] for text in sorted(different)]


def _drawn(values: list[Any]) -> str:
    """All values if they are few, and where they are more numbers their true range."""
    if len(values) > FEW_DRAWN and all(isinstance(v, int | float) for v in values):
        return f"{values[0]:.4g} to {values[-1]:.4g} in {len(values):,} values"
    return ", ".join(map(json.dumps, values[:FEW]))


def _fields(plan: Plan) -> list[str]:
    """The drawn values, and every field that nothing varies; both only where a trial reads them."""
    study, lines = plan.study, []
    for field, values in drawn(plan).items():
        lines.append(f"drawn ({study.draws.sampler}): {field} = {_drawn(values)}")
    in_arms = {field for settings in study.arms.values() for field in settings}
    changing = {read_change(text).field for trial in plan.sample for text in trial.changes}
    varied = {*study.scientific, *study.nuisance, *in_arms, "dataset", "draw", "seeds", "arm"}
    for field in type(plan.sample[0]).model_fields:
        if field not in varied and (given := _values(plan, field)):
            shown = json.dumps(given[0]) if len(given) == 1 else f"{len(given)} values, by trial"
            lines.append(f"fixed: {field} = {shown}{' at the start' * (field in changing)}")
    return lines


def _measuring(plan: Plan) -> str:
    """The share of the time that measuring takes, and the measurements that did not fit."""
    measured = [_share(plan, trial) for trial in plan.sample]
    lowest, highest = min(s for s, _, _ in measured), max(s for s, _, _ in measured)
    limit = max(trial.probe_share for trial in plan.sample)
    between = (
        f"{lowest:.0%}"
        if round(lowest, 2) == round(highest, 2)
        else (f"{lowest:.0%} to {highest:.0%}")
    )
    text = f"measuring at frozen weights: about {between} of the time (probe_share = {limit:g}"
    text += ", which one measurement at the end exceeds)" if highest > limit else ")"
    moments = [len(probes.evaluation_steps) for _, probes, _ in measured]
    text += (
        "; losses and everything else at the last step"
        if max(moments) == 1
        else f"; losses at {_range(moments)} steps, everything else at the last"
    )
    fewer = [probes.examples for _, probes, _ in measured]
    partitions = [probes.penalty_partitions for _, probes, _ in measured]
    most = max(partitions)
    into = "1 partition" if most == 1 else f"up to {most} partitions"
    text += f", penalties on {_range(fewer)} training examples in {into}"
    if not all(probes.gradient_batches for _, probes, _ in measured):
        text += ", without gradient noise"
    shadow = max(cost for _, _, cost in measured)
    if shadow:
        text += f"; the shadow takes another {shadow:.1f} times as long as training"
    return text


def _range(values: list[int]) -> str:
    low, high = min(values), max(values)
    return str(low) if low == high else f"{low} to {high}"


def _share(plan: Plan, trial: TrialConfig) -> tuple[float, Probes, float]:
    splits = split_sizes(trial.dataset, len(plan.data.labels), plan.data.given_test)
    sizes = Sizes(*splits, forward_examples(trial, splits[0]))
    probes = probes_of(trial, sizes)
    return expected_share(probes, trial, sizes), probes, shadow_cost(trial, sizes)


def described(
    plan: Plan,
    pilot: str | None,
    root: str,
    on: Where,
    workers: int | None,
    accept_other_processor: bool,
    kernels: Kernels = Kernels.auto,
    extend: bool = False,
    source: str | None = None,
    looks: Looks | None = None,
    per_hour: float | None = None,
    *,
    as_json: bool,
) -> str:
    """The plan with its forecast and its power, as text or JSON; nothing is written there.

    `pilot` is a run to take the spread over seeds from, `root` where the run would go, `source` a
    run that it would take trials over from; `looks` are made while seeds join. Without `workers`,
    one per core is assumed; `per_hour` is what one costs. Steps are timed as the run makes them.
    """
    from caviar.runner.cli.power import power

    count = 1 if on is Where.inline else workers or usable_cores()
    storage, path = storage_at(root), TrainingPath.numpy
    origin = None if source is None else storage_at(source)
    planned, left = as_held(storage, plan, origin)
    place = outlook(storage, planned, accept_other_processor, time.time(), extend)
    if not place.refused:
        with redirect_stdout(sys.stderr):
            path = path_of_run(kernels, planned, storage, origin)
    offer = offered(origin, plan, storage, path, accept_other_processor)
    left = _without(planned, left, offer)
    told = forecast(planned, min(count, planned.most), path, time.process_time, left)
    price = priced(told, per_hour)
    text = "\n".join([describe(plan), *lines(planned, told, place), *price.lines])
    text += _taken(offer, planned) + power(plan.study.replicas, pilot) + _looked_at(plan, looks)
    content = _identified(planned) | facts(told, place) | price.facts
    return _as_json(content, text) if as_json else text


def _as_json(content: dict[str, Any], text: str) -> str:
    return json.dumps({**content, "lines": text.splitlines()}, indent=1)


def _without(plan: Plan, left: frozenset[str] | None, offer: Offer | None) -> frozenset[str] | None:
    """The trials that are left (None: all) without those that are taken over."""
    if offer is None:
        return left
    needed = frozenset(trial.trial_id for trial in plan.trials) if left is None else left
    return needed - offer.outcomes.keys()


def _looked_at(plan: Plan, looks: Looks | None) -> str:
    if looks is None:
        return ""
    counts = ", ".join(map(str, counts_of_looks(plan.study.replicas, looks.most)))
    return (
        f"\nuntil: looks at {looks.name} with {counts} seeds, of which the run stops at the first "
        f"that knows it to ± {looks.within:g}; what is told above is for the first look"
    )


def _taken(offer: Offer | None, plan: Plan) -> str:
    if offer is None:
        return "\n"
    where = masked(offer.source.where)
    told = f"from: {len(offer.outcomes)} of {plan.most} trials would be taken over from {where}"
    return f"\n{told}; {offer.says}\n" if offer.says else f"\n{told}\n"


def _identified(plan: Plan) -> dict[str, Any]:
    """What would run, for programs."""
    return {
        "study": plan.study.name,
        "hash": plan.hash(),
        "trials": plan.most,
        "seeds": plan.study.replicas,
        "drawn": {
            field: {"low": values[0], "high": values[-1], "values": len(values)}
            for field, values in drawn(plan).items()
        },
    }
