"""The storage behind a path or a URI."""

from __future__ import annotations

from contextlib import nullcontext
from pathlib import Path

import pytest

import caviar.analysis.run.stored.location
from caviar.runner.errors import RequestError
from caviar.runner.store.local_folder import LocalFolder
from caviar.runner.store.open import storage_at
from tests.runner.helpers import TINY, plan_of, same_tables, tables
from tests.runner.stores import drive


def test_a_path_is_a_folder(tmp_path: Path) -> None:
    for where in (tmp_path / "run", str(tmp_path / "run")):
        storage = storage_at(where)
        assert isinstance(storage, LocalFolder)
        assert (storage.root, storage.where) == (tmp_path / "run", str(tmp_path / "run"))
    assert not (tmp_path / "run").exists()


def test_a_file_uri_is_a_folder(tmp_path: Path) -> None:
    place = storage_at(f"file://{tmp_path}/run")
    assert isinstance(place, LocalFolder) and place.root == tmp_path / "run"
    drive(place, plan_of(*TINY))
    assert (tmp_path / "run" / "curves" / "part-000000.parquet").exists()
    same_tables(tables(f"file://{tmp_path}/run"), tables(tmp_path / "run"))


@pytest.mark.parametrize(
    ("uri", "message"),
    [
        ("nothing://bucket/run", "Unrecognized filesystem type"),
        ("s3:///run", "Missing bucket name"),
        ("s3://bucket/run?regon=x", "Unexpected query parameter in S3 URI: 'regon'"),
        ("s3://bucket/run?region=x&allow_bucket_creation=true", "region, scheme, endpoint_over"),
        ("s3://bucket//run?region=x", "a name in its path is empty"),
        ("s3://KEY:SEC/RET@bucket/run?region=x", r"cannot reach 's3://\*\*\*@bucket/run"),
        ("file://runs/here", "cannot reach 'file://runs/here'"),
    ],
)
def test_a_uri_that_is_wrong_is_refused(uri: str, message: str) -> None:
    with pytest.raises(RequestError, match=message) as caught:
        storage_at(uri)
    assert "RET" not in str(caught.value)
    with pytest.raises(ValueError) if "&" not in uri and "//run?" not in uri else nullcontext():
        caviar.analysis.run.stored.location.place_at(uri)
