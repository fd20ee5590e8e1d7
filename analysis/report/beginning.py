"""What a page begins with where its study asks more than the two questions of the project."""

from __future__ import annotations

from typing import NamedTuple

from caviar.analysis.findings.best import sentences as best_told
from caviar.analysis.findings.field_importance import told
from caviar.analysis.findings.finding import Results
from caviar.analysis.interventions.schedules import effects_of_schedules, told_of_schedules

SEARCHED = ("field_importance", "best")
ARMS = ("arm_effects",)


class Beginning(NamedTuple):
    """A title, sentences, and the names of the findings shown with them; empty without any."""

    title: str = ""
    says: tuple[str, ...] = ()
    names: tuple[str, ...] = ()


def beginning(results: Results) -> Beginning:
    """Of a random search its ranking, of a study with arms what each changes, edits first."""
    begins = Beginning()
    if len(results["arm_effects"]):
        edits = " ".join(told_of_schedules(effects_of_schedules(results.run)))
        says = tuple(filter(None, (edits, *results.sentences("mechanism_shares"))))
        begins = Beginning("What the arms say", says, ARMS)
    if len(results["field_importance"]):
        ranked = (*best_told(results.run, results["best"]), *told(results))
        begins = Beginning("What the search says", ranked + begins.says, SEARCHED + begins.names)
    return begins
