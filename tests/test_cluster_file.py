"""cluster.yaml is what Ray accepts, and safe by default."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

ROOT = Path(__file__).parent.parent


@pytest.fixture
def config() -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load((ROOT / "cluster.yaml").read_text())
    return found


def test_ray_accepts_it(config: dict[str, Any]) -> None:
    import ray.autoscaler
    from ray.autoscaler._private.util import prepare_config, validate_config

    schema = Path(ray.autoscaler.__file__).with_name("ray-schema.json")
    jsonschema.validate(config, json.loads(schema.read_text()))
    validate_config(prepare_config(config))


def test_every_start_command_uses_the_token_and_none_opens_the_dashboard(
    config: dict[str, Any],
) -> None:
    commands = config["head_start_ray_commands"] + config["worker_start_ray_commands"]
    starts = [c for c in commands if "ray start" in c]
    assert len(starts) == 2
    assert all("RAY_AUTH_MODE=token" in c for c in starts)
    assert "--dashboard-host=127.0.0.1" in starts[0]
    assert "~/.ray/auth_token" in config["file_mounts"]


def test_workers_run_one_blas_thread_and_their_number_is_capped(config: dict[str, Any]) -> None:
    start = next(c for c in config["worker_start_ray_commands"] if "ray start" in c)
    assert "OPENBLAS_NUM_THREADS=1" in start
    assert config["max_workers"] <= 8
    assert config["idle_timeout_minutes"] <= 10
