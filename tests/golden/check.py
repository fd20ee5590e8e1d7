"""The check of every recording in a folder, with the project's own layer and bank."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from caviar.model.averages.bank import BankState, RunningStatistics
from caviar.model.averages.conventions import HELD_IN, SECOND, Convention, Tracker
from caviar.model.contract import Moments
from caviar.model.network import Network
from caviar.model.norms.batch_norm import BatchNorm
from caviar.model.norms.norm import Norm
from tests.golden.recordings import MEANS, SECONDS, Recording, find

Array = NDArray[Any]
LAYER = "norm"
FORMULA = "nn_batch_normalization/eps1e-3/Y"
"""TensorFlow's bare formula, recorded at mean 1 to 5 and variance 0.5, 1, 2, 3, 4."""


@dataclass(frozen=True)
class Line:
    """One quantity of one recording: its largest error and the allowed one."""

    name: str
    quantity: str
    error: float
    tolerance: float

    @property
    def holds(self) -> bool:
        return self.error <= self.tolerance

    def __str__(self) -> str:
        verdict = "ok  " if self.holds else "MISS"
        return f"{verdict} {self.name} {self.quantity}: {self.error:.1e} (<= {self.tolerance:.0e})"


def check_folder(folder: Path) -> Iterator[Line]:
    """One line per array recorded in `folder`, in the order of the files."""
    inputs = dict(np.load(folder / "inputs.npz", allow_pickle=False))
    for path in sorted(folder.glob("*.npz")):
        if path.name != "inputs.npz":
            with np.load(path, allow_pickle=False) as archive:
                yield from check_file(path.stem, dict(archive), inputs)


def check_file(file: str, arrays: dict[str, Array], inputs: dict[str, Array]) -> Iterator[Line]:
    """One line per array of one framework's file."""
    groups: dict[str, dict[str, Array]] = {}
    for key, array in arrays.items():
        where, _, quantity = key.rpartition("/")
        groups.setdefault(where, {})[quantity] = array
    for where, recorded in groups.items():
        if f"{where}/Y" == FORMULA:
            yield _formula(file, recorded["Y"], inputs)
            continue
        run = re.fullmatch(r"(.+)/m(\d+)", where)
        try:
            if run:
                recording = find(file, run[1], int(run[2]))
                yield from _compare(recording, recorded, replay(recording, inputs, int(run[2])))
            else:
                yield from _one(file, where, recorded, inputs)
        except LookupError as error:
            yield Line(f"{file} {where}", f"({error})", float("inf"), 0.0)


def _compare(
    recording: Recording, recorded: dict[str, Array], ours: dict[str, Array]
) -> Iterator[Line]:
    for quantity, array in recorded.items():
        tolerance = recording.tolerance(quantity)
        error = _error(ours[quantity], array) if quantity in ours else float("inf")
        yield Line(recording.name, quantity, error, tolerance)


def _error(ours: Array, recorded: Array) -> float:
    recorded = np.asarray(recorded, np.float64).reshape(np.shape(ours))
    if not np.array_equal(np.isnan(ours), np.isnan(recorded)):
        return float("inf")
    scale = max(1.0, float(np.nanmax(np.abs(recorded), initial=0.0)))
    return float(np.nanmax(np.abs(ours - recorded), initial=0.0)) / scale


def _bank(row: Convention) -> tuple[Norm, RunningStatistics, Tracker]:
    tracker = Tracker(row, 0.0 if row.decay is None else row.decay)
    epsilon = HELD_IN[row.held_in][1](row.epsilon)
    return Norm(BatchNorm(2, epsilon)), RunningStatistics((tracker,), epsilon=epsilon), tracker


def _parameters(row: Convention, inputs: dict[str, Array]) -> dict[str, Array]:
    gamma = inputs["gamma"].astype(np.float64)[None, None]
    if row.gamma == "fixed at 1":
        gamma = np.ones_like(gamma)
    return {"gamma": gamma, "beta": inputs["beta"].astype(np.float64)[None, None]}


def replay(recording: Recording, inputs: dict[str, Array], m: int) -> dict[str, Array]:
    """Train the project's layer on the recorded inputs, with the convention's running average."""
    row = recording.row
    _, bank, tracker = _bank(row)
    norm = Norm(BatchNorm(m, bank.epsilon))
    parameters = _parameters(row, inputs)
    network = Network(((LAYER, norm),))
    state = bank.init(network, {LAYER: parameters})
    steps: list[dict[str, Array]] = []
    for x, dy in zip(inputs[f"X_m{m}"], inputs[f"dY_m{m}"], strict=True):
        x, dy = x.astype(np.float64)[None], dy.astype(np.float64)[None]
        y, tape = norm.forward(parameters, x, ())
        dx, gradients = norm.backward(parameters, tape, dy)
        before = state
        assert tape.moments is not None
        state = bank.update(state, {LAYER: tape.moments}, m)
        step = {"Y": y[0], "dX": dx[0], "xhat": tape.x_hat[0, 0]}
        step["dgamma"] = gradients["gamma"][0, 0] * (row.gamma != "fixed at 1")
        step["dbeta"] = gradients["beta"][0, 0]
        step["batch_mean"] = tape.moments.mean[0, 0]
        step["batch_invstd"] = tape.inverse_deviation[0, 0, 0]
        steps.append(step | _state(tracker, bank, before, state, m))
    ours = {key: np.stack([step[key] for step in steps]) for key in steps[0]}
    ours |= {"dscale": ours["dgamma"], "dbias": ours["dbeta"]}
    ours |= {"saved_mean": ours["batch_mean"], "saved_inv_std": ours["batch_invstd"]}
    ours["Y_test"] = _test(norm, bank, state, parameters, inputs)
    ours["gamma_after"] = parameters["gamma"][0, 0]
    return ours


def _test(
    norm: Norm,
    bank: RunningStatistics,
    state: BankState,
    parameters: dict[str, Array],
    inputs: dict[str, Array],
) -> Array:
    statistics = next(iter(bank.statistics(state).values()))
    x = inputs["X_test"].astype(np.float64)[None]
    y: Array = norm.predict(parameters, x, lambda h: statistics(LAYER, h))[0]
    return y


def _state(
    tracker: Tracker, bank: RunningStatistics, before: BankState, state: BankState, m: int
) -> dict[str, Array]:
    """The state after a step under every name that some framework gives it."""
    row, t = tracker.convention, state.updates
    mean, second = (part[0, 0] for part in state.averages[LAYER])
    old_mean, old_second = (part[0, 0] for part in before.averages[LAYER])
    read = bank.read(state.averages)[LAYER].variance[0, 0]
    decay = HELD_IN[row.held_in][0](tracker.decay)
    by_key = dict.fromkeys(MEANS, mean) | dict.fromkeys(SECONDS, second)
    by_key["derived_effective_mean"] = mean
    # The recorder derived this with the nominal epsilon.
    by_key["derived_effective_inv_std"] = 1 / np.sqrt(read + row.epsilon)
    by_key["aggregate_count"] = np.float64(t * m)
    if row.updates == "backward":
        by_key |= {"running_mean_after_forward": old_mean, "running_var_after_forward": old_second}
    if "debiased" in (row.keep, row.mean_keep):
        weight = (1 - decay**t) / (1 - decay)
        by_key |= {"blob0_mean_sum": mean * weight, "blob1_var_sum": second * weight}
        by_key["blob2_scale_factor"] = np.float64(weight)
        by_key["moving_mean_biased"] = mean * (1 - decay**t)
        by_key["moving_mean_local_step"] = np.float64(t)
    return by_key


def _one(
    file: str, where: str, recorded: dict[str, Array], inputs: dict[str, Array]
) -> Iterator[Line]:
    """A batch of one, as the row's `batch_of_one` says; `one`, `theano_one`, `default/one`."""
    variant = {"one": "default", "theano_one": "theano_default"}.get(where)
    variant = variant or where.removesuffix("/one")
    if (file, variant) == ("mxnet", "default"):
        variant = "gluon_default"
    recording = find(file, variant, 1)
    ours = one(recording.row, inputs)
    for quantity, array in recorded.items():
        if quantity == "Y_test" and recording.row.batch_of_one != "identity":
            continue  # after seven steps of one example; m > 1 checks how the state is used
        # The rounding of float32 inputs shows beside sqrt(epsilon).
        tolerance = 1e-4 if quantity in ("Y", "xhat") else 3e-6
        error = _error(ours[quantity], array) if quantity in ours else float("inf")
        yield Line(f"{file} {where}", quantity, error, tolerance)


def one(row: Convention, inputs: dict[str, Array]) -> dict[str, Array]:
    """What a batch of one example does, by the row's `batch_of_one`."""
    x, dy = (inputs[k].astype(np.float64).reshape(1, -1) for k in ("X_one", "dY_one"))
    norm, bank, tracker = _bank(row)
    parameters = _parameters(row, inputs)
    gamma, beta = parameters["gamma"][0], parameters["beta"][0]
    network = Network(((LAYER, norm),))
    start = bank.init(network, {LAYER: parameters})
    zero, nothing = np.zeros(x.shape[1]), np.zeros_like(x)
    moments = Moments(x[None], nothing[None])
    after = bank.update(start, {LAYER: moments}, 1)
    ours: dict[str, Array] = {"Y": beta, "dX": nothing, "dgamma": zero, "dbeta": dy[0]}
    state = start if row.batch_of_one in ("identity", "running") else after
    ours |= _state(tracker, bank, start, state, 1)
    if row.batch_of_one == "NaN":
        ours |= dict.fromkeys(SECONDS, np.full(x.shape[1], np.nan))
    if row.batch_of_one == "identity":
        ours |= {"Y": x, "dX": dy, "dgamma": zero, "dbeta": zero}
        ours["Y_test"] = _test(norm, bank, state, parameters, inputs)
    if row.batch_of_one == "running":
        second = SECOND[row.second].variance(start.averages[LAYER].second[0, 0], bank.epsilon)
        mean = start.averages[LAYER].mean[0, 0]
        ours["Y"] = (x - mean) / np.sqrt(second + bank.epsilon) * gamma + beta
    ours |= {"dscale": ours["dgamma"], "dbias": ours["dbeta"], "xhat": nothing}
    ours |= {"saved_mean": x, "saved_inv_std": np.full_like(x, 1 / np.sqrt(bank.epsilon))}
    return ours


def _formula(file: str, recorded: Array, inputs: dict[str, Array]) -> Line:
    mean, variance = np.arange(1.0, 6.0), np.array([0.5, 1.0, 2.0, 3.0, 4.0])
    x = inputs["X_test"].astype(np.float64)
    y = (x - mean) / np.sqrt(variance + 1e-3) * inputs["gamma"] + inputs["beta"]
    return Line(f"{file} nn_batch_normalization", "Y", _error(y, recorded), 2e-6)
