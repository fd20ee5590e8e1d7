from __future__ import annotations

from pathlib import Path

import pytest

from caviar.runner.errors import RequestError
from caviar.runner.session.shards.part import part_of
from caviar.runner.session.shards.place import place_of
from tests.runner.helpers import TINY, plan_of
from tests.runner.stores import uri_at


def test_a_shard_lies_below_its_run(one: Path, tmp_path: Path, s3: int) -> None:
    plan = plan_of(*TINY)
    part = part_of(plan, "3/4")
    assert place_of(plan, "runs/x") == "runs/x"
    assert place_of(part, f"{tmp_path}/x/") == f"{tmp_path}/x/shards/03-of-04"
    place, _, parameters = uri_at(s3, "empty").partition("?")
    assert place_of(part, f"{place}?{parameters}") == f"{place}/shards/03-of-04?{parameters}"
    with pytest.raises(RequestError, match="is a whole run already; leave --shard out"):
        place_of(part, str(one))
