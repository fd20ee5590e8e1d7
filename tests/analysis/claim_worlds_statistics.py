"""Runs in which claims about noise, and about statistics of test time, have a known truth."""

from __future__ import annotations

import math
from collections.abc import Callable

from caviar.runner.config import TrialConfig
from tests.analysis.claim_scenarios import EQUAL, Make, N, Quantity, Scenario, ghosts
from tests.analysis.synthetic import STEPS, World, size


def of_network(columns: Callable[[float, TrialConfig, int], dict[str, float]]) -> Make:
    return lambda q: World(network=lambda config, seed, m: columns(q(seed), config, m))


def partitions(share: Callable[[float, int], float]) -> Make:
    """Shares of a gradient variance of 2, at the size trained with."""

    def columns(q: float, config: TrialConfig, m: int) -> dict[str, float]:
        return {"partition_variance": 2 * share(q, size(config))} if m == size(config) else {}

    return of_network(columns)


LARGE = {"probe_batch_sizes": (64, 128, 256)}

OF_NOISE = [
    Scenario(
        "penalty-exponent",
        ghosts(8, 64, **LARGE),
        ghosts(8, 64, probe_batch_sizes=(8, 16, 64, 128)),
        of_network(lambda q, config, m: {"noise_penalty": 3 * ((1 / m - 1 / N) * 150) ** q}),
        (1.0, 1.5, (0.4, 1.6)),
        exact=False,
    ),
    Scenario(
        "self-influence-share",
        ghosts(8, 64, **LARGE),
        ghosts(8, 64, probe_batch_sizes=(8, 32)),
        of_network(lambda q, config, m: {"noise_penalty": 2.0, "self_influence": 0.2 + q}),
    ),
    Scenario(
        "self-influence-predicted",
        ghosts(8, 64, **LARGE),
        ghosts(8, 64, probe_batch_sizes=(8, 32)),
        of_network(lambda q, c, m: {"self_influence": 4 * q, "predicted_self_influence": 4.0}),
        (1.0, 1.6, (0.2, 1.8)),
    ),
    Scenario(
        "adaptation",
        ghosts(8, 64, 256),
        ghosts(8, 64, 256, probe_batch_sizes=(16, 64)),
        of_network(
            lambda q, config, m: {
                "noise_penalty": 1 + (q if size(config) == 256 else 0) + (size(config) == 64)
            }
        ),
    ),
    Scenario(
        "partition-share-falls",
        ghosts(8, 16, 32, probe_batch_sizes=(8, 16, 32)),
        ghosts(8, 256, probe_batch_sizes=(8, 256)),
        partitions(lambda q, m: {8: 0.95, 16: 0.5, 32: 0.5 - q}[m]),
        (0.05, -0.05, (-0.3, 0.35)),
    ),
    Scenario(
        "partition-share-at-16",
        ghosts(8, 16, probe_batch_sizes=(8, 16)),
        ghosts(8, 16, probe_batch_sizes=(8, 16), batch_size=512),
        partitions(lambda q, m: q if m == 16 else 0.9),
        (0.44, 0.8, (0.1, 0.8)),
    ),
]


def tracked(columns: Callable[[float, TrialConfig, str], dict[str, float]]) -> Make:
    """Columns of the unbiased rule's errors, by layer; those of other rules are far off."""

    def world(q: Quantity) -> World:
        def rows(config: TrialConfig, seed: int, layer: str, tracker: str) -> dict[str, float]:
            own = tracker.startswith("unbiased")
            return columns(q(seed), config, layer) if own else {"variance_bias": 9.0}

        return World(tracked=rows)

    return world


def running_less_precise(q: Quantity) -> World:
    """Precise statistics cost 0.2, running averages q more."""
    return World(
        precise=lambda config, seed: 0.2, damage=lambda config, seed, tracker: 0.2 + q(seed)
    )


DECAY = 0.5
LAW = sum(((1 - DECAY) * DECAY**k) ** 2 for k in range(STEPS))
"""Sum of squared weights of an average of independent batches, from its definition."""
FORGETS = {"decay": DECAY, "hidden": (8, 8)}
MOVING = {"schedule": "constant", "hidden": (8, 8), "shadow": True}
EPOCHS = {"decay": DECAY, "shadow": True, "batch_size": 512}

OF_AVERAGES = [
    Scenario(
        "evalnorm-helps",
        ghosts(8, 64),
        ghosts(16, 64),
        lambda q: World(
            evalnorm=lambda config, seed: -q(seed) if size(config) == 8 else 0.7,
        ),
    ),
    Scenario(
        "precise-while-moving",
        ghosts(8, 64, schedule="constant"),
        ghosts(8, 64, schedule="cosine"),
        running_less_precise,
    ),
    Scenario(
        "precise-equal-at-end",
        ghosts(16, 64, schedule="cosine"),
        ghosts(16, 64, schedule="constant"),
        running_less_precise,
        EQUAL,
    ),
    Scenario(
        "shuffling-helps",
        ghosts(8, 64, 128, **EPOCHS),
        ghosts(64, 128, **{**EPOCHS, "batch_size": 256}),
        tracked(
            lambda q, c, layer: {
                "mean_sampling": math.sqrt((q if size(c) > 8 else 9) * LAW / size(c))
            }
        ),
        (0.5, 1.5, (0.1, 1.6)),
    ),
    Scenario(
        "staleness-stays",
        ghosts(8, 16, 64, **MOVING),
        ghosts(8, 64, **MOVING),
        tracked(
            lambda q, c, layer: {
                "mean_sampling": float(size(c)) ** (-1 if layer == "norm2" else 5),
                "mean_staleness": 3 * float(size(c)) ** (q - 0.25),
            }
        ),
        part="staleness",
    ),
    Scenario(
        "staleness-stays",
        ghosts(8, 16, 64, **MOVING),
        ghosts(8, 16, 64, **{**MOVING, "schedule": "cosine"}),
        tracked(
            lambda q, c, layer: {
                "mean_sampling": float(size(c)) ** -q,
                "mean_staleness": float(size(c)) ** (1 - q / 4),
            }
        ),
        part="sampling",
    ),
    Scenario(
        "bessel-first-layer",
        ghosts(8, 64, **FORGETS),
        ghosts(8, 64, **{**FORGETS, "decay": 0.9}),
        tracked(lambda q, c, layer: {"variance_bias": q if layer == "norm1" else 1.0}),
        (0.0, 0.2, (0.4, -0.4)),
    ),
    Scenario(
        "bessel-deeper",
        ghosts(8, 64, **FORGETS),
        ghosts(8, 64, decay=DECAY),
        tracked(lambda q, c, layer: {"variance_bias": q if layer == "norm2" else -1.0}),
    ),
]
