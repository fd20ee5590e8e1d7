"""The program, in a job on a cluster, with trials that wait until a test releases them.

    python -m tests.cluster.held RELEASE run ...

`RELEASE` is a file that every host would see.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from caviar.runner.cli.carry_out import carried_out
from caviar.runner.cli.main import main
from caviar.runner.data.splits import Data
from caviar.runner.trial.events import Event, Job
from caviar.runner.trial.run_trial import run_trial
from tests.runner.workers import holds_until


def all_but_the_smallest_ghosts(release: Path, job: Job, data: Data) -> Iterator[Event]:
    """Trials of the smallest ghosts, which are longest and go first, complete; the rest wait."""
    if job.config.norm_batch_size == 4:
        return run_trial(job, data)
    return holds_until(release, job, data)


if __name__ == "__main__":
    run = partial(all_but_the_smallest_ghosts, Path(sys.argv.pop(1)))
    main(partial(carried_out, trial=run))
