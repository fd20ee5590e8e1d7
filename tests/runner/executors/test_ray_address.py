"""Whether anything listens at an address, and what is said if Ray does not connect."""

from __future__ import annotations

import socket

import pytest

from caviar.runner.executors.ray_address import knock, refusal


def test_a_port_where_no_one_listens_is_known_at_once() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        knock(f"127.0.0.1:{port}")
    with pytest.raises(OSError):
        knock(f"127.0.0.1:{port}")


@pytest.mark.parametrize("where", ["local", "auto", "ray://127.0.0.1:1", "no such", "host:"])
def test_what_is_no_host_and_port_is_left_to_ray(where: str) -> None:
    knock(where)


@pytest.mark.parametrize(
    ("where", "error", "message"),
    [
        ("local", OSError("too slow.\nmore"), "cannot start a Ray cluster here: too slow. Try"),
        ("a:1", OSError("refused"), "cannot use the Ray cluster at 'a:1': refused; check the add"),
        ("a:1", OSError(), "cannot use the Ray cluster at 'a:1': OSError; check the address"),
        ("a:1", RuntimeError("InvalidAuthToken"), "the Ray cluster at 'a:1' refuses the token"),
        ("a:1", RuntimeError("Missing token"), "the Ray cluster at 'a:1' refuses the token"),
    ],
)
def test_a_refusal_is_one_sentence_with_advice(where: str, error: Exception, message: str) -> None:
    assert refusal(where, error).startswith(message)
    assert "\n" not in refusal(where, error)
