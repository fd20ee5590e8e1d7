"""Peers of the runner: do-nothing trials of 20 rows with two workers, rows safe before they count.

Each is used as its documentation shows for trials without training. Those that keep no rows of
their own write them as JSON lines, in the driver, and count once the file is on disk.
"""

from __future__ import annotations

import importlib
import json
import logging
import multiprocessing
import os
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager, redirect_stdout
from io import StringIO
from pathlib import Path
from typing import Any, NamedTuple

from no_training import ROWS

WORKERS = 2
Rows = list[dict[str, float]]
Rate = Callable[[int], float]
"""Trials per second of a number of trials, once the workers are there."""


class Peer(NamedTuple):
    """A peer, the module that it needs, and its number of trials in a full and a quick table."""

    name: str
    module: str
    rate: Rate
    trials: int
    quick: int


def trial(number: int) -> Rows:
    """Twenty rows of nothing."""
    return [{"trial": number, "step": step, "loss": 0.0} for step in range(ROWS)]


def _written(results: Iterable[Rows]) -> int:
    """Write rows as JSON lines; the number of trials once all are on disk."""
    with tempfile.NamedTemporaryFile("w") as file:
        trials = 0
        for rows in results:
            file.writelines(json.dumps(row) + "\n" for row in rows)
            trials += 1
        file.flush()
        os.fsync(file.fileno())
    return trials


def _timed(work: Callable[[int], object], trials: int) -> float:
    start = time.perf_counter()
    work(trials)
    return trials / (time.perf_counter() - start)


def process_pool(trials: int) -> float:
    """`concurrent.futures`, one trial per message, as everybody begins."""
    with ProcessPoolExecutor(WORKERS, mp_context=multiprocessing.get_context("spawn")) as pool:
        list(pool.map(trial, range(WORKERS)))
        return _timed(lambda n: _written(pool.map(trial, range(n))), trials)


@contextmanager
def _ray() -> Iterator[Any]:
    import ray

    ray.init(
        address="local",  # Whatever other cluster runs here.
        num_cpus=WORKERS,
        include_dashboard=False,
        logging_level=logging.ERROR,
        log_to_driver=False,
        runtime_env={"env_vars": {"PYTHONPATH": str(Path(__file__).parent)}},
    )
    try:
        yield ray
    finally:
        ray.shutdown()


def ray_actors(trials: int) -> float:
    """Two actors and `ray.util.ActorPool`, one trial per call."""
    with _ray() as ray:
        from ray.util import ActorPool

        class Actor:
            def run(self, number: int) -> Rows:
                return trial(number)

        pool: Any = ActorPool([ray.remote(Actor).remote() for _ in range(WORKERS)])

        def results(n: int) -> Iterable[Rows]:
            answers: Iterable[Rows] = pool.map_unordered(lambda a, v: a.run.remote(v), range(n))
            return answers

        list(results(WORKERS))
        return _timed(lambda n: _written(results(n)), trials)


def ray_tune(reuse: bool) -> Rate:
    """Ray Tune with its own files of results, its actors reused or not."""

    def rate(trials: int) -> float:
        with _ray(), tempfile.TemporaryDirectory() as folder:
            from ray import tune

            class Nothing(tune.Trainable):
                def setup(self, config: Any) -> None: ...

                def reset_config(self, new_config: Any) -> bool:
                    return True

                def step(self) -> dict[str, Any]:
                    return {"loss": 0.0, "done": self.iteration + 1 >= ROWS}

                def save_checkpoint(self, checkpoint_dir: str) -> None: ...

                def load_checkpoint(self, checkpoint: Any) -> None: ...

            def work(n: int) -> None:
                tune.Tuner(
                    Nothing,
                    param_space={"rate": tune.uniform(0.0, 1.0)},
                    tune_config=tune.TuneConfig(num_samples=n, reuse_actors=reuse),
                    run_config=tune.RunConfig(storage_path=folder, verbose=0),
                ).fit()

            with redirect_stdout(StringIO()):
                return _timed(work, trials)

    return rate


def _objective(trial: Any) -> float:
    trial.suggest_float("rate", 0.0, 1.0)
    for step in range(ROWS):
        trial.report(0.0, step)
    return 0.0


def _optimized(storage: str, trials: int) -> None:
    """A part of a study, in a process of its own."""
    import optuna

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    study = optuna.load_study(study_name="nothing", storage=_storage(storage))
    study.sampler = optuna.samplers.RandomSampler()
    study.optimize(_objective, n_trials=trials)


def _storage(place: str) -> Any:
    import optuna
    from optuna.storages.journal import JournalFileBackend

    if place.startswith("sqlite"):
        return place
    return optuna.storages.JournalStorage(JournalFileBackend(place))


def optuna_on(kind: str) -> Rate:
    """Optuna: two processes that share a journal or SQLite; in memory, two threads of one."""

    def rate(trials: int) -> float:
        import optuna

        optuna.logging.set_verbosity(optuna.logging.WARNING)
        sampler = optuna.samplers.RandomSampler()
        if kind == "memory":
            study = optuna.create_study(sampler=sampler)
            return _timed(lambda n: study.optimize(_objective, n_trials=n, n_jobs=WORKERS), trials)
        with tempfile.TemporaryDirectory() as folder:
            place = f"sqlite:///{folder}/nothing.db" if kind == "SQLite" else f"{folder}/journal"
            optuna.create_study(study_name="nothing", storage=_storage(place))
            context = multiprocessing.get_context("spawn")
            with ProcessPoolExecutor(WORKERS, mp_context=context) as pool:
                list(pool.map(trial, range(WORKERS)))

                def work(n: int) -> None:
                    list(pool.map(_optimized, [place] * WORKERS, [n // WORKERS] * WORKERS))

                return _timed(work, trials)

    return rate


def installed(module: str) -> bool:
    """Whether a peer is here, with all that it needs itself."""
    try:
        importlib.import_module(module)
    except ImportError:
        return False
    return True


PEERS = (
    Peer("process pool", "json", process_pool, 20_000, 200),
    Peer("Ray actors, bare", "ray", ray_actors, 3_000, 40),
    Peer("Ray Tune, actors reused", "ray.tune", ray_tune(reuse=True), 200, 4),
    Peer("Ray Tune", "ray.tune", ray_tune(reuse=False), 40, 4),
    Peer("Optuna, in memory", "optuna", optuna_on("memory"), 1_000, 20),
    Peer("Optuna, journal", "optuna", optuna_on("journal"), 200, 4),
    Peer("Optuna, SQLite", "optuna", optuna_on("SQLite"), 100, 4),
)
