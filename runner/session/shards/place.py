"""Where a shard is run: below the run that it becomes a part of."""

from __future__ import annotations

from caviar.runner.errors import RequestError
from caviar.runner.session.run_folder import STUDY
from caviar.runner.session.shards.part import SHARDS
from caviar.runner.store.open import storage_at
from caviar.runner.store.uri import joined, masked
from caviar.runner.study.plan import Plan


def place_of(plan: Plan, root: str) -> str:
    """The folder or URI of a plan's run in `root`, which is that of the whole run; raises
    RequestError for a shard where the whole run is already."""
    if plan.part is None:
        return root
    if STUDY in storage_at(root).names(""):
        raise RequestError(
            f"{masked(root)!r} is a whole run already; leave --shard out to go on with it, or use "
            "another --out"
        )
    return joined(root, f"{SHARDS}/{plan.part.number:02d}-of-{plan.part.of:02d}")
