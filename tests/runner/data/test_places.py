"""Where a file of data lies."""

from __future__ import annotations

import pytest

from caviar.runner.data.places import local
from caviar.runner.errors import RequestError


@pytest.mark.parametrize("scheme", ["https", "http", "ftp"])
def test_other_places_are_refused_with_the_way_out(scheme: str) -> None:
    with pytest.raises(RequestError, match=f"not read from {scheme}://; download the file"):
        with local(f"{scheme}://example.org/t.csv"):
            pass


def test_a_path_is_itself() -> None:
    with local("folder/t.csv") as path:
        assert str(path) == "folder/t.csv"
