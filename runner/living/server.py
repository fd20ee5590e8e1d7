"""A server of one page for this machine alone: a loopback port, and a key in the address."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

from caviar.runner.errors import RequestError

HOST = "127.0.0.1"
NAMES = (HOST, "localhost")
"""What a browser may call this machine: another name that leads here is somebody else's page."""

STATE = "state.json"


@dataclass
class Served:
    """What the server gives out now: the page, and the data that it asks for."""

    page: bytes = b""
    state: bytes = b"{}"
    token: str = field(default_factory=lambda: secrets.token_urlsafe(24))


@contextmanager
def serving(served: Served, port: int) -> Iterator[str]:
    """Serve in the background; gives the address. Port 0 is any free one.

    Raises RequestError for a port that cannot be had.
    """
    handler = type("Handler", (_Handler,), {"served": served})
    try:
        server = _Server((HOST, port), handler)
    except OSError as error:
        reason = error.strerror or str(error)
        raise RequestError(f"port {port} cannot be had ({reason}); leave out --port") from None
    with server:
        Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield f"http://{HOST}:{server.server_port}/{served.token}/"
        finally:
            server.shutdown()


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A browser that went away in the middle of an answer is no fault."""


class _Handler(BaseHTTPRequestHandler):
    served: Served
    timeout = 10

    def do_GET(self) -> None:
        if not (self._is_local() and self._has_key()):
            return self._answer(HTTPStatus.FORBIDDEN, "text/plain", b"no\n")
        match self.path.split("/")[2:]:
            case [""]:
                self._answer(HTTPStatus.OK, "text/html", self.served.page)
            case [name] if name == STATE:
                self._answer(HTTPStatus.OK, "application/json", self.served.state)
            case _:
                self._answer(HTTPStatus.NOT_FOUND, "text/plain", b"nothing here\n")

    def _is_local(self) -> bool:
        """Whether the page was asked for by this machine's name, not by one that was bent to it."""
        name, _, port = (self.headers.get("Host") or "").partition(":")
        return name in NAMES and port == str(self.connection.getsockname()[1])

    def _has_key(self) -> bool:
        key = self.path.split("/")[1] if self.path.count("/") >= 2 else ""
        return secrets.compare_digest(key.encode("utf-8", "replace"), self.served.token.encode())

    def _answer(self, status: HTTPStatus, kind: str, content: bytes) -> None:
        self.send_response(status)
        for name, value in (
            ("Content-Type", f"{kind}; charset=utf-8"),
            ("Content-Length", str(len(content))),
            ("Cache-Control", "no-store"),
            ("Referrer-Policy", "no-referrer"),
            ("X-Content-Type-Options", "nosniff"),
            ("X-Frame-Options", "DENY"),
            ("Cross-Origin-Resource-Policy", "same-origin"),
        ):
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content)

    def version_string(self) -> str:
        return "caviar"

    def log_message(self, format: str, *arguments: Any) -> None:
        """Nothing is printed for each request."""
