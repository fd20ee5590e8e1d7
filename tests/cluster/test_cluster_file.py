"""The cluster files are accepted by Ray, safe by default, and runnable by a shell."""

from __future__ import annotations

import json
import re
import shlex
import subprocess
import tomllib
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml
from packaging.requirements import Requirement
from packaging.version import Version

ROOT = Path(__file__).parents[2]
AWS, ONPREM = "cluster.yaml", "cluster-onprem.yaml"
COMMANDS = (
    "initialization_commands",
    "setup_commands",
    "head_start_ray_commands",
    "worker_start_ray_commands",
)
PROVIDER = {
    AWS: {"type", "region", "use_internal_ips", "cache_stopped_nodes"},
    ONPREM: {"type", "head_ip", "worker_ips"},
}
"""Ray's schema accepts any key of a provider, even a misspelt one."""


def text_of(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


@pytest.fixture(params=[AWS, ONPREM])
def name(request: pytest.FixtureRequest) -> str:
    file_name: str = request.param
    return file_name


@pytest.fixture
def config(name: str) -> dict[str, Any]:
    settings: dict[str, Any] = yaml.safe_load(text_of(name))
    return settings


def starts(config: dict[str, Any], kind: str) -> list[str]:
    return [c for c in config[f"{kind}_start_ray_commands"] if "ray start" in c]


def test_ray_accepts_it(config: dict[str, Any], name: str) -> None:
    import ray.autoscaler
    from ray.autoscaler._private.util import prepare_config, validate_config

    schema = Path(ray.autoscaler.__file__).with_name("ray-schema.json")
    jsonschema.validate(config, json.loads(schema.read_text()))
    validate_config(prepare_config(config))
    assert set(config["provider"]) == PROVIDER[name]


def test_the_schema_check_can_fail(config: dict[str, Any]) -> None:
    import ray.autoscaler

    schema = Path(ray.autoscaler.__file__).with_name("ray-schema.json")
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({**config, "setup_comands": []}, json.loads(schema.read_text()))


def test_a_shell_can_read_every_command(config: dict[str, Any]) -> None:
    commands = [command for key in COMMANDS for command in config.get(key, [])]
    assert len(commands) >= 6
    for command in commands:
        subprocess.run(["bash", "-n", "-c", f"({command})"], check=True)


def test_every_start_command_uses_the_token_and_none_opens_the_dashboard(
    config: dict[str, Any],
) -> None:
    (head,), (worker,) = starts(config, "head"), starts(config, "worker")
    for start in (head, worker):
        assert "RAY_AUTH_MODE=token" in start
        assert "RAY_USAGE_STATS_ENABLED=0" in start
        assert "--temp-dir" not in start
    assert re.findall(r"--dashboard-host=(\S+)", head) == ["127.0.0.1"]
    assert "--disable-usage-stats" in head
    assert config["file_mounts"] == {"~/.ray/auth_token": "~/.ray/auth_token"}


def test_a_cut_link_is_noticed_within_half_a_minute(config: dict[str, Any]) -> None:
    (head,) = starts(config, "head")
    health_check = dict(re.findall(r"RAY_health_check_(\w+)=(\d+)", head))
    period, timeout = int(health_check["period_ms"]), int(health_check["timeout_ms"])
    assert 10_000 <= int(health_check["failure_threshold"]) * (period + timeout) <= 30_000


def test_it_holds_no_secret(name: str) -> None:
    assert not re.search(r"AKIA|BEGIN .*PRIVATE|aws_secret|password|[0-9a-f]{32}", text_of(name))


def test_workers_run_one_blas_thread_and_go_when_they_are_idle(config: dict[str, Any]) -> None:
    for kind in ("head", "worker"):
        (start,) = starts(config, kind)
        assert {"OPENBLAS_NUM_THREADS=1", "OMP_NUM_THREADS=1"} <= set(start.split())
    assert config["idle_timeout_minutes"] <= 10


def test_it_installs_what_caviar_needs_and_one_ray_for_all(config: dict[str, Any]) -> None:
    (line,) = [c for c in config["setup_commands"] if "pip install" in c]
    words = shlex.split(line.partition("pip install -q ")[2].rstrip(")"))
    given = {Requirement(word).name: Requirement(word) for word in words}
    project = tomllib.loads(text_of("pyproject.toml"))["project"]
    for needed in map(Requirement, project["dependencies"]):
        mine = given.pop(needed.name)
        pinned = [Version(s.version) for s in mine.specifier if s.operator == "=="]
        assert (pinned and pinned[0] in needed.specifier) or mine.specifier == needed.specifier
        assert bool(pinned) == (needed.name in ("ray", "numpy")), needed.name
    assert set(given) <= {"boto3"}
    assert "ray[default]==" in line


@pytest.fixture
def aws() -> dict[str, Any]:
    settings: dict[str, Any] = yaml.safe_load(text_of(AWS))
    return settings


def workers_of(aws: dict[str, Any]) -> dict[str, Any]:
    types = aws["available_node_types"]
    return {name: kind for name, kind in types.items() if name != aws["head_node_type"]}


def test_the_head_of_aws_drives_and_the_workers_are_few_and_mostly_cheap(
    aws: dict[str, Any],
) -> None:
    types, workers = aws["available_node_types"], workers_of(aws)
    assert types[aws["head_node_type"]]["resources"] == {"CPU": 0}
    market = {"MarketType": "spot"}
    spot = [k for k in workers.values() if k["node_config"].get("InstanceMarketOptions") == market]
    assert len(spot) == 3 and len({kind["node_config"]["InstanceType"] for kind in spot}) == 3
    (other,) = [kind for kind in workers.values() if kind not in spot]
    assert other["priority"] < min(kind["priority"] for kind in spot)
    assert all(kind["min_workers"] == 0 for kind in workers.values())
    assert aws["max_workers"] == sum(kind["max_workers"] for kind in workers.values()) == 8
    assert "boto3" in " ".join(aws["setup_commands"])
    images = {kind["node_config"]["ImageId"] for kind in types.values()}
    assert len(images) == 1  # Ray's own default is Ubuntu 18.04, too old for caviar.


def test_ray_starts_cheap_workers_first_and_those_on_demand_last(aws: dict[str, Any]) -> None:
    """By Ray's own scheduler, for so many actors of one CPU; the page says these numbers."""
    from ray.autoscaler._private.util import prepare_config
    from ray.autoscaler.v2 import scheduler
    from ray.autoscaler.v2.instance_manager.config import AutoscalingConfig
    from ray.autoscaler.v2.utils import ResourceRequestUtil

    config = AutoscalingConfig(prepare_config(aws))

    def started(actors: int) -> dict[str, int]:
        bundles = [ResourceRequestUtil.make({"CPU": 1}) for _ in range(actors)]
        request = scheduler.SchedulingRequest(
            disable_launch_config_check=True,
            node_type_configs=config.get_node_type_configs(),
            max_num_nodes=config.get_max_num_worker_nodes(),
            resource_requests=ResourceRequestUtil.group_by_count(bundles),
        )
        reply = scheduler.ResourceDemandScheduler(None).schedule(request)
        return {launch.instance_type: launch.count for launch in reply.to_launch}

    spot = {"spot-c7i": 2, "spot-m7i": 2, "spot-r7i": 2}
    assert started(0) == {}
    assert started(1) == {"spot-c7i": 1}
    assert started(32) == {"spot-c7i": 2}
    assert started(96) == spot
    assert started(128) == started(1000) == {**spot, "on-demand": 2}


def test_aws_takes_every_instance_and_none_is_open(aws: dict[str, Any]) -> None:
    """By the service model of EC2, which knows the fields and values of RunInstances."""
    import botocore.session
    from botocore.validate import ParamValidator

    model = botocore.session.get_session().get_service_model("ec2")
    request = model.operation_model("RunInstances").input_shape
    for kind in aws["available_node_types"].values():
        node = kind["node_config"]
        report = ParamValidator().validate({**node, "MinCount": 1, "MaxCount": 1}, request)
        assert not report.has_errors(), report.generate_report()
        assert node["InstanceType"] in model.shape_for("InstanceType").enum
        asked = node["MetadataOptions"]
        assert asked == {
            "HttpEndpoint": "enabled",
            "HttpTokens": "required",
            "HttpPutResponseHopLimit": 1,
        }
        assert asked["HttpTokens"] in model.shape_for("HttpTokensState").enum
        assert all(disk["Ebs"]["Encrypted"] is True for disk in node["BlockDeviceMappings"])
    wrong = {"MetadataOptions": {"HttpToken": "required"}, "MinCount": 1, "MaxCount": 1}
    assert ParamValidator().validate(wrong, request).has_errors()  # The check can fail.


def policy_of(name: str) -> list[dict[str, Any]]:
    statements: list[dict[str, Any]] = json.loads(text_of(f"docs/cluster/{name}"))["Statement"]
    return statements


def test_the_policy_is_of_this_cluster_and_names_what_aws_has(aws: dict[str, Any]) -> None:
    import botocore.session

    head = aws["available_node_types"][aws["head_node_type"]]["node_config"]
    assert head["IamInstanceProfile"] == {"Name": "caviar-head"}
    assert "--role-name caviar-head" in text_of("docs/cluster/aws.md")
    assert not any("IamInstanceProfile" in k["node_config"] for k in workers_of(aws).values())
    statements = {one["Sid"]: one for one in policy_of("aws-head-policy.json")}
    started = statements["StartWorkersOfTheseTypes"]["Condition"]["StringEquals"]
    types = {kind["node_config"]["InstanceType"] for kind in workers_of(aws).values()}
    assert set(started["ec2:InstanceType"]) == types
    ended = statements["NameAndEndWorkers"]["Condition"]["StringEquals"]
    names = {started["aws:RequestTag/ray-cluster-name"], ended["aws:ResourceTag/ray-cluster-name"]}
    assert names == {aws["cluster_name"]}
    model = botocore.session.get_session().get_service_model("ec2")
    for statement in statements.values():
        actions = statement["Action"]
        for action in [actions] if isinstance(actions, str) else actions:
            assert action.removeprefix("ec2:") in model.operation_names and "*" not in action


def test_the_bucket_policy_is_of_one_bucket() -> None:
    listed, objects = policy_of("aws-bucket-policy.json")
    assert listed["Resource"] == "arn:aws:s3:::BUCKET"
    assert objects["Resource"] == "arn:aws:s3:::BUCKET/*"
    assert not [a for one in (listed, objects) for a in one["Action"] if "*" in a]


def test_machines_by_ssh_start_with_the_autoscaler_that_starts_them_all() -> None:
    config = yaml.safe_load(text_of(ONPREM))
    assert "RAY_enable_autoscaler_v2=0 " in starts(config, "head")[0]
    assert "RAY_gcs_rpc_server_reconnect_timeout_s=20 " in starts(config, "worker")[0]
    first, *_, last = config["worker_start_ray_commands"]
    assert "rm -f ~/.caviar-watch" in first and "~/.caviar-watch" in last
    assert text_of(ONPREM).count("# HERE") == 3


def test_the_recipe_of_each_file_names_that_file_alone(name: str) -> None:
    recipe = [line for line in text_of(name).splitlines() if line.startswith("#   ray ")]
    named = [word for line in recipe for word in line.split() if word.endswith(".yaml")]
    assert len(recipe) >= 4 and set(named) == {name}
