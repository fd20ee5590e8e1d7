"""An audit as values for JSON; what is not finite is null."""

from __future__ import annotations

from collections.abc import Sequence
from math import isfinite
from typing import Any

from caviar.analysis.audit.evidence import Difference, Evidence, NormLayer, Reading, Readings
from caviar.analysis.audit.facts import Facts
from caviar.analysis.audit.parts import LayerParts, Part, Size
from caviar.analysis.audit.units import unit_faults
from caviar.analysis.audit.verdict import Verdict

PARTS = ("start", "sampling", "lag", "bias", "shift")
READINGS = ("stored", "population", "precise", "batch")


def told_of(facts: Facts, verdict: Verdict) -> dict[str, Any]:
    """The contract of `caviar audit --json`: cause, sentence, actions, loss, layers, and more."""
    evidence = facts.evidence
    return {
        **_verdict(verdict),
        "also": None if verdict.also is None else _verdict(verdict.also),
        "loss": losses_of(evidence),
        "loss_of": loss_of(evidence),
        "batch_noise": batch_noise_of(evidence),
        "batch_size": evidence.batch_size,
        "examples": evidence.examples,
        "passes": evidence.passes,
        "layers": layers_of(facts),
        "never_called": list(evidence.never_called),
    }


def _verdict(verdict: Verdict) -> dict[str, Any]:
    return {
        "cause": verdict.cause,
        "sentence": verdict.sentence,
        "actions": list(verdict.actions),
    }


def readings_of(evidence: Evidence) -> Readings | None:
    """Those of the test set where there is one, else those of the data given."""
    return evidence.train if evidence.test is None else evidence.test


def loss_of(evidence: Evidence) -> str | None:
    """Whose losses are told: `test` or `data`; None without a loss."""
    if readings_of(evidence) is None:
        return None
    return "data" if evidence.test is None else "test"


def losses_of(evidence: Evidence) -> dict[str, float | None] | None:
    """The loss with each kind of statistics, None without a loss."""
    readings = readings_of(evidence)
    if readings is None:
        return None
    return {name: _loss(getattr(readings, name)) for name in READINGS}


def batch_noise_of(evidence: Evidence) -> dict[str, float | None] | None:
    """R_in by batch size on the data given: the loss in batches less that with the population's
    statistics."""
    readings = evidence.train
    if readings is None:
        return None
    sizes = sorted(readings.batches.items())
    return {str(m): _finite(one.loss - readings.population.loss) for m, one in sizes}


def layers_of(facts: Facts) -> list[dict[str, Any]]:
    """Every norm in the order of use; one that stores nothing has no parts."""
    parts = {one.name: one for one in facts.parts}
    readings = facts.evidence.train
    charged = readings.charged if readings else {}
    return [
        _layer(layer, parts.get(layer.name), charged.get(layer.name))
        for layer in facts.evidence.layers
    ]


def _layer(
    layer: NormLayer, parts: LayerParts | None, charged: Difference | None
) -> dict[str, Any]:
    return {
        "name": layer.name,
        **{name: _part(getattr(parts, name, None)) for name in PARTS},
        "kl_per_unit": None if parts is None else _finite(parts.kl_per_unit),
        "loss": None if charged is None else _finite(charged.loss),
        "units": unit_faults(layer)._asdict(),
    }


def _part(part: Part | None) -> dict[str, Any] | None:
    if part is None:
        return None
    return {"mean": _size(part.mean), "log_variance": _size(part.variance)}


def _size(size: Size) -> dict[str, float | None]:
    return {"rms": _finite(size.value), "low": _finite(size.low), "high": _finite(size.high)}


def _loss(reading: Reading | None) -> float | None:
    return None if reading is None else _finite(reading.loss)


def _finite(value: float) -> float | None:
    return float(value) if isfinite(value) else None


def charged_most(layers: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Layers by what their statistics cost, then by their divergence, the largest first."""

    def size(layer: dict[str, Any]) -> tuple[float, float]:
        return (layer["loss"] or 0.0, layer["kl_per_unit"] or 0.0)

    return sorted(layers, key=size, reverse=True)
