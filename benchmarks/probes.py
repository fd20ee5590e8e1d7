"""What share of a trial's time measuring takes, beside the share planned before the run.

The plan decides from an estimate what is measured when
(runner/trial/measurement_schedule.py), so that a trial's rows never depend on a clock; here the
estimate is held against the clock.
"""

from __future__ import annotations

import machine  # isort: skip  # sets the threads before numpy loads

from pathlib import Path

from caviar.runner.data.splits import split_sizes
from caviar.runner.study.plan import make_plan
from caviar.runner.study.study_file import read_study
from caviar.runner.trial.build import forward_examples
from caviar.runner.trial.events import Job, Outcome
from caviar.runner.trial.measurement_schedule import Sizes, probes_of, share
from caviar.runner.trial.run_trial import run_trial

STUDIES = Path(__file__).resolve().parents[1] / "studies"
ONE = ("draws.count=1", "replicas=8", "nuisance={}")
CASES = {
    "digits, 64-128-128-10, 160 steps": ("norm_batch_size=[32]",),
    "the same, half of the time": ("norm_batch_size=[32]", "probe_share=0.5"),
    "the same, 1,600 steps": ("norm_batch_size=[32]", "budget.epochs=400"),
    "batch 32, 1,280 steps": ("norm_batch_size=[32]", "batch_size=32"),
    "hidden 256-256": ("norm_batch_size=[32]", "hidden=[256, 256]"),
    "hidden 32, 1,600 steps": ("norm_batch_size=[32]", "hidden=[32]", "budget.epochs=400"),
    "population statistics": ('norm_batch_size=["train"]',),
    "layer norm": ("norm=layer", "norm_batch_size=[32]"),
    "8 partitions": ("norm_batch_size=[32]", "partitions=8"),
}
FULL: tuple[str, ...] = ()
QUICK = ("budget.epochs=1", "replicas=2")
"""Changes made to every trial, after its own."""


def main(budget: tuple[str, ...]) -> None:
    """Print the table."""
    print(machine.describe())
    print("\n| trial | limit | planned share | measured share | seconds |")
    print("| --- | ---: | ---: | ---: | ---: |")
    for name, settings in CASES.items():
        changes = ("probe_share=0.2", *ONE, *settings, *budget)
        plan = make_plan(read_study(STUDIES / "ghost-size.toml", changes))
        (trial,) = plan.trials
        splits = split_sizes(trial.dataset, len(plan.data.labels))
        sizes = Sizes(*splits, forward_examples(trial, splits[0]))
        planned = share(probes_of(trial, sizes), trial, sizes)
        events = run_trial(Job(trial, "t", 0), plan.data)
        ended = next(event for event in events if isinstance(event, Outcome))
        assert ended.status == "completed", ended.error
        measured = ended.probe_seconds / ended.seconds
        print(
            f"| {name} | {trial.probe_share:.0%} | {planned:.0%} | {measured:.0%} | "
            f"{ended.seconds:.2f} |"
        )


if __name__ == "__main__":
    main(machine.chosen(__doc__, FULL, QUICK))
