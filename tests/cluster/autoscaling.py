"""A cluster without machines that starts and stops simulated ones on demand (Ray's autoscaler v2).

`ray.cluster_utils.AutoscalingCluster` does the same, but reads a file that Ray's wheel lacks, and
its start and end stop every Ray of the machine.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ray._private.services import get_node_ip_address
from ray.autoscaler._private.fake_multi_node.node_provider import FAKE_HEAD_NODE_ID

from tests.faults.lost_drivers.clusters import LostCluster, marked
from tests.runner.clusters import free_port
from tests.runner.helpers import eventually

SIMULATION = "ray.autoscaler._private.fake_multi_node.node_provider"
SIMULATED = {
    "RAY_FAKE_CLUSTER": "1",
    "AUTOSCALER_UPDATE_INTERVAL_S": "1",
    "RAY_enable_autoscaler_v2": "1",
    "RAY_CLOUD_INSTANCE_ID": FAKE_HEAD_NODE_ID,
    "RAY_OVERRIDE_NODE_ID_FOR_TESTING": FAKE_HEAD_NODE_ID,
}


def scaling(most: int, idle_seconds: float, gcs_address: str) -> dict[str, object]:
    """What `ray start --autoscaling-config` reads: a head without a CPU, and up to so many machines
    of one CPU, stopped when idle for so long."""
    machine = {"CPU": 1, "object_store_memory": 100_000_000}
    lists = ("initialization", "setup", "head_setup", "worker_setup")
    starts = ("head_start_ray", "worker_start_ray")
    return {
        "cluster_name": "simulated",
        "max_workers": most,
        "provider": {
            "type": "external",
            "module": f"{SIMULATION}.FakeMultiNodeProvider",
            "use_node_id_as_ip": True,
            "disable_node_updaters": True,
            "disable_launch_config_check": True,
            "launch_multiple": True,
            "head_node_id": FAKE_HEAD_NODE_ID,
            "gcs_address": gcs_address,
        },
        "available_node_types": {
            "ray.head.default": {"resources": {"CPU": 0}, "node_config": {}, "max_workers": 0},
            "machine": {
                "resources": machine,
                "node_config": {},
                "min_workers": 0,
                "max_workers": most,
            },
        },
        "head_node_type": "ray.head.default",
        "auth": {},
        "upscaling_speed": 1.0,
        "idle_timeout_minutes": idle_seconds / 60,
        "docker": {},
        **{f"{name}_commands": [] for name in (*lists, *starts)},
        "file_mounts": {},
        "cluster_synced_files": [],
        "file_mounts_sync_continuously": False,
        "rsync_exclude": [],
        "rsync_filter": [],
    }


@contextmanager
def started_empty(home: Path, most: int, idle_seconds: float) -> Iterator[LostCluster]:
    """A head, and up to so many machines that come and go."""
    with tempfile.TemporaryDirectory(prefix="r", dir="/tmp") as scratch:
        folder, port = Path(scratch), free_port()
        here = get_node_ip_address()  # type: ignore[no-untyped-call]  # Ray's own
        address = f"{here}:{port}"
        config = scaling(most, idle_seconds, address)
        (folder / "scaling.json").write_text(json.dumps(config))
        environment = {**marked(home, scratch), "RAY_ADDRESS": address}
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
