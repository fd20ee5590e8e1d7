"""The address of a Ray cluster: whether anything listens there, and why a connection failed."""

from __future__ import annotations

import os
import re
import socket

from caviar.runner.errors import RequestError

IN_A_JOB = "RAY_JOB_CONFIG_JSON_ENV_VAR"
"""Ray sets it where the program was started by `ray job submit`."""

OTHER_SERVICE = re.compile(r"(ray|https?)://([^/]*?)(:\d+)?(/.*)?")


def must_answer(address: str | None) -> None:
    """Raise RequestError where no cluster can be reached, before anything is written for it."""
    where = address or os.environ.get("RAY_ADDRESS") or "local"
    try:
        knock(where)
    except OSError as error:
        raise RequestError(refusal(where, error)) from None


def knock(where: str) -> None:
    """Raise OSError if nothing listens at `host:port`; Ray itself would try for minutes.

    Raise RequestError for the address of another service of Ray's: its client or dashboard.
    """
    other = OTHER_SERVICE.fullmatch(where)
    if other is not None:
        service = "Ray's client" if other[1] == "ray" else "Ray's dashboard and jobs"
        host = other[2] or "HOST"
        raise RequestError(
            f"{where!r} is the address of {service}, and caviar joins the cluster itself: use "
            f"--address {host}:6379 (the port of `ray start --head`), from a machine of the cluster"
        )
    host, colon, port = where.rpartition(":")
    if colon and "/" not in where and port.isdigit():
        socket.create_connection((host.strip("[]"), int(port)), timeout=10).close()


def refusal(where: str, error: Exception) -> str:
    """The error message, with advice, when Ray does not start or connect."""
    if where == "local":
        reason = (str(error).strip().splitlines() or [type(error).__name__])[0]
        return f"cannot start a Ray cluster here: {reason} Try again, or use --on local"
    reason = " ".join(str(error).split()) or type(error).__name__
    if "InvalidAuthToken" in f"{error} {error.__cause__}" or "oken" in reason:
        return (
            f"the Ray cluster at {where!r} refuses the token, or asks for one: export "
            "RAY_AUTH_MODE=token, with the cluster's token in ~/.ray/auth_token or RAY_AUTH_TOKEN"
        )
    return (
        f"cannot use the Ray cluster at {where!r}: {reason}; "
        "check the address, or leave --address out to start a local cluster"
    )
