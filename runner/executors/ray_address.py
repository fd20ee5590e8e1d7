"""Where a Ray cluster is: whether anyone listens there, and why it would not have us."""

from __future__ import annotations

import socket


def knock(where: str) -> None:
    """Raises OSError if no one listens at `host:port`; Ray itself would try for minutes."""
    host, colon, port = where.rpartition(":")
    if colon and "/" not in where and port.isdigit():
        socket.create_connection((host.strip("[]"), int(port)), timeout=10).close()


def refusal(where: str, error: Exception) -> str:
    """What to say, and advise, once Ray would not start or connect."""
    said = (str(error).strip().splitlines() or [type(error).__name__])[0]
    if where == "local":
        return f"cannot start a Ray cluster here: {said} Try again, or use --on local"
    if "InvalidAuthToken" in f"{error} {error.__cause__}" or "oken" in said:
        return (
            f"the Ray cluster at {where!r} refuses the token, or asks for one: export "
            "RAY_AUTH_MODE=token, with the cluster's token in ~/.ray/auth_token or RAY_AUTH_TOKEN"
        )
    return (
        f"cannot use the Ray cluster at {where!r}: {said}; "
        "check the address, or leave --address away to start a local cluster"
    )
