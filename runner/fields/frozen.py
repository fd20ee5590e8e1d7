"""What a field of a study file is: its type and bounds, and what a reader must know of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field
from pydantic.fields import FieldInfo

from caviar.runner.limits import MOST_EXAMPLES, MOST_LISTED, MOST_MOMENTS, MOST_STEPS, WIDEST

Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]
NonNegative = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Decay = Annotated[float, Field(ge=0, lt=1)]
Width = Annotated[int, Field(ge=1, le=WIDEST)]
Size = Annotated[int, Field(ge=2, le=MOST_EXAMPLES)]
Fraction = Annotated[float, Field(gt=0, lt=1)]
Count = Annotated[int, Field(ge=1, le=MOST_EXAMPLES)]
Steps = Annotated[int, Field(ge=1, le=MOST_STEPS)]
Moments = Annotated[int, Field(ge=1, le=MOST_MOMENTS)]


class Frozen(BaseModel):
    """A model that is immutable and strict about types, and in which an unknown key is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


def listed(item: Any, most: int = MOST_LISTED) -> Any:
    """A tuple of at most `most` values of type `item`, given as a TOML list."""
    return Annotated[tuple[item, ...], Field(strict=False, max_length=most)]


def setting(
    says: str,
    default: Any = ...,
    *,
    unit: str = "",
    example: Any,
    also: Sequence[str] = (),
    words: Mapping[str, str] | None = None,
    factory: Any = None,
) -> Any:
    """A field with all that its reference says: meaning, default, unit and an example.

    Without a `default` (or the `factory` of one) the field must be given. `unit` may be left out
    of names and switches. `also` are other names that people type for it, `words` other words for
    its values: whoever types one is told the right one.
    """
    extra: dict[str, Any] = {"unit": unit, "also": list(also), "words": dict(words or {})}
    about: Any = {"description": says, "examples": [example], "json_schema_extra": extra}
    if factory is not None:
        return Field(default_factory=factory, **about)
    return Field(default, **about)


def example_of(field: FieldInfo) -> Any:
    """The example of a field that `setting` declared."""
    return (field.examples or [None])[0]


def other_names(field: FieldInfo) -> tuple[str, ...]:
    """The names that people type for a field that `setting` declared."""
    return tuple(_extra(field)["also"])


def other_words(field: FieldInfo) -> dict[str, str]:
    """The right word for each that people type as the value of a field."""
    return dict(_extra(field)["words"])


def _extra(field: FieldInfo) -> dict[str, Any]:
    extra: Any = field.json_schema_extra
    return dict(extra)
