"""`caviar.watch`: a training of somebody's own, measured beside and never changed."""

from __future__ import annotations

import math
import time
import warnings
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import ExitStack, suppress
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import torch
from torch import Tensor, nn

from caviar.model.averages.conventions import CONVENTIONS
from caviar.runner.errors import RequestError
from caviar.runner.store.open import storage_at
from caviar.runner.store.schemas import KEYS
from caviar.runner.torch_models.model_run import ModelRun, model_run
from caviar.runner.torch_models.running.batches import Part
from caviar.runner.torch_models.running.losses import LossFunction
from caviar.runner.torch_models.running.norms import norms_of
from caviar.runner.torch_models.watching.averages import Averages, trackers_of
from caviar.runner.torch_models.watching.batch_moments import BatchMoments
from caviar.runner.torch_models.watching.preparation import (
    Data,
    described,
    probe_of,
    trial_fields,
    watchable,
)
from caviar.runner.torch_models.watching.probes import Trained
from caviar.runner.trial.events import Status

CURVE_STEPS = 10
"""A row of `curves` is a mean over so many steps."""

FOLD_STEPS = 50
"""Batch statistics wait on their device for so many steps, and are fetched in one piece."""

DECAYS = (0.9, 0.99, 0.999)


class Watch:
    """A training that is being watched: call `step` once per update of the weights.

    It measures beside the training, whose bits it leaves as they are: nothing that it does moves a
    weight, a buffer or a random number. Where measuring fails, it warns once and the training goes
    on. As a context it writes how the training ended; `start` and `stop` do the same for callbacks.

    >>> import torch
    >>> model = torch.nn.Sequential(torch.nn.Linear(4, 8), torch.nn.BatchNorm1d(8))
    >>> with caviar.watch(model, out="runs/steps") as watch:
    ...     watch.step(model(torch.randn(16, 4)).square().mean())
    >>> watch.steps
    1
    """

    def __init__(
        self,
        model: nn.Module,
        out: str | Path,
        data: Data | None,
        every: int,
        rules: Sequence[str],
        decays: Sequence[float],
    ) -> None:
        self.steps = 0
        self._model, self._out, self._data, self._every = watchable(model), str(out), data, every
        self._norms = norms_of(self._model)
        self._trackers = trackers_of(rules, decays)
        self._context = ExitStack()
        self._run: ModelRun | None = None
        self._begun = False
        self._losses: list[Tensor] = []
        self._given: dict[str, float | None] = {}
        self._size: int | None = None
        self._finite = True
        self._probe_seconds = 0.0
        self._written: set[tuple[int, tuple[Any, ...]]] = set()

    def start(self) -> Self:
        """Begin: raises RequestError where the place or the data do not fit."""
        modules = {norm.name: norm.module for norm in self._norms}
        self._averages = Averages(modules, self._trackers)
        self._probe = self._data and probe_of(self._model, self._data, self._trackers)
        about = described(self._model, self._norms, self._probe)
        name = Path(self._out.rstrip("/")).name or "watched"
        self._run = self._context.enter_context(
            model_run(
                storage_at(self._out), name, "watched training", about, f"caviar.watch({name!r})"
            )
        )
        self._batches = BatchMoments(modules)
        self._context.callback(self._batches.close)
        self._begun = True
        return self

    def step(
        self,
        loss: Tensor | float | None = None,
        *,
        learning_rate: float | None = None,
        epoch: float | None = None,
    ) -> None:
        """Count an update of the weights, with its train-mode `loss` in nats, if there is one.

        `learning_rate` and `epoch` (passes over the training data) are written where they are
        given. Raises RequestError before `start`.
        """
        if not self._begun:
            raise RequestError("the watch has not begun: use `with caviar.watch(...)` or start()")
        self.steps += 1
        self._given = {"learning_rate": learning_rate, "epoch": epoch}
        self._guarded(lambda run: self._measure(run, loss))

    def stop(self, error: BaseException | None = None) -> None:
        """End: measure once more after a training without an `error`, and write how it ended."""
        self._guarded(lambda run: self._finish(run, error))
        self._context.close()
        self._run = None

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop(error)

    def _guarded(self, do: Callable[[ModelRun], None]) -> None:
        """Measure; what fails there must not end a training of days."""
        if (run := self._run) is None:
            return
        try:
            do(run)
        except Exception as error:
            says = f"{type(error).__name__}: {error}"
            self._run = None
            with suppress(Exception):
                run.end("failed", self.steps, self._probe_seconds, f"not watched on: {says}")
            self._context.close()
            warnings.warn(
                f"caviar.watch stopped measuring after step {self.steps}, and the training goes "
                f"on ({says})",
                stacklevel=3,
            )

    def _measure(self, run: ModelRun, loss: Tensor | float | None) -> None:
        if self.steps == 1:
            self._size = self._batches.size
            run.plan(trial_fields(self._model, self._norms, self._trackers, self._size))
        if loss is not None:
            self._losses.append(torch.as_tensor(loss).detach().float().mean())
        if self.steps % FOLD_STEPS == 0:
            self._averages.update(self._batches.take())
        if self.steps % CURVE_STEPS == 0:
            self._add_curve(run)
        if self.steps % self._every == 0:
            self._measure_probe(run, last=False)
        run.tick()

    def _add_curve(self, run: ModelRun) -> None:
        weight_norm, rate = _weight_norm(self._model), self._given["learning_rate"]
        loss = float(torch.stack(self._losses).mean()) if self._losses else None
        self._finite &= loss is None or math.isfinite(loss)
        self._losses.clear()
        effective = rate / weight_norm**2 if rate and weight_norm else None
        row = {"step": self.steps, **self._given, "loss": loss, "weight_norm": weight_norm}
        run.write("curves", [{**row, "effective_learning_rate": effective}])

    def _measure_probe(self, run: ModelRun, *, last: bool) -> None:
        self._averages.update(self._batches.take())
        if self._probe is None:
            return
        began = time.perf_counter()
        size = self._size or self._probe.train.number
        trained = Trained(self.steps, size, self._averages.read())
        for table, rows in self._probe.rows(trained, last=last).items():
            run.write(table, [row for row in rows if self._is_new(table, row)])
        self._probe_seconds += time.perf_counter() - began

    def _is_new(self, table: str, row: Mapping[str, Any]) -> bool:
        """Whether this step has no such row yet: the last step may be measured twice."""
        key = (table, *(row.get(name) for name in KEYS[table]))
        self._written = {known for known in self._written if known[0] == self.steps}
        new = (self.steps, key) not in self._written
        self._written.add((self.steps, key))
        return new

    def _finish(self, run: ModelRun, error: BaseException | None) -> None:
        if self._losses:
            self._add_curve(run)
        if self.steps and error is None:
            self._measure_probe(run, last=True)
        status: Status = "failed" if error is not None else "completed"
        if error is None and not self._finite:
            status = "diverged"
        says = "" if error is None else f"{type(error).__name__}: {error}".rstrip(": ")
        run.end(status, self.steps, self._probe_seconds, says)


@torch.no_grad()
def _weight_norm(model: nn.Module) -> float:
    """The norm of all weight matrices and kernels together."""
    squares = [p.detach().float().square().sum() for p in model.parameters() if p.ndim > 1]
    return math.sqrt(float(torch.stack(squares).sum())) if squares else 0.0


def watch(
    model: nn.Module,
    out: str | Path,
    *,
    data: Iterable[Any] | None = None,
    test: Iterable[Any] | None = None,
    loss: LossFunction | None = None,
    inputs: Part = None,
    target: Part = None,
    every: int = 1000,
    examples: int = 512,
    rules: Sequence[str] = tuple(CONVENTIONS),
    decays: Sequence[float] = DECAYS,
) -> Watch:
    """Watch the training of a PyTorch model with batch norms, as tables of a run in `out`.

    Use it as `with caviar.watch(model, out="runs/mine") as watch:` and call `watch.step(loss)`
    after each update of the weights. Hooks keep every rule of `rules` at every one of `decays` on
    the batches that the norms see. With `data`, batches of training examples, the first `examples`
    of them are measured every `every` steps and at the end: population statistics, how far each
    average is from them, batch noise and what it costs. With `test`, losses under each average are
    read on as many of its examples. `loss`, `inputs` and `target` are as for an audit. The
    training's bits stay as they are. Raises RequestError for what cannot be watched, and where
    `out` holds rows already. The page `caviar watch RUN` follows such a run while it is written.

    >>> import torch
    >>> model = torch.nn.Sequential(torch.nn.Linear(4, 8), torch.nn.BatchNorm1d(8))
    >>> batches = [(torch.randn(16, 4), torch.zeros(16, dtype=torch.long)) for _ in range(3)]
    >>> with caviar.watch(model, "runs/mine", data=batches) as watch:
    ...     for x, y in batches:
    ...         watch.step(torch.nn.functional.cross_entropy(model(x), y))
    >>> caviar.read_run("runs/mine").counts["completed"]
    1
    """
    if every < 1:
        raise RequestError(f"every={every}: give how many steps lie between two measurements")
    if data is None and test is not None:
        raise RequestError("test= needs data=, whose population statistics it is compared with")
    probed = None if data is None else Data(data, test, examples, loss, inputs, target)
    return Watch(model, out, probed, every, rules, decays)
