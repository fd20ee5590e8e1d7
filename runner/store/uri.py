"""How places are shown: without the secrets in a URI, and with a key in front of its parameters."""

from __future__ import annotations

import re

_USER = re.compile(r"://.*:.*@", re.DOTALL)
_VALUE = re.compile(
    r"([?&][^=&]*(?:key|secret|token|password|sig|credential)[^=&]*=)[^&]*", re.IGNORECASE
)


def masked(word: str) -> str:
    """A word of a command, or a URI, with `***` for `KEY:SECRET` and for secret parameters.

    Everything before the last `@` is hidden, since a secret may contain a slash that should have
    been escaped: hiding too much is safer than too little.
    """
    if "://" not in word:
        return word
    return _VALUE.sub(r"\1***", _USER.sub("://***@", word))


def joined(where: str, key: str) -> str:
    """A place with a key, before any parameters: `s3://bucket/run/study.json?region=...`."""
    place, mark, parameters = where.partition("?") if "://" in where else (where, "", "")
    return f"{place.rstrip('/')}/{key}{mark}{parameters}"
