"""`cluster.yaml` as Ray uses it, against a server with AWS's interface (moto)."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
import yaml
from moto.iam.models import iam_backends
from moto.server import ThreadedMotoServer

ROOT = Path(__file__).resolve().parents[2]
TAGS = ("node-kind", "node-name", "user-node-type", "node-status", "launch-config")

pytestmark = [
    pytest.mark.slow,  # Ray waits 15 s twice for its role, and moto reads every managed policy.
    pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::ResourceWarning"),
]


@pytest.fixture
def aws(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """A client of an AWS account that is empty except for its default network."""
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    monkeypatch.setenv("MOTO_IAM_LOAD_MANAGED_POLICIES", "true")
    iam_backends.reset()  # The S3 tests of this process may have made a server without policies.
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    (tmp_path / ".ssh").mkdir()
    monkeypatch.setenv("HOME", str(tmp_path))  # Ray writes the new key there.
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://{}:{}".format(*server.get_host_and_port()))
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    yield boto3.client("ec2", region_name="eu-central-1")
    server.stop()


def test_ray_makes_of_it_a_closed_network_and_spot_workers(aws: Any) -> None:
    from ray.autoscaler._private.aws.config import bootstrap_aws
    from ray.autoscaler._private.providers import _get_node_provider
    from ray.autoscaler._private.util import prepare_config

    wanted = prepare_config(yaml.safe_load((ROOT / "cluster.yaml").read_text()))
    config = bootstrap_aws(wanted)  # type: ignore[no-untyped-call]  # Ray's own
    groups = aws.describe_security_groups()["SecurityGroups"]
    (group,) = [g for g in groups if g["GroupName"] == "ray-autoscaler-caviar"]
    open_to_the_world = [rule for rule in group["IpPermissions"] if rule["IpRanges"]]
    assert [(rule["FromPort"], rule["ToPort"]) for rule in open_to_the_world] == [(22, 22)]
    (within,) = [rule for rule in group["IpPermissions"] if not rule["IpRanges"]]
    assert [pair["GroupId"] for pair in within["UserIdGroupPairs"]] == [group["GroupId"]]

    provider = _get_node_provider(config["provider"], config["cluster_name"])
    node = config["available_node_types"]["worker"]["node_config"]
    provider.create_node(node, {f"ray-{tag}": "worker" for tag in TAGS}, 1)
    ((instance,),) = [r["Instances"] for r in aws.describe_instances()["Reservations"]]
    assert (instance["InstanceType"], instance["InstanceLifecycle"]) == ("c7i.4xlarge", "spot")
    assert [g["GroupId"] for g in instance["SecurityGroups"]] == [group["GroupId"]]
