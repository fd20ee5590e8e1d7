"""What an S3 URI and the environment may say about requests."""

from __future__ import annotations

import pytest
from pyarrow import fs

from caviar.runner.store.s3_limits import bounded

URI = "s3://bucket/run?region=us-east-1"


@pytest.fixture(scope="module")
def plain() -> fs.S3FileSystem:
    return fs.S3FileSystem(region="eu-north-1", anonymous=True)


def test_the_region_that_was_found_is_kept(plain: fs.S3FileSystem) -> None:
    assert bounded(URI, plain, one_request=True).region == "eu-north-1"


def test_what_cannot_be_taken_over_is_named(plain: fs.S3FileSystem) -> None:
    with pytest.raises(ValueError, match=r"^background_writes is not supported; region, scheme, "):
        bounded(f"{URI}&background_writes=false", plain, one_request=False)


@pytest.mark.parametrize("attempts", ["0", "-1", "many", ""])
def test_a_number_of_attempts_is_a_number(
    attempts: str, plain: fs.S3FileSystem, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", attempts)
    with pytest.raises(ValueError, match=r"AWS_MAX_ATTEMPTS is .*an integer of at least 1"):
        bounded(URI, plain, one_request=False)
