"""What a run would do: the plan in words, with every default filled in."""

from __future__ import annotations

import json

from model.training import Probes
from runner.build import forward_examples
from runner.config import TrialConfig
from runner.data import split_sizes
from runner.plan import Plan
from runner.probes import Sizes, probes_of, shadow_cost, share


def describe(plan: Plan) -> str:
    """The plan as text: design, sizes, and every field that is the same in all trials."""
    study, trials = plan.study, plan.trials
    train, validation, test = split_sizes(study.dataset, len(plan.data.labels))
    lines = [
        f"study {study.name} ({plan.hash()}): {len(trials)} trials of {study.replicas} seeds",
        f"data: {study.dataset.title}, {plan.data.features.shape[1]} features, "
        f"{len(plan.data.classes)} classes; {train} train, {validation} validation, {test} test",
    ]
    for field, levels in study.scientific.items():
        lines.append(f"crossed: {field} = {json.dumps(levels)}")
    for name, own in study.arms.items():
        lines.append(f"arm: {name} = {json.dumps(own)}")
    for field in study.nuisance:
        drawn = sorted({json.dumps(getattr(trial, field)) for trial in trials})
        lines.append(f"drawn ({study.draws.sampler}): {field} = {', '.join(drawn[:8])}")
    in_arms = {field for own in study.arms.values() for field in own}
    varied = {*study.scientific, *study.nuisance, *in_arms, "dataset", "draw", "seeds", "arm"}
    for field in type(trials[0]).model_fields:
        if field not in varied:
            values = {json.dumps(getattr(trial, field)) for trial in trials}
            shown = values.pop() if len(values) == 1 else f"{len(values)} values, by trial"
            lines.append(f"fixed: {field} = {shown}")
    lines.append(f"fixed: seeds = {json.dumps(trials[0].seeds)}")
    lines.append(_measuring(plan))
    return "\n".join(lines)


def _measuring(plan: Plan) -> str:
    """The share of the time that measuring takes, and what did not fit into it."""
    found = [_share(plan, trial) for trial in plan.trials]
    lowest, highest = min(s for s, _, _ in found), max(s for s, _, _ in found)
    limit = max(trial.probe_share for trial in plan.trials)
    between = (
        f"{lowest:.0%}"
        if round(lowest, 2) == round(highest, 2)
        else (f"{lowest:.0%} to {highest:.0%}")
    )
    text = f"measuring at frozen weights: about {between} of the time (probe_share = {limit:g}"
    text += ", which one measurement at the end exceeds)" if highest > limit else ")"
    moments = [len(probes.evaluation_steps) for _, probes, _ in found]
    text += f"; losses at {_range(moments)} steps, everything else at the last"
    fewer = [probes.examples for _, probes, _ in found]
    text += f", penalties on {_range(fewer)} training examples"
    if not all(probes.gradient_batches for _, probes, _ in found):
        text += ", without gradient noise"
    shadow = max(cost for _, _, cost in found)
    if shadow:
        text += f"; the shadow takes {shadow:.1f} times as long as training besides"
    return text


def _range(values: list[int]) -> str:
    low, high = min(values), max(values)
    return str(low) if low == high else f"{low} to {high}"


def _share(plan: Plan, trial: TrialConfig) -> tuple[float, Probes, float]:
    splits = split_sizes(trial.dataset, len(plan.data.labels))
    sizes = Sizes(*splits, forward_examples(trial, splits[0]))
    probes = probes_of(trial, sizes)
    return share(probes, trial, sizes), probes, shadow_cost(trial, sizes)
