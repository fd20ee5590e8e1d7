"""Statistics that are no numbers, and layers whose inputs do not vary."""

from __future__ import annotations

from caviar.analysis.audit.causes.cause import RECOMPUTE, Cause, Told
from caviar.analysis.audit.causes.words import names_in_words, norms_in_words
from caviar.analysis.audit.facts import Facts
from caviar.analysis.audit.units import unit_faults


def _told(facts: Facts) -> Told | None:
    units = {layer.name: unit_faults(layer) for layer in facts.evidence.layers}
    lost = [name for name, one in units.items() if one.inputs_not_finite]
    if lost:
        return Told(
            f"The inputs of {norms_in_words(lost)} are NaN or infinite at these weights, so no "
            "statistics can be right.",
            ("Look for NaN in the weights and the data; go back to an earlier checkpoint.",),
        )
    impossible = [name for name, one in units.items() if one.stored_impossible]
    if impossible:
        count = sum(one.stored_impossible for one in units.values())
        return Told(
            f"{count} stored statistic{'s' * (count > 1)} of {norms_in_words(impossible)} "
            f"{'are' if count > 1 else 'is'} NaN, infinite, negative or a variance of zero for "
            "inputs that vary.",
            (
                RECOMPUTE,
                "A running average never forgets a NaN: look for the batch or the conversion that "
                "wrote it.",
            ),
        )
    dead = [name for name, one in units.items() if one.dead > one.units / 2]
    if dead:
        shares = [f"{units[name].dead} of {units[name].units}" for name in dead]
        return Told(
            f"Most units of {norms_in_words(dead)} are dead: their inputs do not vary "
            f"({names_in_words(shares)}).",
            (
                "Look at the layer before: pruned or zero weights, or a ReLU that is always off; "
                "statistics are not what is wrong.",
            ),
        )
    return None


BROKEN = Cause("broken", _told, frozenset({"sampling", "lag", "start", "poisoned-batch"}))
