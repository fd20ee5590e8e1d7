"""`cluster.yaml` as Ray uses it, against a server with AWS's interface (moto)."""

from __future__ import annotations

import json
import logging
import os
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import boto3
import pytest
import yaml
from botocore.exceptions import ClientError
from moto.iam.models import iam_backends
from moto.server import ThreadedMotoServer

ROOT = Path(__file__).resolve().parents[2]
TAGS = ("node-kind", "node-name", "user-node-type", "node-status", "launch-config")
REGION = "eu-central-1"

pytestmark = [
    pytest.mark.slow,  # moto's server looks through 175 services at every request.
    pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::ResourceWarning"),
]


class Account(NamedTuple):
    """An AWS account in which somebody has run `ray up`, by a client and Ray's own file of it."""

    ec2: Any
    config: dict[str, Any]

    def provider(self, **credentials: str) -> Any:
        """What Ray starts and ends instances with, by whoever has these credentials."""
        from ray.autoscaler._private.providers import _get_node_provider

        settings = {**self.config["provider"], "aws_credentials": credentials}
        return _get_node_provider(settings, self.config["cluster_name"], use_cache=False)

    def node_config(self, kind: str) -> dict[str, Any]:
        node: dict[str, Any] = self.config["available_node_types"][kind]["node_config"]
        return node


@pytest.fixture(scope="module")
def account(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Account]:
    """At first empty except for its default network. Ray keeps its connections, so there is one."""
    from ray.autoscaler._private.aws.config import bootstrap_aws
    from ray.autoscaler._private.util import prepare_config

    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    iam_backends.reset()
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    home = tmp_path_factory.mktemp("home")
    (home / ".ssh").mkdir()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HOME", str(home))  # Ray writes the new key there.
        patch.setenv("AWS_ENDPOINT_URL", "http://{}:{}".format(*server.get_host_and_port()))
        patch.setenv("AWS_DEFAULT_REGION", REGION)
        for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
            patch.setenv(name, "testing")
        wanted = prepare_config(yaml.safe_load((ROOT / "cluster.yaml").read_text()))
        config = bootstrap_aws(wanted)  # type: ignore[no-untyped-call]  # Ray's own
        yield Account(boto3.client("ec2"), config)
        server.stop()


def started(provider: Any, node: dict[str, Any]) -> dict[str, Any]:
    """The one instance that Ray starts of a node type, as AWS describes it."""
    (instance,) = provider.create_node(node, {f"ray-{tag}": "worker" for tag in TAGS}, 1).values()
    described: dict[str, Any] = boto3.client("ec2").describe_instances(InstanceIds=[instance.id])
    ((only,),) = [reservation["Instances"] for reservation in described["Reservations"]]
    return dict(only)


def test_ray_makes_of_it_a_closed_network_and_spot_workers(account: Account) -> None:
    groups = account.ec2.describe_security_groups()["SecurityGroups"]
    (group,) = [g for g in groups if g["GroupName"] == "ray-autoscaler-caviar"]
    open_to_the_world = [rule for rule in group["IpPermissions"] if rule["IpRanges"]]
    assert [(rule["FromPort"], rule["ToPort"]) for rule in open_to_the_world] == [(22, 22)]
    (within,) = [rule for rule in group["IpPermissions"] if not rule["IpRanges"]]
    assert [pair["GroupId"] for pair in within["UserIdGroupPairs"]] == [group["GroupId"]]

    instance = started(account.provider(), account.node_config("spot-c7i"))
    assert (instance["InstanceType"], instance["InstanceLifecycle"]) == ("c7i.4xlarge", "spot")
    assert [g["GroupId"] for g in instance["SecurityGroups"]] == [group["GroupId"]]
    assert instance["MetadataOptions"]["HttpTokens"] == "required"
    assert "IamInstanceProfile" not in instance
    disks = [disk["Ebs"]["VolumeId"] for disk in instance["BlockDeviceMappings"]]
    (disk,) = account.ec2.describe_volumes(VolumeIds=disks)["Volumes"]
    assert disk["Encrypted"] is True


def test_ray_makes_no_role_of_its_own(account: Account) -> None:
    iam = boto3.client("iam")
    roles = [role["RoleName"] for role in iam.list_roles()["Roles"]]
    profiles = iam.list_instance_profiles()["InstanceProfiles"]
    assert not [name for name in roles if name.startswith("ray-")] and not profiles
    head = account.node_config("head")
    assert head["IamInstanceProfile"] == {"Name": "caviar-head"}


def policy(name: str) -> str:
    return (ROOT / "docs" / "cluster" / name).read_text("utf-8")


@contextmanager
def permissions_are_asked_for() -> Iterator[None]:
    """moto looks at the policies of whoever asks while it lasts."""
    ask_for_permissions(after=0)
    try:
        yield
    finally:
        ask_for_permissions(after=10**9)


def ask_for_permissions(after: int) -> None:
    """From the request after so many on."""
    url = f"{os.environ['AWS_ENDPOINT_URL']}/moto-api/reset-auth"
    text = {"Content-Type": "text/plain"}
    urllib.request.urlopen(urllib.request.Request(url, str(after).encode(), text)).close()


def keys_of_the_head() -> dict[str, str]:
    """Credentials of the role that the page makes, as its instance gets them."""
    iam = boto3.client("iam")
    trust, workers = policy("aws-trust-policy.json"), json.loads(policy("aws-head-policy.json"))
    for statement in workers["Statement"]:  # moto knows neither resources of EC2 nor conditions.
        statement["Resource"] = "*"
        statement.pop("Condition", None)
    allowed = json.dumps(workers)
    role = iam.create_role(RoleName="caviar-head", AssumeRolePolicyDocument=trust)["Role"]
    iam.put_role_policy(RoleName="caviar-head", PolicyName="workers", PolicyDocument=allowed)
    session = boto3.client("sts").assume_role(RoleArn=role["Arn"], RoleSessionName="head")
    keys = session["Credentials"]
    return {
        "aws_access_key_id": keys["AccessKeyId"],
        "aws_secret_access_key": keys["SecretAccessKey"],
        "aws_session_token": keys["SessionToken"],
    }


def test_the_heads_policy_is_enough_for_ray_and_not_for_more(account: Account) -> None:
    """Of its actions: that resources and conditions hold is AWS's part."""
    keys, node = keys_of_the_head(), account.node_config("on-demand")
    with permissions_are_asked_for():
        provider = account.provider(**keys)
        (worker,) = provider.create_node(node, {f"ray-{tag}": "worker" for tag in TAGS}, 1)
        assert worker in provider.non_terminated_nodes({})
        provider.set_node_tags(worker, {"ray-node-status": "up-to-date"})
        provider.terminate_node(worker)
        assert worker not in provider.non_terminated_nodes({})
        ec2, iam = (boto3.client(name, **keys) for name in ("ec2", "iam"))
        for refused in (ec2.describe_key_pairs, ec2.describe_volumes, ec2.describe_vpcs):
            with pytest.raises(ClientError, match="AccessDenied"):
                refused()
        with pytest.raises(ClientError, match="AccessDenied"):
            iam.create_user(UserName="intruder")
