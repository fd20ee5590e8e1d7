"""A write that fails midway: no object is ever incomplete, and the same command carries on."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Iterator
from contextlib import closing
from typing import NamedTuple

import pandas as pd
import pyarrow.parquet as pq
import pytest

from caviar.runner.errors import StorageError
from caviar.runner.store.open import storage_at
from caviar.runner.store.storage import read
from caviar.runner.verify.run import verify_run
from tests.faults.injections import Fault, Rows, rows_that_count
from tests.runner.helpers import TINY, plan_of, same_tables, tables
from tests.runner.stores import Impatient, Proxy, Request, drive, new_run, objects, uri_at

Break = str | int

PUTS = 9
"""The writes of a whole run: writer, study, trials, five tables and outcomes."""


class Local(NamedTuple):
    """What the run holds in a local folder: its tables, and the rows that count."""

    tables: dict[str, pd.DataFrame]
    rows: Rows


@pytest.fixture(scope="module")
def local(tmp_path_factory: pytest.TempPathFactory) -> Local:
    root = tmp_path_factory.mktemp("local") / "run"
    drive(storage_at(root), plan_of(*TINY))
    return Local(tables(root), rows_that_count(root))


@pytest.fixture
def proxy(s3: int) -> Iterator[Proxy]:
    with closing(Proxy(s3)) as s3_proxy:
        yield s3_proxy


def from_put(proxy: Proxy, first: int, how: Break) -> Callable[[Request], Break | None]:
    """The write numbered `first` breaks, and all later ones: the store is gone."""

    def breaks(request: Request) -> Break | None:
        return how if sum(r.puts for r in proxy.requests) > first else None

    return breaks


def only_put(proxy: Proxy, number: int, how: Break) -> Callable[[Request], Break | None]:
    """The write numbered `number` breaks, and no other."""
    left = [number]

    def breaks(request: Request) -> Break | None:
        left[0] -= request.puts
        return how if request.puts and left[0] == -1 else None

    return breaks


def nothing_is_torn(server: int, run: str) -> None:
    """Every visible object has its intended content."""
    for key, content in objects(server, run).items():
        if key.endswith(".json"):
            assert json.loads(content)
        else:
            assert pq.read_table(io.BytesIO(content)).num_rows > 0


def breaks_and_goes_on(
    proxy: Proxy, server: int, local: Local, impatient: Impatient, fault: Fault
) -> None:
    run = new_run()
    plan, uri = plan_of(*TINY), uri_at(proxy.port, run)
    fault.inject()
    carries_on = "the same command carries on once the place"
    with impatient(), pytest.raises(StorageError, match=carries_on) as caught:
        drive(storage_at(uri), plan)
    assert "\n" not in str(caught.value)
    nothing_is_torn(server, run)
    proxy.fault = lambda request: None
    before = rows_that_count(uri)
    with fault.recovering():
        drive(storage_at(uri), plan)
    nothing_is_torn(server, run)
    findings = verify_run(storage_at(uri))
    assert not findings.faults, findings.lines
    same_tables(tables(uri), local.tables)
    fault.ended(before, local.rows, rows_that_count(uri))


SOME = [(1, "cut"), (2, 503), (5, "cut"), (8, "lost")]
ALL = [(put, broken) for put in range(PUTS) for broken in ("cut", "lost", 500, 503)]


@pytest.mark.faults("an object store is gone in the middle of a put")
@pytest.mark.parametrize(
    ("put", "broken"),
    [pytest.param(*case, marks=[] if case in SOME else pytest.mark.exhaustive) for case in ALL],
)
def test_a_place_that_is_gone_in_the_middle_of_a_put(
    put: int, broken: Break, proxy: Proxy, s3: int, local: Local, impatient: Impatient, fault: Fault
) -> None:
    proxy.fault = from_put(proxy, put, broken)
    breaks_and_goes_on(proxy, s3, local, impatient, fault)


@pytest.mark.faults("an object store loses or refuses one put")
@pytest.mark.parametrize(
    ("put", "broken"),
    [(3, "cut"), *(pytest.param(p, f, marks=pytest.mark.slow) for p, f in ((0, 503), (6, "lost")))],
)
def test_one_put_that_fails_is_not_made_up_for(
    put: int, broken: Break, proxy: Proxy, s3: int, local: Local, impatient: Impatient, fault: Fault
) -> None:
    """The store is back at once: a failed object must not be completed afterwards."""
    proxy.fault = only_put(proxy, put, broken)
    breaks_and_goes_on(proxy, s3, local, impatient, fault)


@pytest.mark.faults("an object store fails for a moment at four puts")
def test_a_fault_that_passes_stops_nobody(
    proxy: Proxy, s3: int, local: Local, fault: Fault
) -> None:
    left: dict[str, Break] = {"study.json": "cut", "trials": 503, "noise": "lost", "outcomes": 500}

    def once(request: Request) -> Break | None:
        name = next((n for n in left if request.puts and f"/{n}" in request.key), None)
        return left.pop(name) if name else None

    proxy.fault = once
    uri = uri_at(proxy.port, new_run())
    fault.inject(len(left))
    with fault.recovering():
        drive(storage_at(uri), plan_of(*TINY))
    assert not left
    assert not verify_run(storage_at(uri)).faults
    same_tables(tables(uri), local.tables)
    fault.ended(local.rows, local.rows, rows_that_count(uri))


@pytest.mark.parametrize("broken", ["cut", 503])
@pytest.mark.parametrize("request_number", range(4))
def test_a_large_object_is_whole_or_not_there(
    request_number: int, broken: Break, proxy: Proxy, s3: int, impatient: Impatient
) -> None:
    """An upload in parts: start, two parts, end. One fails, and the store is back at once."""
    run = new_run()
    store = storage_at(uri_at(proxy.port, run))
    store.write("checkpoints/t.npz", b"before")
    with impatient():
        once = storage_at(uri_at(proxy.port, run))
        once.names("checkpoints")  # Whatever a store asks first.
        proxy.requests.clear()
        proxy.fault = lambda request: broken if len(proxy.requests) == request_number + 1 else None
        with pytest.raises(StorageError):
            once.write("checkpoints/t.npz", b"a" * 12_000_000)
    proxy.fault = lambda request: None
    assert objects(s3, run) == {"checkpoints/t.npz": b"before"}
    store.write("checkpoints/t.npz", b"a" * 12_000_000)
    assert read(store, "checkpoints/t.npz") == b"a" * 12_000_000


def test_a_read_that_fails_is_a_sentence(proxy: Proxy, s3: int, impatient: Impatient) -> None:
    uri = uri_at(proxy.port, new_run())
    drive(storage_at(uri), plan_of(*TINY, "draws.count=1"))
    proxy.fault = lambda request: 503 if "/noise/" in request.key else None
    says = r"cannot read noise/part-.* in 's3://.*HTTP status 503"
    with impatient(), pytest.raises(StorageError, match=says):
        verify_run(storage_at(uri))
