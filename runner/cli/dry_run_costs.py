"""`caviar run --dry-run`: the plan, what its run will cost, and what lies where it would go."""

from __future__ import annotations

import json
import time

from caviar.runner.cli.dry_run import describe, drawn
from caviar.runner.cli.power import power
from caviar.runner.executors.choice import Where
from caviar.runner.executors.cores import usable_cores
from caviar.runner.forecast.forecast import facts, forecast, lines
from caviar.runner.forecast.place import outlook
from caviar.runner.store.open import storage_at
from caviar.runner.study.plan import Plan


def described(
    plan: Plan,
    pilot: str | None,
    root: str,
    on: Where,
    workers: int | None,
    accept_other_processor: bool,
    *,
    as_json: bool,
) -> str:
    """The plan with its forecast and its power, as text or JSON; nothing is written.

    `pilot` is a run to take the spread over seeds from, `root` is where the run would go. Without
    `workers`, one per core of this machine is assumed.
    """
    count = 1 if on is Where.inline else workers or usable_cores()
    place = outlook(storage_at(root), plan, accept_other_processor, time.time())
    told = forecast(plan, min(count, plan.most), time.process_time)
    last = power(plan.study.replicas, pilot)
    text = "\n".join([describe(plan), *lines(plan, told, place), last])
    if not as_json:
        return text
    content = {
        "study": plan.study.name,
        "hash": plan.hash(),
        "trials": plan.most,
        "seeds": plan.study.replicas,
        "drawn": {
            field: {"low": values[0], "high": values[-1], "values": len(values)}
            for field, values in drawn(plan).items()
        },
        **facts(told, place),
        "lines": text.splitlines(),
    }
    return json.dumps(content, indent=1)
