"""S3 with limits: how often a request is tried, and small objects in one request."""

from __future__ import annotations

import os
from urllib.parse import parse_qsl, unquote, urlsplit

from pyarrow import fs

ATTEMPTS = 5
"""The attempts at a request, about ten seconds in all, unless AWS_MAX_ATTEMPTS is set. By default
pyarrow tries 31 times: a store that does not answer would block a command for 100 seconds."""

SMALL = 4 * 2**20
"""An object of at most this many bytes is written in one request, a larger one in parts."""

TAKEN = ("region", "scheme", "endpoint_override", "tls_ca_file_path")
"""The parameters that a URI may have after its `?`."""


def bounded(uri: str, unbounded: fs.S3FileSystem, *, one_request: bool) -> fs.S3FileSystem:
    """The file system that pyarrow opened for an S3 URI, made again with limits.

    With `one_request` an object is opened only with its last byte, so that a small one takes a
    single request. This is not for large ones: if opening those fails, pyarrow may leave an empty
    object. Raises ValueError for parameters that cannot be kept.
    """
    parts = urlsplit(uri)
    asked = dict(parse_qsl(parts.query))
    strange = sorted(asked.keys() - set(TAKEN))
    if strange:
        raise ValueError(f"{strange[0]} is not supported; {', '.join(TAKEN)} are")
    # Pyarrow itself reads these variables only when it opens a whole URI.
    named = (os.environ.get(name) for name in ("AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL"))
    return fs.S3FileSystem(
        access_key=unquote(parts.username) if parts.username else None,
        secret_key=unquote(parts.password) if parts.password else None,
        region=unbounded.region,
        scheme=asked.get("scheme"),
        endpoint_override=asked.get("endpoint_override") or next(filter(None, named), None),
        tls_ca_file_path=asked.get("tls_ca_file_path"),
        allow_delayed_open=one_request,
        retry_strategy=fs.AwsStandardS3RetryStrategy(max_attempts=_attempts()),
    )


def _attempts() -> int:
    given = os.environ.get("AWS_MAX_ATTEMPTS", str(ATTEMPTS))
    if not given.isdecimal() or int(given) < 1:
        raise ValueError(f"AWS_MAX_ATTEMPTS is {given!r}; it must be an integer of at least 1")
    return int(given)
