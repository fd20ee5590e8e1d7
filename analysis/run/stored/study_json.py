"""`study.json`: what a run is about, with the tables that are read from it."""

from __future__ import annotations

import json
from typing import Any

from caviar.analysis.run.stored.location import DamagedError, Place, content


def study_in(place: Place) -> dict[str, Any]:
    """The content of `study.json`; raises DamagedError where it does not describe a study."""
    try:
        study: dict[str, Any] = json.loads(content(place, "study.json").decode("utf-8"))
        described = all(
            isinstance(study["study"][table], dict) for table in ("scientific", "nuisance")
        )
        named = all(_names_an_arm(row) for row in study.get("mechanisms", ()))
        if described and named and all(map(_names_values, study.get("not_trained_with", ()))):
            return study
        reason = "it does not describe a study"
    except (ValueError, RecursionError, TypeError, KeyError) as error:
        reason = f"{type(error).__name__}: {error}"
    raise DamagedError(f"study.json in {str(place.shown)!r} is damaged: {reason}")


def _names_an_arm(row: Any) -> bool:
    """Whether a row says of one mechanism which arm shows it, and against what."""
    keys = {"mechanism", "arm", "contrast"}
    return (
        isinstance(row, dict)
        and row.keys() == keys
        and all(isinstance(v, str) for v in row.values())
    )


def _names_values(row: Any) -> bool:
    """Whether a row says of one field with which values of another training does not read it."""
    if not isinstance(row, dict) or row.keys() != {"field", "decided_by", "values"}:
        return False
    words = (row["field"], row["decided_by"], *row["values"])
    return isinstance(row["values"], list) and all(isinstance(word, str) for word in words)
