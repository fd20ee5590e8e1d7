"""What is measured of a watched model between two steps, on examples set aside for it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from caviar.analysis.audit.evidence import Moments as Known
from caviar.model.averages.conventions import Tracker
from caviar.model.averages.errors import tracker_errors
from caviar.model.contract import Array, Moments
from caviar.runner.torch_models.measuring.population import population
from caviar.runner.torch_models.measuring.readings import Losses, Scored, difference
from caviar.runner.torch_models.measuring.scatter import batch_moments, precise
from caviar.runner.torch_models.model_run import Rows
from caviar.runner.torch_models.running.batches import Examples
from caviar.runner.torch_models.running.losses import Loss
from caviar.runner.torch_models.running.moments import TensorMoments, row_moments
from caviar.runner.torch_models.running.passes import Subject, forward
from caviar.runner.torch_models.running.untouched import untouched
from caviar.runner.torch_models.watching.batch_moments import as_array
from caviar.runner.torch_models.watching.noise import ByExample, layer_noise

NETWORK = "network"
"""The `layer` of a row that belongs to the network as a whole."""

OWN = "own"
"""The `tracker` of what the model itself holds."""

PARTITIONS = 4
"""Over so many partitions into batches the noise penalty is averaged at the end."""

Named = Mapping[str, Known]


class Trained(NamedTuple):
    """What a probe is told of the training: updates made, examples that share a mean, averages.

    `averages` are those of the bank by norm, `(trackers, 1, features)`.
    """

    step: int
    size: int
    averages: Mapping[str, Moments]


@dataclass(frozen=True)
class Probe:
    """Examples that a model is measured on.

    `train` are those whose population statistics count; losses under averages are read on `test`,
    or on `train` where there is none. Without a `loss` only statistics are measured.
    """

    subject: Subject
    train: Examples
    test: Examples | None
    loss: Loss | None
    trackers: tuple[Tracker, ...]
    sizes: tuple[int, ...]

    def rows(self, trained: Trained, *, last: bool) -> dict[str, Rows]:
        """Rows by table; the model is left as it was.

        At the `last` probe losses are read under every average and noise at every size, before
        that under the model's own average and at the size trained with.
        """
        held = {norm.name: norm.stored() for norm in self.subject.norms}
        stored = {name: one for name, one in held.items() if one is not None}
        generator = np.random.default_rng([0, trained.step])
        sizes = tuple(sorted({*self.sizes, trained.size})) if last else (trained.size,)
        sizes = tuple(m for m in sizes if 2 <= m <= self.train.number)
        with untouched(self.subject.model):
            known = {
                name: Known(as_array(exact.mean[0]), as_array(exact.variance[0]))
                for name, exact in population(self.subject, self.train).items()
            }
            noise = self._layer_noise(known, sizes, generator)
            evaluations: list[dict[str, Any]] = []
            if self.loss is not None:
                train = _Read(Scored(self.subject, self.train, self.loss), known)
                evaluations += self._evaluated(train, stored, trained, generator, last=last)
                noise += _penalties(train, sizes, PARTITIONS if last else 1, generator)
        rows = {"evaluations": evaluations, "noise": noise}
        rows["statistics"] = list(self._errors(known, stored, trained))
        return {table: [{"step": trained.step, **row} for row in rows[table]] for table in rows}

    def _errors(self, known: Named, stored: Named, trained: Trained) -> Iterator[dict[str, Any]]:
        for norm in self.subject.norms:
            exact = _stacked([known[norm.name]])
            held = {OWN: stored[norm.name]} if norm.name in stored else {}
            averages = trained.averages.get(norm.name)
            if averages is not None:
                held |= _by_tracker(self.trackers, averages)
            if not held:
                continue
            running = _stacked(list(held.values()))
            errors = tracker_errors(
                {"": running}, {"": Moments(exact.mean, exact.variance)}, norm.epsilon, None
            )[""]
            columns = {k: v for k, v in errors._asdict().items() if np.isfinite(v).any()}
            for t, tracker in enumerate(held):
                values = {name: float(column[t, 0]) for name, column in columns.items()}
                yield {"layer": norm.name, "tracker": tracker, **values}

    def _layer_noise(
        self, known: Named, sizes: tuple[int, ...], generator: np.random.Generator
    ) -> list[dict[str, Any]]:
        rows = []
        for name, (inputs, kurtosis) in _inputs(self.subject, self.train, known).items():
            for m, columns in layer_noise(inputs, sizes, generator).items():
                place = {"layer": name, "norm_batch_size": m, "excess_kurtosis": kurtosis}
                rows.append({**place, **columns})
        return rows

    def _evaluated(
        self,
        train: _Read,
        stored: Named,
        trained: Trained,
        generator: np.random.Generator,
        *,
        last: bool,
    ) -> list[dict[str, Any]]:
        """Rows of `evaluations`: of the train examples, and of the test examples."""
        kinds: dict[tuple[str, str], Named] = {}
        if last:
            size = min(trained.size, self.train.number)
            every = batch_moments(self.subject, self.train, size, training=False)
            kinds["precise", ""] = {name: precise(moments) for name, moments in every.items()}
        if len(stored) == len(self.subject.norms):
            kinds["running", OWN] = stored
        if last and trained.averages:
            for tracker, moments in self._under_averages(train.known, stored, trained).items():
                kinds["running", tracker] = moments
        of_train = {} if self.test is not None else kinds
        read = train.rows("train", of_train, trained.size, generator)
        if self.test is not None and self.loss is not None:
            test = _Read(Scored(self.subject, self.test, self.loss), train.known)
            read += test.rows("test", kinds, trained.size, generator)
        return read

    def _under_averages(self, known: Named, stored: Named, trained: Trained) -> dict[str, Named]:
        """By average, statistics of every norm: of one that was never updated what it holds."""
        by_norm = {
            name: _by_tracker(self.trackers, averages)
            for name, averages in trained.averages.items()
        }
        return {
            tracker.name: {
                name: by_norm[name][tracker.name] if name in by_norm else stored.get(name, moments)
                for name, moments in known.items()
            }
            for tracker in self.trackers
        }


class _Read(NamedTuple):
    """Examples of known targets, and the population statistics that their losses are held to."""

    scored: Scored
    known: Named

    def rows(
        self,
        split: str,
        kinds: Mapping[tuple[str, str], Named],
        size: int,
        generator: np.random.Generator,
    ) -> list[dict[str, Any]]:
        """Losses under population statistics, each of `kinds`, and random batches of `size`."""
        exact = self.scored.under(self.known)
        count = len(exact.loss)
        read = {("population", ""): exact}
        read |= {kind: self.scored.under(moments) for kind, moments in kinds.items()}
        if 2 <= size <= count:
            order = generator.permutation(count)
            read["batch", ""] = self.scored.in_batches(order, size)
        return [
            {
                "split": split,
                "statistics": statistics,
                "tracker": tracker,
                "norm_batch_size": size,
                **(
                    _reading(losses, Losses(exact.loss[order], None), size)
                    if statistics == "batch"
                    else _reading(losses, exact, 1)
                ),
            }
            for (statistics, tracker), losses in read.items()
        ]


def _reading(losses: Losses, exact: Losses, together: int) -> dict[str, Any]:
    reading = losses.reading()
    error = None if losses is exact else difference(losses, exact, together).error
    return {
        "loss": reading.loss,
        "accuracy": reading.accuracy,
        "examples": reading.examples,
        "excess_error": error,
    }


def _penalties(
    train: _Read, sizes: tuple[int, ...], partitions: int, generator: np.random.Generator
) -> list[dict[str, Any]]:
    """R_in at each size: train-mode loss less population loss, at the same weights."""
    exact = train.scored.under(train.known)
    orders = [generator.permutation(len(exact.loss)) for _ in range(partitions)]
    rows = []
    for m in sizes:
        whole = [order[: len(order) // m * m] for order in orders]
        costs = [
            float(np.mean(train.scored.in_batches(order, m).loss - exact.loss[order]))
            for order in whole
        ]
        batches = sum(len(order) // m for order in whole)
        place = {"layer": NETWORK, "norm_batch_size": m, "batches": batches}
        penalty = {"noise_penalty": float(np.mean(costs)), "penalty_partitions": float(partitions)}
        rows.append({**place, **penalty})
    return rows


def _inputs(
    subject: Subject, examples: Examples, known: Named
) -> dict[str, tuple[ByExample, float]]:
    """Each norm's input by example in population units, and its excess kurtosis.

    Norms whose input has not one row for each example are left out, and constant features.
    """
    inputs: dict[str, tuple[ByExample, float]] = {}
    epsilons = {norm.name: norm.epsilon for norm in subject.norms}
    tensors = {
        name: [torch.as_tensor(part, device=examples.device) for part in (m.mean, m.variance)]
        for name, m in known.items()
    }

    def visit(name: str, x: Tensor) -> TensorMoments:
        mean, variance = tensors[name]
        if len(x) == examples.number and name not in inputs:
            inputs[name] = _by_example(x, mean, variance, epsilons[name])
        return TensorMoments(mean[None], variance[None])

    forward(subject.model, subject.norms, examples.call, visit, until=subject.calls)
    return inputs


def _by_example(
    x: Tensor, mean: Tensor, variance: Tensor, epsilon: float
) -> tuple[ByExample, float]:
    alive = variance > 0
    away, square = (part[:, alive] for part in row_moments(x, mean.to(torch.float64)))
    some = variance[alive]
    shape = (-1, *[1] * (x.ndim - 2))
    z = x[:, alive] - mean[alive].reshape(shape).to(x.dtype)
    z /= some.sqrt().reshape(shape).to(x.dtype)
    kurtosis = float(z.square().square().mean()) - 3 if z.numel() else float("nan")
    by_example = ByExample(
        as_array(away / some.sqrt()), as_array(square / some), as_array(epsilon / some)
    )
    return by_example, kurtosis


def _by_tracker(trackers: tuple[Tracker, ...], averages: Moments) -> dict[str, Known]:
    return {
        tracker.name: Known(averages.mean[t, 0], averages.variance[t, 0])
        for t, tracker in enumerate(trackers)
    }


def _stacked(moments: list[Known]) -> Moments:
    """`(trackers, 1, features)`."""
    mean, variance = ([getattr(one, part) for one in moments] for part in ("mean", "variance"))
    arrays: list[Array] = [np.array(parts)[:, None] for parts in (mean, variance)]
    return Moments(*arrays)
