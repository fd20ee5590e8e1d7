"""The address of a Ray cluster: whether anything listens there, and why a connection failed."""

from __future__ import annotations

import socket


def knock(where: str) -> None:
    """Raise OSError if nothing listens at `host:port`; Ray itself would try for minutes."""
    host, colon, port = where.rpartition(":")
    if colon and "/" not in where and port.isdigit():
        socket.create_connection((host.strip("[]"), int(port)), timeout=10).close()


def refusal(where: str, error: Exception) -> str:
    """The error message, with advice, when Ray does not start or connect."""
    reason = (str(error).strip().splitlines() or [type(error).__name__])[0]
    if where == "local":
        return f"cannot start a Ray cluster here: {reason} Try again, or use --on local"
    if "InvalidAuthToken" in f"{error} {error.__cause__}" or "oken" in reason:
        return (
            f"the Ray cluster at {where!r} refuses the token, or asks for one: export "
            "RAY_AUTH_MODE=token, with the cluster's token in ~/.ray/auth_token or RAY_AUTH_TOKEN"
        )
    return (
        f"cannot use the Ray cluster at {where!r}: {reason}; "
        "check the address, or leave --address out to start a local cluster"
    )
