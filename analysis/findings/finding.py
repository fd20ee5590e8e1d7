"""A finding, what it says about a run, and the results of a run: its findings on demand."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from functools import cached_property
from typing import Literal, NamedTuple

import pandas as pd
from matplotlib.figure import Figure

from caviar.analysis.notebook import block
from caviar.analysis.run.comparison import Comparison, comparison_of
from caviar.analysis.run.design import Design
from caviar.analysis.run.draws import PAIRED_BY
from caviar.analysis.run.read import Run
from caviar.analysis.run.small_strings import small_strings


class Column(NamedTuple):
    """A column of a table: its name, the unit of its values, and what they are in a sentence.

    `between` says which values it can have, where the unit does not.
    """

    name: str
    unit: str
    says: str
    between: str = ""

    @property
    def range(self) -> str:
        """Which values the column can have."""
        return self.between or RANGES.get(self.unit, "")


RANGES = {
    "text": "any text",
    "true or false": "true or false",
    "count": "0 or more",
    "examples": "1 or more",
    "updates": "0 or more",
    "seconds": "0 or more",
    "share": "0 to 1",
    "probability": "0 to 1",
    "population variance": "0 or more",
    "ratio": "0 or more",
    "nats": "any number",
    "nats; test_accuracy: share": "any number; for test_accuracy -1 to 1",
    "nats; test_accuracy: share; per doubling": "any number",
    "strength": "0 or more",
    "strength; differences: nats": "0 or more; for differences any number",
    "share; test_difference: nats": "0 to 1; for test_difference any number",
    "deviations; variance: log ratio": "any number",
    "deviations; variance_error and variance_bias: log ratio": "any number",
    "exponent": "any number",
    "see unit": "any number",
    "that of the field": "those of the field",
}
"""The values that a column of this unit can have."""


Part = Literal["theory", "regularisation", "test time", "run"]
"""The parts of the page in their order; the second and third answer the two questions."""


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One table of a run, and everything that is said about it.

    `compute` makes the table from the comparison or from other tables. `columns` declares every
    column that it can have, in order; `fields` says which config fields of the study follow, if
    any. A finding with a `title` is a section of the page that begins with `says`; `more` is
    folded, with the table; `draw` makes its figure, with `caption` and `alt`. Where `opened`, the
    table is shown without a click. `sentences` are its lines in the answer to its question,
    `headline` is the answer in one sentence; either may be empty where there is nothing to say.
    """

    name: str
    part: Part
    compute: Callable[[Results], pd.DataFrame]
    columns: tuple[Column, ...]
    fields: str = ""
    title: str = ""
    says: str = ""
    more: str = ""
    caption: str = ""
    alt: str = ""
    draw: Callable[[Results], Figure] | None = None
    opened: bool = False
    sentences: Callable[[Results], list[str]] = lambda results: []
    headline: Callable[[Results], str] = lambda results: ""


def nothing(results: Results) -> Sequence[str]:
    """No sentence."""
    return ()


@dataclass(frozen=True, eq=False, repr=False)
class Results:
    """The findings of a comparison, by name: a table is computed when asked for, and kept.

    Where the study names arms, tables are those of the first; `arm_effects` covers all of them.
    `beside` are other runs that `designs`, `specifications` and `across_data_sets` compare with
    this one. `says` gives the sentences that a notebook shows above the tables.

    >>> results = caviar.results(caviar.read_run("runs/quickstart"))
    >>> "effect_of_size" in results, results.run.name
    (True, 'quickstart')
    """

    comparison: Comparison
    beside: tuple[Run, ...]
    findings: Mapping[str, Finding]
    says: Callable[[Results], Sequence[str]] = nothing
    _kept: dict[str, pd.DataFrame] = field(default_factory=dict, init=False)
    _read: dict[tuple[str, str], pd.DataFrame] = field(default_factory=dict, init=False)
    _headlines: dict[str, str] = field(default_factory=dict, init=False)
    _sentences: dict[str, list[str]] = field(default_factory=dict, init=False)

    def __repr__(self) -> str:
        names = ", ".join(self)
        return f"<Results of {self.run.name}: {self.run.ended}; tables {names}>"

    def _repr_html_(self) -> str:
        rows = [(name, f"{len(self[name]):,}", ", ".join(self[name].columns)) for name in self]
        return block(
            f"Results of {self.run.name}",
            [self.run.ended, *filter(None, self.says(self))],
            [("table", "rows", "columns"), *rows],
        )

    def __getitem__(self, name: str) -> pd.DataFrame:
        """A table under every reading; raises KeyError for a name that no finding has."""
        if name not in self._kept:
            with small_strings():
                self._kept[name] = self._finding(name).compute(self)
        return self._kept[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self.findings)

    def __contains__(self, name: object) -> bool:
        return name in self.findings

    def __len__(self) -> int:
        return len(self.findings)

    def reading(self, name: str, reading: str | None = None) -> pd.DataFrame:
        """The rows of a table under one reading; all rows where it has no readings.

        Without a `reading`, the one that the answer is read at (`Comparison.told`): each size at
        the draw that it chose, averaged over draws only where nothing can be chosen. Raises
        KeyError for a reading that no run has.
        """
        table = self[name]
        if "reading" not in table:
            return table
        reading = self.comparison.told if reading is None else reading
        if reading not in PAIRED_BY:
            known = ", ".join(map(repr, PAIRED_BY))
            raise KeyError(f"there is no reading {reading!r}; readings are {known}")
        if (name, reading) not in self._read:
            self._read[name, reading] = table[table["reading"] == reading]
        return self._read[name, reading]

    def headline(self, name: str) -> str:
        """The headline of a finding, kept: terminal and page ask for it one after the other."""
        if name not in self._headlines:
            with small_strings():
                self._headlines[name] = self._finding(name).headline(self)
        return self._headlines[name]

    def sentences(self, name: str) -> list[str]:
        """What else a finding says about the run, kept in the same way."""
        if name not in self._sentences:
            with small_strings():
                self._sentences[name] = self._finding(name).sentences(self)
        return self._sentences[name]

    def tables(self) -> dict[str, pd.DataFrame]:
        """Every table by name; raises ValueError where the other runs cannot be compared."""
        return {name: self[name] for name in self}

    @cached_property
    def comparisons(self) -> tuple[Comparison, ...]:
        """This comparison, then those of the runs beside it that compare something."""
        others = map(comparison_of, self.beside)
        return (self.comparison, *(one for one in others if isinstance(one, Comparison)))

    @property
    def run(self) -> Run:
        """The run as it was read, with all its arms and steps."""
        return self.comparison.whole

    @property
    def design(self) -> Design:
        """What the run compares, of its first arm."""
        return self.comparison.design

    def _finding(self, name: str) -> Finding:
        if name in self.findings:
            return self.findings[name]
        (nearest, *_) = get_close_matches(name, self.findings, n=1, cutoff=0.0)
        raise KeyError(
            f"there is no table {name!r}; the nearest is {nearest!r}; "
            f"all tables: {', '.join(self.findings)}"
        )
