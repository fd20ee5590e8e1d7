"""The place behind a path or a URI."""

from __future__ import annotations

from pathlib import Path

from caviar.runner.store.local_folder import LocalFolder
from caviar.runner.store.storage import Storage, Where


def storage_at(where: Where) -> Storage:
    """The storage of a path or URI; one that is a storage already stays as it is."""
    if not isinstance(where, str | Path):
        return where
    text = str(where)
    if "://" not in text:
        return LocalFolder(Path(where))
    from caviar.runner.store.object_store import object_store

    return object_store(text)
