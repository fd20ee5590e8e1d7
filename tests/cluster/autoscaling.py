"""A cluster without machines that starts and stops simulated ones on demand (Ray's autoscaler v2).

`ray.cluster_utils.AutoscalingCluster` writes its configuration; its own start and end would stop
every Ray of this machine.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ray.autoscaler._private.fake_multi_node.node_provider import FAKE_HEAD_NODE_ID
from ray.cluster_utils import AutoscalingCluster

from tests.faults.lost_drivers.clusters import LostCluster, marked
from tests.runner.clusters import free_port
from tests.runner.helpers import eventually

SIMULATED = {
    "RAY_FAKE_CLUSTER": "1",
    "AUTOSCALER_UPDATE_INTERVAL_S": "1",
    "RAY_enable_autoscaler_v2": "1",
    "RAY_CLOUD_INSTANCE_ID": FAKE_HEAD_NODE_ID,
    "RAY_OVERRIDE_NODE_ID_FOR_TESTING": FAKE_HEAD_NODE_ID,
}


@contextmanager
def started_empty(home: Path, most: int, idle_seconds: float) -> Iterator[LostCluster]:
    """A head without a CPU, and up to so many machines of one CPU, stopped when idle so long."""
    machine = {
        "resources": {"CPU": 1, "object_store_memory": 100_000_000},
        "node_config": {},
        "min_workers": 0,
        "max_workers": most,
    }
    config = AutoscalingCluster(
        {"CPU": 0}, {"machine": machine}, autoscaler_v2=True, idle_timeout_minutes=idle_seconds / 60
    )._config
    with tempfile.TemporaryDirectory(prefix="r", dir="/tmp") as scratch:
        folder, port = Path(scratch), free_port()
        (folder / "scaling.json").write_text(json.dumps(config))
        environment = {**marked(home, scratch), "RAY_ADDRESS": f"127.0.0.1:{port}"}
        log = folder / "said"
        words = [
            *(str(Path(sys.executable).with_name("ray")), "start", "--head", "--block"),
            *(f"--port={port}", f"--temp-dir={scratch}", "--num-cpus=0"),
            *(f"--autoscaling-config={folder / 'scaling.json'}", "--include-dashboard=false"),
            *("--object-store-memory=100000000", "--disable-usage-stats"),
        ]
        before_it = {k: v for k, v in environment.items() if k != "RAY_ADDRESS"}
        with log.open("w") as file:
            head = subprocess.Popen(
                words, env={**before_it, **SIMULATED}, stdout=file, stderr=subprocess.STDOUT
            )
        cluster = LostCluster(environment, folder)
        try:
            assert eventually(lambda: head.poll() is not None or "started" in log.read_text())
            assert head.poll() is None, log.read_text()
            yield cluster
        finally:
            cluster.kill()
            head.wait(60)
