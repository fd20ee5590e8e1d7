"""The storage behind a path or a URI, which the outermost caller opens once and passes on."""

from __future__ import annotations

from pathlib import Path

from caviar.runner.store.local_folder import LocalFolder
from caviar.runner.store.storage import Storage


def storage_at(where: str | Path) -> Storage:
    """The storage of a path or URI; raises RequestError and StorageError as `object_store`."""
    text = str(where)
    if "://" not in text:
        return LocalFolder(Path(where))
    from caviar.runner.store.object_store import object_store

    return object_store(text)
