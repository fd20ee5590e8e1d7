"""Places as they are shown: without the secrets that a URI can carry, with a key at its place."""

from __future__ import annotations

import re

_USER = re.compile(r"://.*:.*@", re.DOTALL)
_VALUE = re.compile(
    r"([?&][^=&]*(?:key|secret|token|password|sig|credential)[^=&]*=)[^&]*", re.IGNORECASE
)


def masked(word: str) -> str:
    """A word of a command, or a URI, with `***` for `KEY:SECRET` and for secret parameters.

    All before the last `@` goes, since a secret may have a slash that should have been escaped:
    rather too much is hidden than too little.
    """
    if "://" not in word:
        return word
    return _VALUE.sub(r"\1***", _USER.sub("://***@", word))


def joined(where: str, key: str) -> str:
    """A place with a key, before what follows a `?`: `s3://bucket/run/study.json?region=...`."""
    place, mark, parameters = where.partition("?") if "://" in where else (where, "", "")
    return f"{place.rstrip('/')}/{key}{mark}{parameters}"
