from __future__ import annotations

import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
import torch

from caviar.runner.errors import RequestError
from caviar.runner.store.open import storage_at
from caviar.runner.torch_models.watching.watch import Watch, watch
from caviar.runner.verify.run import verify_run
from tests.runner.torch_models.watching.trained import batches, small_network, train

RULES: dict[str, Any] = {"rules": ("unbiased", "keras-3"), "decays": (0.9, 0.99)}


class Watched:
    """One watched training, which all tests look at."""

    def __init__(self, where: Path) -> None:
        self.where = where
        self.ended, watching = train(
            where, data=batches(), test=batches(3), every=8, examples=100, **RULES
        )
        assert isinstance(watching, Watch)
        self.watch = watching

    def table(self, name: str) -> pd.DataFrame:
        return pd.read_parquet(self.where / name)


@pytest.fixture(scope="module")
def watched(tmp_path_factory: pytest.TempPathFactory) -> Watched:
    return Watched(tmp_path_factory.mktemp("watched") / "run")


def test_the_bits_of_training_are_those_without_a_watch(watched: Watched) -> None:
    """Weights, averages, gradients, optimiser, modes and every generator, dropout included."""
    alone, _ = train()
    different = [name for name, bits in alone.bits.items() if watched.ended.bits[name] != bits]
    assert not different and alone.bits.keys() == watched.ended.bits.keys()


def test_the_bank_holds_what_the_model_itself_averages(watched: Watched) -> None:
    """Both momenta of the model are among the decays of PyTorch's rule."""
    averages = watched.watch._averages.read()
    names = [tracker.name for tracker in watched.watch._trackers]
    assert names == ["unbiased/0.9", "unbiased/0.99", "keras-3/0.99"]
    for layer, row in (("1", 1), ("6", 0)):
        norm = watched.ended.model[int(layer)]
        for mine, kept in (
            (averages[layer].mean, norm.running_mean),
            (averages[layer].variance, norm.running_var),
        ):
            np.testing.assert_allclose(mine[row, 0], kept.numpy(), rtol=2e-6, atol=1e-6)


def test_tables_hold_what_was_measured_and_null_where_nothing_is_known(watched: Watched) -> None:
    (trial,) = pq.read_table(watched.where / "trials").to_pylist()
    known = {name for name, value in trial.items() if value is not None}
    assert known == {
        *("trial_id", "norm", "norm_batch_size", "epsilon", "conventions", "decays", "dtype"),
        *("arm", "seeds", "draw"),
    }
    curves = watched.table("curves")
    assert list(curves["step"]) == [10, 20, 24] and (curves["learning_rate"] == 0.1).all()
    assert curves["epoch"].isna().all() and curves["gradient_norm"].isna().all()
    evaluations = watched.table("evaluations")
    assert set(evaluations["step"]) == {8, 16, 24}
    last = evaluations[(evaluations["step"] == 24) & (evaluations["split"] == "test")]
    read = set(zip(last["statistics"], last["tracker"], strict=True))
    trackers = ("own", "unbiased/0.9", "unbiased/0.99", "keras-3/0.99")
    assert read == {
        *(("running", tracker) for tracker in trackers),
        *((kind, "") for kind in ("population", "precise", "batch")),
    }
    assert set(last["examples"]) == {48}
    assert last.loc[last["statistics"] != "population", "excess_error"].gt(0).all()


def test_the_run_is_whole(watched: Watched) -> None:
    findings = verify_run(storage_at(watched.where))
    assert findings.faults == 0, findings.lines
    (outcome,) = watched.table("outcomes").to_dict("records")
    assert (outcome["status"], outcome["steps"]) == ("completed", 24)


def test_a_place_with_rows_is_refused(watched: Watched) -> None:
    with pytest.raises(
        RequestError, match="holds the watched training of Sequential, 2 norms already"
    ):
        watch(small_network(), watched.where).start()


def test_a_training_that_ends_before_its_first_row_may_begin_anew(tmp_path: Path) -> None:
    model = small_network()
    with pytest.raises(ZeroDivisionError), watch(model, tmp_path / "run") as first:
        first.step()
        raise ZeroDivisionError
    with watch(model, tmp_path / "run") as second:
        for _ in range(10):
            second.step(0.5)
    assert len(pd.read_parquet(tmp_path / "run/trials")) == 1
    assert list(pd.read_parquet(tmp_path / "run/outcomes")["status"]) == ["completed"]


def test_a_training_that_raises_has_failed(tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt), watch(small_network(), tmp_path / "run") as watching:
        for _ in range(10):
            watching.step(torch.tensor(float("nan")))
        raise KeyboardInterrupt
    (outcome,) = pd.read_parquet(tmp_path / "run/outcomes").to_dict("records")
    assert (outcome["status"], outcome["error"]) == ("failed", "KeyboardInterrupt")


def test_a_loss_that_is_not_finite_is_a_divergence(tmp_path: Path) -> None:
    with watch(small_network(), tmp_path / "run") as watching:
        watching.step(torch.tensor(float("nan")))
    assert list(pd.read_parquet(tmp_path / "run/outcomes")["status"]) == ["diverged"]


def test_a_place_that_fails_ends_the_watch_and_not_the_training(tmp_path: Path) -> None:
    model = small_network()
    watching = watch(model, tmp_path / "run").start()
    watching.step(1.0)
    shutil.rmtree(tmp_path / "run")
    with pytest.warns(UserWarning, match="stopped measuring after step 1, and the training goes"):
        watching.stop()
    watching.step(1.0)
    assert watching.steps == 2 and not any(len(m._forward_hooks) for m in model.modules())


KILLED = """
import os, signal, sys
from tests.runner.torch_models.watching.trained import batches, small_network
from caviar.runner.torch_models.watching import watch as room
watching = room.watch(small_network(), sys.argv[1]).start()
for step in range(30):
    watching.step(1.0)
watching._run._sink.flush()
watching.step(1.0)
os.kill(os.getpid(), signal.SIGKILL)
"""


def test_a_killed_training_leaves_whole_rows(tmp_path: Path) -> None:
    done = subprocess.run([sys.executable, "-c", KILLED, str(tmp_path / "run")])
    assert done.returncode == -signal.SIGKILL
    assert list(pd.read_parquet(tmp_path / "run/curves")["step"]) == [10, 20, 30]
    faults = [line for line in verify_run(storage_at(tmp_path / "run")).lines if "FAULT" in line]
    assert len(faults) == 1 and "1 trials have no outcome yet" in faults[0]


def test_wrong_requests_are_one_sentence(tmp_path: Path) -> None:
    model = small_network()
    cases: tuple[tuple[dict[str, Any], str], ...] = (
        ({"every": 0}, "every=0: give how many steps"),
        ({"test": batches()}, "test= needs data="),
        ({"rules": ("unbiasd",)}, "did you mean 'unbiased'"),
        ({"decays": (1.0,)}, "from 0 to below 1; got 1.0"),
        ({"data": []}, "the data end before the first example"),
        ({"data": batches(), "examples": 1}, "at least two examples"),
    )
    for options, sentence in cases:
        with pytest.raises(RequestError, match=sentence):
            watch(model, tmp_path / "run", **options).start()
    with pytest.raises(RequestError, match="the watch has not begun"):
        watch(model, tmp_path / "run").step()
    assert not (tmp_path / "run").exists()
