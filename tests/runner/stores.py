"""An S3 server in this process, and a proxy in front of it that injects faults."""

from __future__ import annotations

import logging
import re
import secrets
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from pathlib import Path
from typing import BinaryIO, NamedTuple

from moto.moto_server.werkzeug_app import MotoRequestHandler, create_backend_app
from pyarrow import fs
from werkzeug.serving import make_server

from caviar.runner.executors.inline import InlineExecutor
from caviar.runner.session.loop import run_study
from caviar.runner.session.run_folder import open_run, remaining, unplanned
from caviar.runner.store.checkpoints import forget_ended
from caviar.runner.store.object_store import ObjectStore
from caviar.runner.store.sink import ParquetSink
from caviar.runner.store.storage import Storage
from caviar.runner.study.plan import Plan
from tests.runner.helpers import nothing

KEYS = {
    "AWS_ACCESS_KEY_ID": "AKIA-TEST",
    "AWS_SECRET_ACCESS_KEY": "test-secret",
    "AWS_EC2_METADATA_DISABLED": "true",
}
BUCKET = "eggs"

Impatient = Callable[[], AbstractContextManager[None]]
"""Stores that are opened while it lasts try every request once (`tests/conftest.py`)."""


@contextmanager
def s3_server() -> Iterator[int]:
    """The port of moto's server on loopback, with a bucket in it.

    It serves S3 alone: moto's own start looks through 175 services at every request.
    """
    logging.getLogger("werkzeug").setLevel(logging.CRITICAL)
    app = create_backend_app("s3")
    server = make_server("127.0.0.1", 0, app, threaded=True, request_handler=MotoRequestHandler)
    serving = threading.Thread(target=server.serve_forever, daemon=True)
    serving.start()
    make_bucket(server.port, BUCKET)
    try:
        yield server.port
    finally:
        server.shutdown()
        serving.join()
        server.server_close()


def make_bucket(port: int, name: str) -> None:
    uri = f"{uri_at(port, name)}&allow_bucket_creation=true"
    fs.FileSystem.from_uri(uri)[0].create_dir(name)


def uri_at(port: int, path: str) -> str:
    return f"s3://{path}?endpoint_override=127.0.0.1:{port}&scheme=http&region=us-east-1"


def new_run() -> str:
    """A path in the bucket that no other test uses."""
    return f"{BUCKET}/{secrets.token_hex(6)}"


def objects(port: int, path: str) -> dict[str, bytes]:
    """Every object under a path with its content, read past the proxy."""
    system, root = fs.FileSystem.from_uri(uri_at(port, path))
    entries = system.get_file_info(fs.FileSelector(root, recursive=True, allow_not_found=True))
    files = [info.path for info in entries if info.type == fs.FileType.File]
    return {p.removeprefix(f"{root}/"): system.open_input_file(p).read() for p in files}


def renamed(root: Path) -> ObjectStore:
    """A store whose objects do not appear atomically, so that they are renamed into place."""
    system = fs.SubTreeFileSystem(str(root), fs.LocalFileSystem())
    return ObjectStore(system, "run", "mounted://run")


def drive(place: Storage, plan: Plan, seconds: float = 10.0) -> None:
    """Carry out a plan as the program does."""
    with place.hold():
        open_run(place, plan, "test")
        forget_ended(place)
        sink = ParquetSink(place, max_seconds=seconds)
        sink.plan(unplanned(place, plan))
        run_study(remaining(place, plan), InlineExecutor(plan.data), sink, nothing)
        sink.close()


class Request(NamedTuple):
    method: str
    key: str

    @property
    def puts(self) -> bool:
        """Whether a request writes an object of a run, or a part of one."""
        return self.method == "PUT" and not self.key.endswith("/")


class Proxy:
    """Passes requests on to a server, unless `fault` says otherwise.

    `cut`: half of the body is passed on, then both connections drop. `lost`: the request is
    carried out, its answer dropped. `silent`: nothing is answered. A number: that is the answer.
    `late`: the whole request is received, and carried out only once `arrive` is set, whether or
    not anybody waits for the answer.
    """

    def __init__(self, server: int) -> None:
        self.requests: list[Request] = []
        self.fault: Callable[[Request], str | int | None] = lambda request: None
        self.received, self.arrive = threading.Event(), threading.Event()
        self._server = server
        self._lock = threading.Lock()
        self._silence = threading.Event()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        self._silence.set()
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        with client, client.makefile("rb") as sent, suppress(OSError, ValueError):
            while self._one(client, sent):
                pass

    def _one(self, client: socket.socket, sent: BinaryIO) -> bool:
        """Serve a request; returns whether the connection stays open."""
        head = _head(sent)
        if not head:
            return False
        method, path, _ = head.split(b"\r\n")[0].decode().split(" ")
        request = Request(method, path.partition("?")[0])
        with self._lock:
            self.requests.append(request)
            fault = self.fault(request)
        if fault == "silent":
            self._silence.wait()
            return False
        if re.search(rb"(?i)\r\nexpect: 100", head):
            client.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
            head = re.sub(rb"(?i)\r\nexpect: [^\r]*", b"", head)
        body = _body(sent, head)
        if fault == "late":
            self.received.set()
            self.arrive.wait()
        if isinstance(fault, int):
            answer = f"HTTP/1.1 {fault} Broken\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
            client.sendall(answer.encode())
            return False
        with socket.create_connection(("127.0.0.1", self._server)) as server:
            server.sendall(head[:-2] + b"Connection: close\r\n\r\n")
            if fault == "cut":
                server.sendall(body[: len(body) // 2])
                return False
            server.sendall(body)
            while content := server.recv(2**16):
                if fault != "lost":
                    client.sendall(content)
        return False


def _head(sent: BinaryIO) -> bytes:
    head = b""
    while not head.endswith(b"\r\n\r\n"):
        line = sent.readline()
        if not line:
            return b""
        head += line
    return re.sub(rb"(?i)\r\nconnection: [^\r]*", b"", head)


def _body(sent: BinaryIO, head: bytes) -> bytes:
    if not re.search(rb"(?i)\r\ntransfer-encoding: chunked", head):
        length = re.search(rb"(?i)\r\ncontent-length: (\d+)", head)
        return sent.read(int(length[1])) if length else b""
    body = b""
    while True:
        line = sent.readline()
        body += line
        size = int(line.split(b";")[0], 16)
        if not size:
            break
        body += sent.read(size + 2)
    while line := sent.readline():  # Trailers, up to an empty line.
        body += line
        if line == b"\r\n":
            break
    return body
