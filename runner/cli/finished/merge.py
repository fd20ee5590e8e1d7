"""`caviar merge`: the shards of a study become one run."""

from __future__ import annotations

import time
from typing import Annotated

import typer

from caviar.runner.cli.checks import storage_of
from caviar.runner.cli.options import OtherProcessor, RunPlace
from caviar.runner.cli.terminal import say
from caviar.runner.errors import RequestError
from caviar.runner.store.uri import masked

Shards = Annotated[
    list[str] | None,
    typer.Argument(metavar="[SHARD]...", help="Where the shards lie; default: RUN/shards."),
]


def merge(
    run: RunPlace, shards: Shards = None, accept_other_processor: OtherProcessor = False
) -> None:
    """Join shards of `caviar run --shard 3/16` into the run that one machine would have made."""
    from caviar.runner.session.pace import PACE
    from caviar.runner.session.shards.merge import merge as join
    from caviar.runner.session.shards.merge import shards_below
    from caviar.runner.session.shards.shard import shards_in
    from caviar.runner.store.compact import compact
    from caviar.runner.verify.state import state_of, summary

    target = storage_of(run)
    if target.is_held(time.time()):
        raise RequestError(f"another caviar is writing to {masked(run)!r} now; wait for it")
    places = [storage_of(place) for place in shards or shards_below(target, run)]
    whole = shards_in(places, any_kernel=accept_other_processor)
    with target.hold():
        written = join(target, whole)
        compact(target, most=PACE.most_parts)
    say(f"{'joined' if written else 'already joined:'} {len(whole)} shards")
    say(summary(state_of(target, time.time())))
    say(f"rows: {masked(run)}\nnext: caviar report {masked(run)}")
