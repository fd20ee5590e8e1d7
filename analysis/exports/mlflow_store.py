"""A run as a file store of MLflow: one experiment, one of its runs per network."""

from __future__ import annotations

import json
import os
import time
import warnings
from pathlib import Path

from caviar.analysis.exports.series import networks
from caviar.analysis.run.read import Run

AT_ONCE = 1000
"""MLflow takes no more metrics in one batch."""

ENDED = {"completed": "FINISHED", "diverged": "FINISHED", "stopped": "KILLED"}


def write_mlflow(run: Run, folder: Path) -> int:
    """Write every network as a run of the experiment that is called as the study.

    Returns how many networks there are. Raises ImportError without mlflow.
    """
    os.environ |= {"MLFLOW_DISABLE_TELEMETRY": "true", "MLFLOW_ALLOW_FILE_STORE": "true"}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # MLflow's own, about its own file store.
        return _written(run, folder)


def _written(run: Run, folder: Path) -> int:
    from mlflow.entities import Metric, Param, RunTag
    from mlflow.tracking import MlflowClient

    client = MlflowClient(tracking_uri=folder.resolve().as_uri())
    experiment = client.create_experiment(run.name)
    now, count = int(time.time() * 1000), 0
    for network in networks(run):
        name = f"{network.trial_id} seed {network.seed}"
        made = client.create_run(experiment, run_name=name).info.run_id
        settings = {**network.settings, "seed": network.seed}
        params = [Param(key, _word(value)) for key, value in settings.items()]
        tags = [RunTag("trial_id", network.trial_id), RunTag("status", network.status)]
        client.log_batch(made, params=params, tags=tags)
        points = [Metric(p.series, p.value, now, p.step) for p in network.points]
        for start in range(0, len(points), AT_ONCE):
            client.log_batch(made, points[start : start + AT_ONCE])
        client.set_terminated(made, ENDED.get(network.status, "FAILED"))
        count += 1
    return count


def _word(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value)
