"""A put that fails in its middle: nothing torn is ever there, and the same command carries on."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Iterator
from contextlib import closing

import pandas as pd
import pyarrow.parquet as pq
import pytest

from runner.errors import StorageError
from runner.storage import read, storage_at
from runner.verify import verify_run
from tests.runner.helpers import TINY, plan_of, same_tables, tables
from tests.runner.stores import Proxy, Request, drive, new_run, objects, uri_at

Fault = str | int
Tables = dict[str, pd.DataFrame]

PUTS = 9
"""Of a whole run: the writer, the study, the trials, five tables and the outcomes."""


@pytest.fixture(scope="module")
def untouched(tmp_path_factory: pytest.TempPathFactory) -> Tables:
    """The tables of the run in a local folder."""
    root = tmp_path_factory.mktemp("local") / "run"
    drive(storage_at(root), plan_of(*TINY))
    return tables(root)


@pytest.fixture
def proxy(s3: int) -> Iterator[Proxy]:
    with closing(Proxy(s3)) as found:
        yield found


def from_put(proxy: Proxy, first: int, fault: Fault) -> Callable[[Request], Fault | None]:
    """The put numbered `first` breaks, and everything after it: the place is gone."""

    def broken(request: Request) -> Fault | None:
        return fault if sum(r.puts for r in proxy.requests) > first else None

    return broken


def only_put(proxy: Proxy, number: int, fault: Fault) -> Callable[[Request], Fault | None]:
    """The put numbered `number` breaks, and nothing else."""
    left = [number]

    def broken(request: Request) -> Fault | None:
        left[0] -= request.puts
        return fault if request.puts and left[0] == -1 else None

    return broken


def nothing_is_torn(server: int, run: str) -> None:
    """Every object that can be seen is one that was meant."""
    for key, content in objects(server, run).items():
        if key.endswith(".json"):
            assert json.loads(content)
        else:
            assert pq.read_table(io.BytesIO(content)).num_rows > 0


def breaks_and_goes_on(proxy: Proxy, server: int, expected: Tables, run: str) -> None:
    plan, uri = plan_of(*TINY), uri_at(proxy.port, run)
    with pytest.raises(StorageError, match="the same command carries on once the place") as said:
        drive(storage_at(uri), plan)
    assert "\n" not in str(said.value)
    nothing_is_torn(server, run)
    proxy.fault = lambda request: None
    drive(storage_at(uri), plan)
    nothing_is_torn(server, run)
    findings = verify_run(uri)
    assert not findings.faults, findings.lines
    same_tables(tables(uri), expected)


SOME = [(1, "cut"), (2, 503), (5, "cut"), (8, "lost")]
ALL = [(put, fault) for put in range(PUTS) for fault in ("cut", "lost", 500, 503)]


@pytest.mark.parametrize(
    ("put", "fault"),
    [pytest.param(*case, marks=[] if case in SOME else pytest.mark.slow) for case in ALL],
)
def test_a_place_that_is_gone_in_the_middle_of_a_put(
    put: int, fault: Fault, proxy: Proxy, s3: int, untouched: Tables, impatient: None
) -> None:
    proxy.fault = from_put(proxy, put, fault)
    breaks_and_goes_on(proxy, s3, untouched, new_run())


@pytest.mark.parametrize(
    ("put", "fault"),
    [(3, "cut"), *(pytest.param(p, f, marks=pytest.mark.slow) for p, f in ((0, 503), (6, "lost")))],
)
def test_one_put_that_fails_is_not_made_up_for(
    put: int, fault: Fault, proxy: Proxy, s3: int, untouched: Tables, impatient: None
) -> None:
    """The place is there again at once: what failed must not be put together afterwards."""
    proxy.fault = only_put(proxy, put, fault)
    breaks_and_goes_on(proxy, s3, untouched, new_run())


def test_a_fault_that_passes_stops_nobody(proxy: Proxy, s3: int, untouched: Tables) -> None:
    broken = {"study.json": "cut", "trials": 503, "noise": "lost", "outcomes": 500}

    def once(request: Request) -> Fault | None:
        name = next((n for n in broken if request.puts and f"/{n}" in request.key), None)
        return broken.pop(name) if name else None

    proxy.fault = once
    uri = uri_at(proxy.port, new_run())
    drive(storage_at(uri), plan_of(*TINY))
    assert not broken
    assert not verify_run(uri).faults
    same_tables(tables(uri), untouched)


@pytest.mark.parametrize("fault", ["cut", 503])
@pytest.mark.parametrize("request_number", range(4))
def test_a_large_object_is_whole_or_not_there(
    request_number: int, fault: Fault, proxy: Proxy, s3: int, impatient: None
) -> None:
    """One in parts: begun, two parts, ended. Of those one fails, and the place is back at once."""
    run = new_run()
    store = storage_at(uri_at(proxy.port, run))
    store.write("checkpoints/t.npz", b"before")
    proxy.requests.clear()
    proxy.fault = lambda request: fault if len(proxy.requests) == request_number + 1 else None
    with pytest.raises(StorageError):
        store.write("checkpoints/t.npz", b"a" * 12_000_000)
    proxy.fault = lambda request: None
    assert objects(s3, run) == {"checkpoints/t.npz": b"before"}
    store.write("checkpoints/t.npz", b"a" * 12_000_000)
    assert read(store, "checkpoints/t.npz") == b"a" * 12_000_000


def test_a_read_that_fails_is_a_sentence(proxy: Proxy, s3: int, impatient: None) -> None:
    uri = uri_at(proxy.port, new_run())
    drive(storage_at(uri), plan_of(*TINY, "draws.count=1"))
    proxy.fault = lambda request: 503 if "/noise/" in request.key else None
    with pytest.raises(StorageError, match=r"cannot read noise/part-.* in 's3://.*HTTP status 503"):
        verify_run(uri)
