"""The server: one page for who has the key, on this machine, asked for by its own name."""

from __future__ import annotations

from collections.abc import Iterator
from http.client import HTTPConnection
from urllib.parse import urlsplit

import pytest

from caviar.runner.errors import RequestError
from caviar.runner.living.server import Served, serving

PAGE, DATA = b"<p>page</p>", b'{"a": 1}'


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    with serving(Served(PAGE, DATA), 0) as address:
        yield address


def asked(
    address: str, path: str | None = None, method: str = "GET", **headers: str
) -> tuple[int, bytes]:
    parts = urlsplit(address)
    connection = HTTPConnection(str(parts.hostname), int(parts.port or 0), timeout=10)
    connection.request(method, parts.path if path is None else path, headers=headers)
    answer = connection.getresponse()
    content = answer.read()
    connection.close()
    return answer.status, content


def test_the_page_and_its_data(address: str) -> None:
    assert asked(address) == (200, PAGE)
    assert asked(address, f"{urlsplit(address).path}state.json") == (200, DATA)
    host = f"localhost:{urlsplit(address).port}"
    assert asked(address, Host=host) == (200, PAGE)


@pytest.mark.parametrize(
    "path", ["/", "", "/state.json", "/wrong/", "/wrong/state.json", "//", "/%C3%A9/"]
)
def test_without_the_key_it_is_refused(address: str, path: str) -> None:
    assert asked(address, path) == (403, b"no\n")


def test_a_part_of_the_key_is_not_enough(address: str) -> None:
    path = urlsplit(address).path
    for almost in (path[:-2] + "/", path.rstrip("/") + "x/", path.rstrip("/")):
        assert asked(address, almost)[0] == 403


@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:{port}", "127.0.0.1", "localhost:1", ""]
)
def test_another_name_that_leads_here_is_refused(address: str, host: str) -> None:
    """A page of another site may point its own name at this machine (DNS rebinding)."""
    assert asked(address, Host=host.format(port=urlsplit(address).port))[0] == 403


@pytest.mark.parametrize("name", ["study.json", "../", "state.json/", "..%2f", "/"])
def test_nothing_else_is_there(address: str, name: str) -> None:
    assert asked(address, urlsplit(address).path + name)[0] == 404


def test_nothing_can_be_sent(address: str) -> None:
    assert asked(address, method="POST")[0] == 501


def test_what_it_answers_is_kept_nowhere_and_framed_nowhere(address: str) -> None:
    parts = urlsplit(address)
    connection = HTTPConnection(str(parts.hostname), int(parts.port or 0), timeout=10)
    connection.request("GET", parts.path)
    headers = dict(connection.getresponse().getheaders())
    connection.close()
    assert headers["Cache-Control"] == "no-store" and headers["X-Frame-Options"] == "DENY"
    assert headers["Referrer-Policy"] == "no-referrer"
    assert headers["X-Content-Type-Options"] == "nosniff" and headers["Server"] == "caviar"


def test_every_server_has_a_key_of_its_own() -> None:
    assert Served().token != Served().token and len(Served().token) >= 32


def test_a_port_in_use_is_one_sentence(address: str) -> None:
    port = urlsplit(address).port
    with (
        pytest.raises(RequestError, match=f"port {port} cannot be had"),
        serving(Served(), port or 0),
    ):
        pass
