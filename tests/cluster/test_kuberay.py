"""`cluster-kuberay.yaml`: what Kubernetes, Ray's autoscaler, Ray's runtime environments and caviar
itself read of it. No cluster of Kubernetes is started."""

from __future__ import annotations

import copy
import json
import os
import platform
import re
import shlex
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from tests.faults.program import caviar_here

ROOT = Path(__file__).resolve().parents[2]
SCHEMA = ROOT.parent / "shared" / "kuberay" / "rayjob-v1.json"
PAGE = (ROOT / "docs" / "cluster" / "kubernetes.md").read_text("utf-8")
needs_schema = pytest.mark.skipif(
    not SCHEMA.exists(), reason="KubeRay's schema of a RayJob is not beside the clone"
)


@pytest.fixture
def job() -> dict[str, Any]:
    manifest: dict[str, Any] = yaml.safe_load((ROOT / "cluster-kuberay.yaml").read_text("utf-8"))
    return manifest


def strict(schema: Any) -> Any:
    """The schema with every unknown field refused, as a server that validates strictly does."""
    if isinstance(schema, list):
        return [strict(one) for one in schema]
    if not isinstance(schema, dict):
        return schema
    if schema.get("x-kubernetes-int-or-string"):
        return {"type": ["integer", "string"]}
    result = {key: strict(value) for key, value in schema.items()}
    has_fields = isinstance(schema.get("properties"), dict) and schema.get("type") == "object"
    if has_fields and not schema.get("x-kubernetes-preserve-unknown-fields"):
        result.setdefault("additionalProperties", False)
    return result


def errors_of(manifest: dict[str, Any]) -> list[str]:
    schema = strict(json.loads(SCHEMA.read_text("utf-8")))
    schema["properties"]["metadata"] = {"type": "object"}
    return [error.message for error in jsonschema.Draft7Validator(schema).iter_errors(manifest)]


def misspelt(spec: dict[str, Any]) -> None:
    spec["backofLimit"] = spec.pop("backoffLimit")


def wrong_choice(spec: dict[str, Any]) -> None:
    spec["rayClusterSpec"]["autoscalerOptions"]["version"] = "v3"


def text_for_a_number(spec: dict[str, Any]) -> None:
    spec["rayClusterSpec"]["workerGroupSpecs"][0]["maxReplicas"] = "8"


def number_for_a_text(spec: dict[str, Any]) -> None:
    spec["rayClusterSpec"]["headGroupSpec"]["rayStartParams"]["num-cpus"] = 0


def no_container_name(spec: dict[str, Any]) -> None:
    del spec["rayClusterSpec"]["headGroupSpec"]["template"]["spec"]["containers"][0]["name"]


@needs_schema
def test_kubernetes_takes_it(job: dict[str, Any]) -> None:
    assert errors_of(job) == []
    assert (job["apiVersion"], job["kind"]) == ("ray.io/v1", "RayJob")


@needs_schema
@pytest.mark.parametrize(
    "plant", [misspelt, wrong_choice, text_for_a_number, number_for_a_text, no_container_name]
)
def test_the_schema_finds_mistakes(
    plant: Callable[[dict[str, Any]], None], job: dict[str, Any]
) -> None:
    wrong = copy.deepcopy(job)
    plant(wrong["spec"])
    assert errors_of(wrong)


def test_it_retries_ends_and_is_removed(job: dict[str, Any]) -> None:
    spec = job["spec"]
    assert spec["backoffLimit"] > 0 and "--exit-zero-when-finished" in spec["entrypoint"]
    assert spec["activeDeadlineSeconds"] > 0 and spec["preRunningDeadlineSeconds"] > 0
    # KubeRay refuses a time to live without the shutdown, and both beside deletion rules.
    assert spec["shutdownAfterJobFinishes"] is True and spec["ttlSecondsAfterFinished"] > 0
    assert "deletionStrategy" not in spec and "clusterSelector" not in spec
    # It fails a job whose head is gone in this mode alone, which refuses the submitter's settings.
    assert spec["submissionMode"] == "SidecarMode"
    assert not {"submitterConfig", "submitterPodTemplate"} & spec.keys()
    waits = spec["rayClusterSpec"]["headGroupSpec"]["template"]["spec"]["tolerations"]
    assert max(wait["tolerationSeconds"] for wait in waits) < 300


def derived(job: dict[str, Any]) -> dict[str, Any]:
    """What Ray's autoscaler will believe of the cluster."""
    from ray.autoscaler._private.kuberay.autoscaling_config import (
        _derive_autoscaling_config_from_ray_cr,
    )

    metadata = {"name": "caviar", "namespace": "default"}
    config: dict[str, Any] = _derive_autoscaling_config_from_ray_cr(
        {"metadata": metadata, "spec": job["spec"]["rayClusterSpec"]}
    )
    return config


def test_the_autoscaler_reads_a_head_that_drives_and_workers_from_zero(job: dict[str, Any]) -> None:
    config = derived(job)
    head, worker = (config["available_node_types"][name] for name in ("headgroup", "spot"))
    assert head["resources"]["CPU"] == 0 and head["max_workers"] == 0
    assert (worker["min_workers"], worker["max_workers"]) == (0, 4)
    assert worker["resources"] == {"CPU": 8, "memory": 16 * 2**30}
    assert config["idle_timeout_minutes"] == 2
    words = shlex.split(job["spec"]["entrypoint"])
    assert int(words[words.index("--workers") + 1]) == 4 * worker["resources"]["CPU"]


def test_the_autoscaler_cannot_use_workers_without_a_limit(job: dict[str, Any]) -> None:
    (group,) = job["spec"]["rayClusterSpec"]["workerGroupSpecs"]
    del group["template"]["spec"]["containers"][0]["resources"]
    with pytest.raises(ValueError, match="failed to detect `CPU` resources for group spot"):
        derived(job)


def test_ray_takes_the_runtime_environment(job: dict[str, Any]) -> None:
    from ray.runtime_env import RuntimeEnv

    wanted = yaml.safe_load(job["spec"]["runtimeEnvYAML"])
    assert RuntimeEnv(**wanted)["env_vars"] == wanted["env_vars"]
    with pytest.raises(TypeError):
        RuntimeEnv(env_vars={"OMP_NUM_THREADS": 1})  # type: ignore[dict-item]  # A number, where Ray takes text alone.
    assert {wanted["env_vars"][f"{name}_NUM_THREADS"] for name in ("OMP", "OPENBLAS")} == {"1"}


def test_everything_is_pinned_to_what_the_other_clusters_run(job: dict[str, Any]) -> None:
    cluster = job["spec"]["rayClusterSpec"]
    groups = [cluster["headGroupSpec"], *cluster["workerGroupSpecs"]]
    (image,) = {group["template"]["spec"]["containers"][0]["image"] for group in groups}
    version = cluster["rayVersion"]
    assert image.endswith(f"-ray{version}")
    assert f"ray[default]=={version}" in (ROOT / "cluster.yaml").read_text()
    assert f"FROM rayproject/ray:{version}-py312" in PAGE
    numpy = re.findall(r"numpy==([\d.]+)", (ROOT / "cluster.yaml").read_text())
    assert f"numpy=={numpy[0]}" in PAGE


def test_only_the_head_may_write_to_the_bucket_and_nobody_enters_without_a_token(
    job: dict[str, Any],
) -> None:
    cluster = job["spec"]["rayClusterSpec"]
    (worker,) = cluster["workerGroupSpecs"]
    assert cluster["authOptions"] == {"mode": "token"}
    assert cluster["headGroupSpec"]["template"]["spec"]["serviceAccountName"] == "caviar"
    assert "serviceAccountName" not in worker["template"]["spec"]
    assert worker["template"]["spec"]["automountServiceAccountToken"] is False
    for group in (cluster["headGroupSpec"], worker):
        limits = group["template"]["spec"]["containers"][0]["resources"]
        assert limits["requests"] == limits["limits"]


def test_caviar_takes_the_command(job: dict[str, Any], tmp_path: Path) -> None:
    program, *words = shlex.split(job["spec"]["entrypoint"])
    words[words.index("--out") + 1] = str(tmp_path / "run")
    study = words[1].removeprefix("/home/ray/caviar/")
    assert study != words[1] and "COPY --chown=ray . /home/ray/caviar" in PAGE
    words[1] = str(ROOT / study)
    done = caviar_here(*words, "--set", "budget.epochs=1", "--dry-run")
    assert program == "caviar" and (done.code, done.complained) == (0, "")
    assert "with 32 workers" in done.output


@pytest.mark.skipif(platform.machine() != "x86_64", reason="the kernels are those of x86")
def test_its_kernels_are_those_of_no_machine_in_particular(job: dict[str, Any]) -> None:
    variables = yaml.safe_load(job["spec"]["runtimeEnvYAML"])["env_vars"]
    words = [sys.executable, "-m", "caviar", "doctor", "--json"]
    done = subprocess.run(
        words, env={**os.environ, **variables}, capture_output=True, text=True, check=True
    )
    told = json.loads(done.stdout)
    assert re.fullmatch(r"openblas \S+ Haswell, numpy X86_V3", told["kernel"])
    assert re.search(r"numba \S+ haswell e3b0c4,", told["training"])  # No instructions beyond it.


@needs_schema
def test_the_page_runs_it_by_the_clock_too(job: dict[str, Any]) -> None:
    """A RayCronJob's template is a RayJob's specification."""
    (text,) = re.findall(r"```yaml\n(apiVersion.*?)```", PAGE, re.DOTALL)
    cron = yaml.safe_load(text)
    assert (cron["apiVersion"], cron["kind"]) == ("ray.io/v1", "RayCronJob")
    assert set(cron["spec"]) == {"schedule", "timeZone", "jobTemplate"}
    template = {**job["spec"], **cron["spec"]["jobTemplate"]}
    assert errors_of({**job, "spec": template}) == []
