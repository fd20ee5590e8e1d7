"""S3 with bounds: how often a request is tried, and small objects in one request."""

from __future__ import annotations

import os
from urllib.parse import parse_qsl, unquote, urlsplit

from pyarrow import fs

ATTEMPTS = 5
"""Of a request, some ten seconds in all; AWS_MAX_ATTEMPTS says otherwise. Left to itself,
pyarrow tries 31 times: a place that does not answer would hold a command for 100 seconds."""

SMALL = 4 * 2**20
"""Bytes of an object that is put in one request; a larger one goes in parts."""

TAKEN = ("region", "scheme", "endpoint_override", "tls_ca_file_path")
"""What a URI may say after its `?`."""


def bounded(uri: str, found: fs.S3FileSystem, *, one_request: bool) -> fs.S3FileSystem:
    """The file system that pyarrow `found` behind an S3 URI, once more with bounds.

    With `one_request` an object opens with its last byte, so that a small one is a single
    request. Not for large ones: if opening those fails, pyarrow may leave an empty object.
    Raises ValueError for what cannot be taken over.
    """
    parts = urlsplit(uri)
    asked = dict(parse_qsl(parts.query))
    strange = sorted(asked.keys() - set(TAKEN))
    if strange:
        raise ValueError(f"{strange[0]} is not taken; {', '.join(TAKEN)} are")
    # Pyarrow itself looks at the variables only where it makes all of a URI.
    named = (os.environ.get(name) for name in ("AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL"))
    return fs.S3FileSystem(
        access_key=unquote(parts.username) if parts.username else None,
        secret_key=unquote(parts.password) if parts.password else None,
        region=found.region,
        scheme=asked.get("scheme"),
        endpoint_override=asked.get("endpoint_override") or next(filter(None, named), None),
        tls_ca_file_path=asked.get("tls_ca_file_path"),
        allow_delayed_open=one_request,
        retry_strategy=fs.AwsStandardS3RetryStrategy(max_attempts=_attempts()),
    )


def _attempts() -> int:
    given = os.environ.get("AWS_MAX_ATTEMPTS", str(ATTEMPTS))
    if not given.isdecimal() or int(given) < 1:
        raise ValueError(f"AWS_MAX_ATTEMPTS is {given!r}; it is a number from 1 up")
    return int(given)
