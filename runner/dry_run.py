"""What a run would do: the plan in words, with every default filled in."""

from __future__ import annotations

import json

from runner.data import split_sizes
from runner.plan import Plan


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
    for field in study.nuisance:
        drawn = sorted({json.dumps(getattr(trial, field)) for trial in trials})
        lines.append(f"drawn ({study.draws.sampler}): {field} = {', '.join(drawn[:8])}")
    varied = {*study.scientific, *study.nuisance, "dataset", "draw", "seeds"}
    for field in type(trials[0]).model_fields:
        if field not in varied:
            values = {json.dumps(getattr(trial, field)) for trial in trials}
            shown = values.pop() if len(values) == 1 else f"{len(values)} values, by trial"
            lines.append(f"fixed: {field} = {shown}")
    lines.append(f"fixed: seeds = {json.dumps(trials[0].seeds)}")
    return "\n".join(lines)
