"""The rows that a trial of an invented world sends."""

from __future__ import annotations

import math
from itertools import product
from typing import Any

from caviar.runner.config import TrialConfig
from tests.analysis.world import EARLIER, EXAMPLES, SHARES, STEPS, World, size


def tracker_names(config: TrialConfig) -> list[str]:
    """Every rule with every decay; a cumulative average has none."""
    decays = dict.fromkeys((config.decay, *config.decays))
    named = [
        rule if rule == "cumulative" else f"{rule}/{decay!r}"
        for rule in config.conventions
        for decay in decays
    ]
    return list(dict.fromkeys(named))


def evaluations_rows(config: TrialConfig, world: World) -> list[dict[str, Any]]:
    losses = {"train": world.train, "validation": world.validation, "test": world.test}
    rows: list[dict[str, Any]] = []
    for seed, split, step in product(config.seeds, losses, (STEPS // 2, STEPS)):
        exact = losses[split](config, seed) + (EARLIER if step < STEPS else 0)
        kinds = {("population", ""): exact}
        # Renormalisation is read in other ways only where it is an arm beside batch norm.
        if config.norm == "batch" or (config.norm == "renorm" and config.arm):
            kinds["batch", ""] = exact + world.penalty(config, seed)
            kinds["precise", ""] = exact + world.precise(config, seed)
            kinds["evalnorm", ""] = exact + world.evalnorm(config, seed)
            carried = ["own"] if config.norm == "renorm" else []
            for tracker in [*tracker_names(config), *carried]:
                kinds["running", tracker] = exact + world.damage(config, seed, tracker)
        rows += [
            {
                "seed": seed,
                "step": step,
                "split": split,
                "statistics": kind,
                "tracker": tracker,
                "norm_batch_size": size(config),
                "loss": loss,
                "accuracy": world.accuracy(config, seed),
                "examples": EXAMPLES[split],
                "mislabelled": 0,
                "sorted_loss": loss + world.sorting(config, seed) if by_class else math.nan,
                "sorted_accuracy": 0.5 if by_class else math.nan,
            }
            for (kind, tracker), loss in kinds.items()
            for by_class in [(split, kind) == ("test", "batch")]
        ]
    return rows


def statistics_rows(config: TrialConfig, world: World) -> list[dict[str, Any]]:
    layers = [f"norm{i + 1}" for i in range(len(config.hidden))]
    return [
        {
            "seed": seed,
            "step": step,
            "layer": layer,
            "tracker": tracker,
            "mean_error": world.mean_error(config, seed, layer, tracker) + EARLIER * (step < STEPS),
            "mean_bias": 0.0,
            "variance_error": world.variance_error(config, seed, layer, tracker),
            "variance_bias": -0.5,
            "divergence": 0.0,
            **_split(config, world, seed, layer, tracker),
            **world.tracked(config, seed, layer, tracker),
        }
        for seed, step, layer, tracker in product(
            config.seeds, (STEPS // 2, STEPS), layers, tracker_names(config)
        )
    ]


def _split(
    config: TrialConfig, world: World, seed: int, layer: str, tracker: str
) -> dict[str, float]:
    """The parts of an error, as shares of it, where the trial kept a shadow."""
    errors = {
        "mean": world.mean_error(config, seed, layer, tracker),
        "variance": world.variance_error(config, seed, layer, tracker),
    }
    return {
        f"{of}_{part}": share * error if config.shadow else math.nan
        for of, error in errors.items()
        for part, share in SHARES.items()
    }


def noise_rows(config: TrialConfig, world: World) -> list[dict[str, Any]]:
    """Batch mean and deviation exactly as the closed forms say, at both probed sizes."""
    n, rows = EXAMPLES["train"], []
    layers = [f"norm{i + 1}" for i in range(len(config.hidden))] + ["network"]
    for seed, step, layer, m in product(
        config.seeds, (STEPS // 2, STEPS), layers, config.probe_batch_sizes
    ):
        kurtosis = math.nan if layer == "network" else world.kurtosis(config, seed, layer)
        spread = (n - m) / (n - 1) / m * (1 if step == STEPS else 9)
        rows.append(
            {
                "seed": seed,
                "step": step,
                "layer": layer,
                "norm_batch_size": m,
                "batches": 32,
                "mean_variance": math.nan if layer == "network" else spread,
                "deviation_variance": spread * (kurtosis + 2) / 4,
                "excess_kurtosis": kurtosis,
                **_of_network(config, world.penalty(config, seed), m, layer == "network"),
                **(world.network(config, seed, m) if layer == "network" else {}),
                **_of_layer(kurtosis, m, spread),
            }
        )
    return rows


def _of_network(config: TrialConfig, penalty: float, m: int, network: bool) -> dict[str, float]:
    """At the size trained with the penalty itself, elsewhere in proportion; R_ext has 3/4 of it."""
    here = penalty * size(config) / m
    values = {
        "noise_penalty": here,
        "external_penalty": 0.75 * here,
        "self_influence": 0.25 * here,
        "predicted_self_influence": 0.2 * here,
        "partition_variance": 0.5 if m == size(config) else math.nan,
        "gradient_variance": 2.0 if m == size(config) else math.nan,
        "self_influence_error": 0.05 * here,
        "penalty_partitions": 3.0,
    }
    return {name: value if network else math.nan for name, value in values.items()}


def _of_layer(kurtosis: float, m: int, spread: float) -> dict[str, float]:
    between = (2 - (6 + kurtosis) / m) / (m - 2) if m > 2 else math.nan
    return {"noise_to_signal": (1 + (kurtosis + 2) / 4) * spread, "coupling": between}


def curves_rows(config: TrialConfig) -> list[dict[str, Any]]:
    reals = ("learning_rate", "loss", "gradient_norm", "weight_norm", "effective_learning_rate")
    return [
        {"seed": seed, "step": step, "epoch": float(step), **dict.fromkeys(reals, 0.5)}
        for seed, step in product(config.seeds, (STEPS // 2, STEPS))
    ]


def prediction_rows(config: TrialConfig) -> list[dict[str, Any]]:
    """Two test examples of two classes."""
    return [
        {
            "seed": seed,
            "step": STEPS,
            "statistics": "population",
            "example": example,
            "label": example,
            "log_probabilities": [math.log(0.25), math.log(0.75)],
        }
        for seed, example in product(config.seeds, (0, 1))
    ]
