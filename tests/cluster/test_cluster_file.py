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


def test_the_head_of_aws_drives_and_the_workers_are_few_and_cheap() -> None:
    config = yaml.safe_load(text_of(AWS))
    types = config["available_node_types"]
    assert types[config["head_node_type"]]["resources"] == {"CPU": 0}
    worker = types["worker"]
    assert worker["node_config"]["InstanceMarketOptions"] == {"MarketType": "spot"}
    assert (worker["min_workers"], worker["max_workers"]) == (0, config["max_workers"])
    assert config["max_workers"] <= 8
    assert "boto3" in " ".join(config["setup_commands"])
    images = {kind["node_config"]["ImageId"] for kind in types.values()}
    assert len(images) == 1  # Ray's own default is Ubuntu 18.04, too old for caviar.


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
    assert len(recipe) >= 5 and set(named) == {name}
