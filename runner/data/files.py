"""Examples from files, each read as its first bytes say; nothing is trusted before it is read.

A file says how large it is, or a count of it does, and what is above the limits is refused
before it is held in memory.
"""

from __future__ import annotations

import os
import zipfile
from pathlib import Path
from typing import Any

import pyarrow as pa

from caviar.runner.data.arrow_files import feather_table, parquet_folder, parquet_table
from caviar.runner.data.columns import from_table
from caviar.runner.data.csv_tables import csv_table
from caviar.runner.data.numpy_files import npy, npz
from caviar.runner.data.reading import ZIP, check_plain, first_bytes, reading
from caviar.runner.data.splits import Data
from caviar.runner.errors import RequestError
from caviar.runner.fields.dataset import DatasetConfig

MAGIC = {b"PAR1": "parquet", b"ARROW1": "feather", b"\x93NUMPY": "npy"}
FOREIGN = {
    b"\x89HDF": "an HDF5 file",
    b"SQLite": "an SQLite database",
    b"MATLAB": "a MATLAB file",
    b"\x80\x03": "a pickle",
    b"\x80\x04": "a pickle",
    b"\x80\x05": "a pickle",
    b"\xd0\xcf\x11\xe0": "a workbook of old Excel",
    b"%PDF": "a PDF",
    b"Obj\x01": "an Avro file",
    b"FEA1": "a Feather file of version 1",
    b"\xff\xff\xff\xff": "a stream of Arrow, not a file of it",
    b"<!DOCTYP": "a page of HTML",
    b"<html": "a page of HTML",
    b"@relatio": "an ARFF file",
}
"""First bytes of files that people have and that are not read."""
SUFFIXES = {
    **{".parquet": "parquet", ".pq": "parquet", ".parq": "parquet"},
    **{".feather": "feather", ".arrow": "feather", ".npz": "npz", ".npy": "npy"},
}


def table_file(path: Path, dataset: DatasetConfig) -> Data:
    """The examples of a file of the study: Parquet, Feather, NPZ, NPY, or else a CSV table."""
    if os.path.isdir(path):  # False for what cannot be the name of a file.
        return from_table(parquet_folder(path, dataset), path.name, dataset)
    check_plain(path)
    kind = _kind(path)
    if kind == "npz":
        return npz(path, dataset)
    table, notes = _table(path, dataset, kind)
    return from_table(table, path.name, dataset, notes)


def _kind(path: Path) -> str:
    """What the first bytes say; else what the name does, so that the refusal names that."""
    head = first_bytes(path)
    for magic, kind in MAGIC.items():
        if head.startswith(magic):
            return kind
    for magic, what in FOREIGN.items():
        if head.lower().startswith(magic.lower()):
            raise RequestError(
                f"{path.name} is {what}, which is not read; save it as CSV, Parquet or NPZ"
            )
    kind = SUFFIXES.get(path.suffix.lower(), "csv")
    if kind == "csv" and head.startswith(ZIP) and zipfile.is_zipfile(path):
        with reading(path, "whole ZIP archive"), zipfile.ZipFile(path) as archive:
            names = archive.namelist()
        if "[Content_Types].xml" in names:
            raise RequestError(f"{path.name} is a workbook; save the sheet as CSV and give that")
        return "npz" if all(name.endswith(".npy") for name in names) else "csv"
    return kind


def _table(path: Path, dataset: DatasetConfig, kind: str) -> tuple[Any, list[str]]:
    if kind == "parquet":
        return parquet_table(path, dataset), []
    if kind == "feather":
        return feather_table(path, dataset), []
    return (_npy_table(path), []) if kind == "npy" else csv_table(path, dataset)


def _npy_table(path: Path) -> Any:
    """A table of numbers: its columns are called by their number, from 1, or by their names."""
    array = npy(path)
    if array.dtype.names:
        return pa.table({name: array[name] for name in array.dtype.names})
    if array.ndim != 2:
        raise RequestError(
            f"{path.name}: an array of {array.ndim} dimensions; expected a table, whose columns "
            "are called by their number from 1, or two files: { images = ..., labels = ... }"
        )
    return pa.table({str(i + 1): column for i, column in enumerate(array.T)})
