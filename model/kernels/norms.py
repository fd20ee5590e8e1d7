"""Batch norm, ReLU and their gradients in two passes over a ghost; the lines of `standardise.py`.

Statistics are taken in two passes, as there, vector by vector of features.
"""

from __future__ import annotations

from typing import Any

from caviar.model.contract import Array
from caviar.model.kernels.compiling import compiled
from caviar.model.kernels.vectors import load, rectified, root, spread, store, where_positive


@compiled
def normalise(
    a: Array, x: int, x_row: int, y: int, y_row: int, gain: int, shift: int, inverse: int,
    examples: int, size: int, vectors: int, lanes: int, epsilon: Any, moments: Array, moment: int,
    kept: int, features: int,
) -> None:  # fmt: skip
    """x_hat = standardise(grouped(x, size), epsilon), in place of x
    y = maximum(x_hat * gamma + beta, 0)

    The mean and variance of the first `kept` ghosts go to `moments`, `(kept, 2, features)`.
    """
    zero, one = spread(a, a.dtype.type(0)), spread(a, a.dtype.type(1))
    share, small = spread(a, a.dtype.type(1 / size)), spread(a, epsilon)
    for ghost in range(examples // size):
        first = ghost * size
        for v in range(0, vectors * lanes, lanes):
            start = x + first * x_row + v
            end = start + size * x_row
            mean = zero
            for x_place in range(start, end, x_row):
                mean = mean + load(a, x_place)
            mean = mean * share
            variance = zero
            for x_place in range(start, end, x_row):
                away = load(a, x_place) - mean
                variance = variance + away * away
            variance = variance * share
            inverse_deviation = one / root(variance + small)
            store(a, inverse + ghost * vectors * lanes + v, inverse_deviation)
            gamma, beta = load(a, gain + v), load(a, shift + v)
            to = y + first * y_row + v
            for x_place in range(start, end, x_row):
                x_hat = (load(a, x_place) - mean) * inverse_deviation
                store(a, x_place, x_hat)
                store(a, to, rectified(x_hat * gamma + beta))
                to += y_row
            if ghost < kept:
                store(moments, moment + 2 * ghost * features + v, mean)
                store(moments, moment + (2 * ghost + 1) * features + v, variance)


@compiled
def normalise_backward(
    a: Array, slope: int, x: int, x_row: int, y: int, y_row: int, gain: int, inverse: int,
    gain_gradient: int, shift_gradient: int, examples: int, size: int, vectors: int, lanes: int,
) -> None:  # fmt: skip
    """dy = slope * (y > 0);  dgamma = sum(dy * x_hat);  dbeta = sum(dy)
    slope = standardise_backward(dy * gamma, x_hat, inverse_deviation)
    """
    zero, share = spread(a, a.dtype.type(0)), spread(a, a.dtype.type(1 / size))
    for v in range(0, vectors * lanes, lanes):
        gamma, by_gamma, by_beta = load(a, gain + v), zero, zero
        for ghost in range(examples // size):
            first = ghost * size
            start, hidden = first * x_row + v, y + first * y_row + v
            end = start + size * x_row
            sums, products = zero, zero
            y_place = hidden
            for x_place in range(start, end, x_row):
                dy = where_positive(load(a, y_place), load(a, slope + x_place))
                sums = sums + dy
                products = products + dy * load(a, x + x_place)
                y_place += y_row
            by_beta = by_beta + sums
            by_gamma = by_gamma + products
            mean = sums * gamma * share
            along = products * gamma * share
            inverse_deviation = load(a, inverse + ghost * vectors * lanes + v)
            y_place = hidden
            for x_place in range(start, end, x_row):
                dy = where_positive(load(a, y_place), load(a, slope + x_place))
                dx = dy * gamma - mean - load(a, x + x_place) * along
                store(a, slope + x_place, dx * inverse_deviation)
                y_place += y_row
        store(a, gain_gradient + v, by_gamma)
        store(a, shift_gradient + v, by_beta)
