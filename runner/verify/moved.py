"""The data of a run where they lie now."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path, PurePosixPath

from caviar.runner.errors import RequestError
from caviar.runner.fields.dataset import PLACES, DatasetConfig, TestFile


def moved(dataset: DatasetConfig, place: str) -> DatasetConfig:
    """The same data set at another place: its file, or the folder that holds its files.

    Raises RequestError where the data have no file, or the folder lacks one by its name.
    """
    if dataset.name is not None:
        raise RequestError(f"--data: the data of this run are {dataset.name!r}, not a file")
    if "://" not in place:
        place = os.path.abspath(os.path.expanduser(place))
    files = _files(dataset)
    test = dataset.test
    if isinstance(test, TestFile):
        files_of_test = _files(test)
        test = TestFile(**{key: _found(p, place, only=False) for key, p in files_of_test.items()})
    only = len(files) == 1 and not isinstance(test, TestFile)
    places = {key: _found(path, place, only=only) for key, path in files.items()}
    return dataset.model_copy(update={**places, "test": test})


def rooted(dataset: DatasetConfig, folders: Sequence[str], run: str) -> DatasetConfig:
    """The same data set with full paths; relative ones start from one of `folders`, which may
    themselves be relative to the folder of the run, and lead to a file where they can."""
    starts = [Path(run, Path(folder).expanduser()) for folder in folders] or [Path(run)]

    def full(path: str) -> str:
        if "://" in path:
            return path
        places = [start / Path(path).expanduser() for start in starts]
        return os.path.normpath(next((p for p in places if p.exists()), places[-1]))

    test = dataset.test
    if isinstance(test, TestFile):
        test = TestFile(**{key: full(path) for key, path in _files(test).items()})
    places = {key: full(path) for key, path in _files(dataset).items()}
    return dataset.model_copy(update={**places, "test": test})


def _files(source: DatasetConfig | TestFile) -> dict[str, str]:
    return {key: path for key in PLACES if (path := getattr(source, key)) is not None}


def _found(path: str, place: str, *, only: bool) -> str:
    """A file by its former name in the folder `place`; else `place`, if it is the only file."""
    name = PurePosixPath(path).name
    if "://" not in place and (Path(place) / name).exists():
        return str(Path(place) / name)
    if only:
        return place
    raise RequestError(
        f"--data: there is no {name!r} in {place!r}; give the folder that holds all files of the "
        "data set, under their names"
    )
