"""The verdict: one cause, or none, with its evidence and what to do."""

from __future__ import annotations

from dataclasses import dataclass

from caviar.analysis.audit.causes.cause import CauseName
from caviar.analysis.audit.causes.registry import CAUSES
from caviar.analysis.audit.causes.words import cost_in_words
from caviar.analysis.audit.evidence import Evidence
from caviar.analysis.audit.facts import LARGE_KL, Facts, facts_of
from caviar.analysis.number_format import number


@dataclass(frozen=True)
class Verdict:
    """One cause in a sentence with its evidence, actions in PyTorch's words, and a second one."""

    cause: CauseName
    sentence: str
    actions: tuple[str, ...]
    also: Verdict | None = None


def verdict_of(evidence: Evidence) -> Verdict:
    """The verdict on what was measured."""
    return judged(facts_of(evidence))


def judged(facts: Facts) -> Verdict:
    """The verdict on the facts: the first cause that they show, and the next that it leaves."""
    first: Verdict | None = None
    explained: frozenset[CauseName] = frozenset()
    for cause in CAUSES:
        if cause.name in explained or (told := cause.told(facts)) is None:
            continue
        if first is not None:
            also = Verdict(cause.name, *told)
            return Verdict(first.cause, first.sentence, first.actions, also)
        first, explained = Verdict(cause.name, *told), cause.explains
    return first or _healthy(facts)


def _healthy(facts: Facts) -> Verdict:
    if not facts.layers:
        sentence = (
            "No norm stores statistics: each always uses those of the batch, so the output of an "
            "example depends on the others in its batch."
        )
        return Verdict("healthy", sentence, ())
    fit = (
        "the statistics fit the weights"
        if facts.largest_kl < LARGE_KL
        else f"the statistics differ from the data's (by {number(facts.largest_kl)} nats per unit "
        f"where most), but {'cost too little to act on' if facts.cost > 0 else 'do no harm'}"
    )
    sentence = f"Nothing calls for a change: {fit}; {cost_in_words(facts)}."
    if facts.untrained:
        assert facts.guess is not None
        sentence += (
            f" Guessing classes by their frequency gives {number(facts.guess)}, so the model is at "
            "best slightly better than a guess: were trained weights loaded?"
        )
    return Verdict("healthy", sentence, ())
