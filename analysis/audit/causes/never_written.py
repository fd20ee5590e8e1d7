"""Statistics as they began: never updated, or frozen while the weights learned with them."""

from __future__ import annotations

from caviar.analysis.audit.causes.cause import RECOMPUTE, Cause, Told
from caviar.analysis.audit.causes.words import cost_in_words, names_in_words
from caviar.analysis.audit.costs import Worth, matters, minus, negative
from caviar.analysis.audit.evidence import Readings
from caviar.analysis.audit.facts import LARGE_KL, Facts
from caviar.analysis.audit.start_weight import at_start
from caviar.analysis.number_format import number

LEARNED_WITH = Worth(0.02, 0.05)
"""How much better the stored statistics must be for weights that learned with them."""


def _at_start(facts: Facts) -> list[str]:
    """Layers whose statistics are as they began, and should not be."""
    return [
        layer.name
        for layer, one in zip(facts.layers, facts.parts, strict=True)
        if layer.stored is not None and at_start(layer.stored) and one.kl_per_unit > LARGE_KL / 10
    ]


def _never_updated(facts: Facts) -> Told | None:
    names = _at_start(facts)
    if not names or not facts.costs():
        return None
    which = "all" if len(names) == len(facts.layers) else f"{len(names)} of {len(facts.layers)}"
    counts = {layer.updates for layer in facts.layers if layer.name in names}
    counted = "" if counts != {0} else " and num_batches_tracked is 0"
    return Told(
        f"The statistics of {which} norms ({names_in_words(names)}) are exactly 0 and 1, as they "
        f"began{counted}: they were never written for these weights; {cost_in_words(facts)}.",
        (
            RECOMPUTE,
            "Copy buffers with the weights (`state_dict`, not `parameters()`) when weights are "
            "averaged, exported or loaded; after SWA or EMA call `update_bn`.",
        ),
    )


NEVER_UPDATED = Cause(
    "never-updated", _never_updated, frozenset({"start", "sampling", "lag", "poisoned-batch"})
)


def _better_than_recomputed(readings: Readings | None) -> bool:
    """Whether the stored statistics give a lower loss than the population's, and than batches'."""
    if readings is None or readings.stored is None:
        return False
    gain = readings.stored_minus_population
    if gain is None:
        return False
    than_batches = minus(readings.batch_minus_population, gain)
    return matters(negative(gain), readings.stored, LEARNED_WITH) and matters(
        than_batches, readings.stored, LEARNED_WITH
    )


def _frozen(facts: Facts) -> Told | None:
    given = facts.evidence.train
    # Dropout and small batches make gains, too; what is stored is then what batches leave.
    if facts.largest_kl < LARGE_KL or max(facts.excess / 2, 2 * facts.weight) < 1:
        return None
    if facts.still_starting or facts.untrained or not _better_than_recomputed(given):
        return None
    assert given is not None and given.stored is not None
    return Told(
        "The norms were frozen in training: their statistics are not those of their inputs, but "
        f"the weights learned with them; the loss is {number(given.stored.loss)} with them, "
        f"{number(given.population.loss)} with the population's and {number(given.batch.loss)} "
        "with those of batches.",
        (
            "Do not recompute the statistics.",
            "Keep these norms in eval mode (`module.eval()` after every `model.train()`) in "
            "further training, or train the weights on with updated statistics from the start.",
        ),
    )


FROZEN = Cause(
    "frozen",
    _frozen,
    frozenset({"start", "never-updated", "sampling", "lag", "poisoned-batch", "small-batch"}),
)
