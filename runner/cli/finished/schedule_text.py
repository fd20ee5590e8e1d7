"""The edits of a training as the text of a study: the same edits against none, on fresh seeds."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from caviar.runner.config import TrialConfig
from caviar.runner.errors import RequestError, printable
from caviar.runner.fields.changes import is_ever_read
from caviar.runner.fields.trial import TrialFields
from caviar.runner.limits import HIGHEST_SEED
from caviar.runner.panda.tree import Intervention, Tree
from caviar.runner.study.toml_text import toml_lines, toml_value

FEWEST_SEEDS = 8
"""Enough for an interval."""

UNEDITED, EDITED = "unedited", "edited"


def schedule_text(
    run: str, name: str, dataset: dict[str, Any], tree: Tree, asked: Sequence[Intervention]
) -> str:
    """A study with two arms: the training as it was without edits, and as the current one had them.

    `asked` are the requests that made the tree, `dataset` is the data with whole paths. Raises
    RequestError where the current training has no edit.
    """
    twin, edited = tree.lineages[0].config, tree.now.config
    if edited.changes == twin.changes:
        raise RequestError(
            f"no edit is left in {run!r}: the training that is current has none; make one with "
            f"`caviar panda --resume {run}`, or go back to one with the request `select N`"
        )
    seeds, first = len(edited.seeds), max(edited.seeds) + 1
    first = first if first + seeds <= HIGHEST_SEED else 0
    head = {
        "name": f"{name[:92]}-edited",
        "dataset": dataset,
        "seed": first,
        "replicas": max(FEWEST_SEEDS, seeds),
        "budget": {"steps": edited.steps},
    }
    about = [
        f"# The edits of the run {printable(name)}, by `caviar export --schedule`: an arm with "
        "them and one without.",
        f"# The seeds are new, from {first} on: on {min(edited.seeds)} to {max(edited.seeds)}, "
        "where the edits were made, they may look too good.",
        "# More of them: `caviar run FILE --set replicas=20`. Its report says whether the edits "
        "help.",
    ]
    arms = ["", "[arms]", *_arm(UNEDITED, twin.changes, {})]
    arms += _arm(EDITED, edited.changes, _sources(tree, asked))
    return "\n".join([*about, *toml_lines(head), "", "[fixed]", *_fixed(edited), *arms])


def _fixed(config: TrialConfig) -> list[str]:
    """Every field that the training reads at some time, but for its changes."""
    values = config.model_dump(mode="json")
    fields = {k: values[k] for k in TrialFields.model_fields if is_ever_read(k, vars(config))}
    fields.pop("changes", None)
    if config.convention is not None:  # It brings its own.
        fields.pop("epsilon", None)
    return toml_lines(fields)


def _arm(name: str, changes: Sequence[str], sources: dict[str, str]) -> Iterator[str]:
    """An arm on one line, or with a line and a comment per change."""
    if not sources:
        yield f"{name} = {toml_value({'changes': changes} if changes else {})}"
        return
    yield f"{name}.changes = ["
    for change in changes:
        comment = f"  # {sources[change]}" if change in sources else ""
        yield f"    {toml_value(change)},{comment}"
    yield "]"


def _sources(tree: Tree, asked: Sequence[Intervention]) -> dict[str, str]:
    """Where each change came from: its number, who asked for it, and the note."""
    lineage, chain = tree.now, set[int]()
    while lineage.number:
        chain.add(lineage.number)
        lineage = tree.lineages[lineage.parent]
    sources: dict[str, str] = {}
    for row in asked:
        if row.accepted and row.change and row.child in chain:
            note = f": {row.note}" if row.note else ""
            comment = printable(f"edit {row.child}, {row.asked_by}, {row.wall_time}{note}")
            sources[row.change] = " ".join(comment.split())
    return sources
