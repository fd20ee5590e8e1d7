"""OpenML through scikit-learn's own loader, against a server on this machine."""

from __future__ import annotations

import hashlib
import json
import urllib.error
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any, NoReturn

import numpy as np
import pytest
from sklearn.datasets import _openml

from caviar.runner.data.sources import load_data
from caviar.runner.data.splits import Data
from caviar.runner.errors import RequestError
from caviar.runner.fields.dataset import DatasetConfig

PREFIXES = ("_SEARCH_NAME", "_DATA_INFO", "_DATA_FEATURES", "_DATA_QUALITIES")
OFFICIAL = "https://www.openml.org"

NUMERIC = """@relation eggs
@attribute pixel1 numeric
@attribute pixel2 numeric
@attribute class {ant,bee}
@data
""" + "".join(f"{i},{i * 0.5},{'ant' if i % 3 else 'bee'}\n" for i in range(40))


def feature(index: int, name: str, kind: str, **more: str) -> dict[str, Any]:
    fields = {"index": str(index), "name": name, "data_type": kind, "number_of_missing_values": "0"}
    return {
        **fields,
        "is_target": "false",
        "is_ignore": "false",
        "is_row_identifier": "false",
        **more,
    }


class Library:
    """What the server answers: the four questions of the API and the file, for one data set."""

    def __init__(self, address: str) -> None:
        self.asked: list[str] = []
        self.arff = NUMERIC
        self.features = [
            feature(0, "pixel1", "numeric"),
            feature(1, "pixel2", "numeric"),
            feature(2, "class", "nominal", is_target="true"),
        ]
        self.address = address

    def answer(self, path: str) -> bytes | None:
        self.asked.append(path)
        if path == "/data/v1/download/7/eggs.arff":
            return self.arff.encode()
        content = {
            "/api/v1/json/data/list/data_name/eggs/limit/2/status/active/": self._search(),
            "/api/v1/json/data/61": {"data_set_description": self._description()},
            "/api/v1/json/data/features/61": {"data_features": {"feature": self.features}},
            "/api/v1/json/data/qualities/61": {
                "data_qualities": {"quality": [{"name": "NumberOfInstances", "value": "40"}]}
            },
        }.get(path)
        return None if content is None else json.dumps(content).encode()

    def _search(self) -> dict[str, Any]:
        one = {"did": 61, "name": "eggs", "version": 1, "status": "active", "format": "ARFF"}
        return {"data": {"dataset": [one]}}

    def _description(self) -> dict[str, str]:
        return {
            **{"id": "61", "name": "eggs", "version": "1", "status": "active", "format": "ARFF"},
            "description": "eggs, counted",
            "url": f"{self.address}/data/v1/download/7/eggs.arff",
            "md5_checksum": hashlib.md5(self.arff.encode()).hexdigest(),
        }


@pytest.fixture
def server() -> Iterator[ThreadingHTTPServer]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            content = shelf.answer(self.path)
            self.send_response(412 if content is None else 200)
            body = (
                b'{"error": {"code": "372", "message": "No results"}}' if not content else content
            )
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None: ...

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as running:
        shelf = Library(f"http://127.0.0.1:{running.server_port}")
        running.shelf = shelf  # type: ignore[attr-defined]
        thread = Thread(target=running.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield running
        running.shutdown()
        thread.join()


@pytest.fixture
def library(
    server: ThreadingHTTPServer, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> Library:
    shelf: Library = server.shelf  # type: ignore[attr-defined]
    for name in PREFIXES:
        official = getattr(_openml, name)
        assert official.startswith(OFFICIAL)
        monkeypatch.setattr(_openml, name, official.replace(OFFICIAL, shelf.address))
    monkeypatch.setenv("SCIKIT_LEARN_DATA", str(tmp_path / "cache"))
    return shelf


def eggs() -> Data:
    return load_data(DatasetConfig(name="openml:eggs"))


def refusal(name: str = "openml:eggs") -> str:
    with pytest.raises(RequestError) as caught:
        load_data(DatasetConfig(name=name))
    return str(caught.value)


def test_a_set_is_fetched(library: Library) -> None:
    data = eggs()
    np.testing.assert_array_equal(data.features, [[i, i * 0.5] for i in range(40)])
    assert data.classes == ("ant", "bee")
    assert data.labels.tolist() == [0 if i % 3 else 1 for i in range(40)]
    assert data.pixels


def test_features_that_are_no_pixels_have_units_of_their_own(library: Library) -> None:
    library.arff = NUMERIC.replace("pixel1", "height")
    library.features[0]["name"] = "height"
    assert not eggs().pixels


def test_a_set_that_was_fetched_is_there_without_a_network(
    library: Library, server: ThreadingHTTPServer
) -> None:
    first = eggs()
    server.shutdown()
    server.server_close()
    asked = len(library.asked)
    again = eggs()
    assert again.fingerprint == first.fingerprint and len(library.asked) == asked


def test_a_set_that_openml_does_not_know_is_named(library: Library) -> None:
    assert "openml:spam: No active dataset spam found" in refusal("openml:spam")


def test_a_file_that_is_not_the_promised_one_is_refused(
    library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    promised = library._description()
    monkeypatch.setattr(library, "_description", lambda: promised)
    library.arff = NUMERIC.replace("0.5", "0.25")
    assert "md5 checksum" in refusal()


def test_a_set_without_a_target_is_refused(library: Library) -> None:
    library.features[2]["is_target"] = "false"
    assert "names no target column" in refusal()


def test_a_sparse_set_is_refused(library: Library, monkeypatch: pytest.MonkeyPatch) -> None:
    head, _, _ = NUMERIC.partition("@data\n")
    rows = "".join(f"{{0 {i + 1}, 2 {'ant' if i % 3 else 'bee'}}}\n" for i in range(40))
    library.arff = f"{head}@data\n{rows}"
    described = {**library._description(), "format": "Sparse_ARFF"}
    monkeypatch.setattr(library, "_description", lambda: described)
    assert "openml:eggs" in refusal()


def test_a_nominal_feature_is_refused_as_in_a_file(library: Library) -> None:
    head, _, _ = NUMERIC.partition("@data\n")
    rows = "".join(f"{'pq'[i % 2]},{i},{'ant' if i % 3 else 'bee'}\n" for i in range(40))
    library.arff = head.replace("pixel1 numeric", "pixel1 {p,q}") + "@data\n" + rows
    library.features[0]["data_type"] = "nominal"
    assert "openml:eggs: not numeric: pixel1" in refusal()


def test_without_a_network_the_way_out_is_named(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def offline(*args: object, **kwargs: object) -> NoReturn:
        raise urllib.error.URLError("no route to host")

    monkeypatch.setattr(_openml, "urlopen", offline)
    monkeypatch.setenv("SCIKIT_LEARN_DATA", str(tmp_path))
    message = refusal("openml:mnist_784")
    for words in ("openml:mnist_784: OpenML could not be reached", "no route to host"):
        assert words in message
    for words in (
        "run once with a network",
        "copy the cache folder",
        "{ path = ..., label = ... }",
    ):
        assert words in message
