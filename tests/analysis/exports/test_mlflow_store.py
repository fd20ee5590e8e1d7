"""MLflow itself reads its store."""

from __future__ import annotations

import warnings
from pathlib import Path

import pytest

from caviar.analysis.exports import mlflow_store
from caviar.analysis.exports.mlflow_store import write_mlflow
from caviar.analysis.exports.series import networks
from tests.analysis.synthetic import run_of, trial


def test_every_network_is_a_run_with_its_metrics(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mlflow_store, "AT_ONCE", 7)
    for name in ("MLFLOW_DISABLE_TELEMETRY", "MLFLOW_ALLOW_FILE_STORE"):
        monkeypatch.setenv(name, "true")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # MLflow's own.
        tracking = pytest.importorskip(
            "mlflow.tracking", reason="the extra `export` is not installed"
        )
        run = run_of(tmp_path / "run", [trial(norm="layer", seeds=[0, 1], hidden=(8, 4))])
        assert write_mlflow(run, tmp_path / "store") == 2
        client = tracking.MlflowClient(tracking_uri=(tmp_path / "store").as_uri())
        experiment = client.get_experiment_by_name(run.name).experiment_id
        kept = {int(one.data.params["seed"]): one for one in client.search_runs([experiment])}
        for network in networks(run):
            one = kept[network.seed]
            assert one.data.tags["trial_id"] == network.trial_id
            assert (one.data.params["hidden"], one.info.status) == ("[8, 4]", "FINISHED")
            name = "test/loss/population"
            read = client.get_metric_history(one.info.run_id, name)
            expected = [(p.step, p.value) for p in network.points if p.series == name]
            assert sorted((m.step, m.value) for m in read) == expected
            assert set(one.data.metrics) == {point.series for point in network.points}
