"""The room that tables take is forecast within a factor of two."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from caviar.runner.forecast.disk import bytes_of
from caviar.runner.store.open import storage_at
from caviar.runner.store.part_files import read_rows
from caviar.runner.store.schemas import SCHEMAS
from tests.runner.helpers import TINY, ended_well, parts, settings_of

ONE_EACH = ("replicas=16", "draws.count=4", "shadow=true", "curve_rows=12")


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run short enough for one part file of each table."""
    folder = tmp_path_factory.mktemp("run")
    words = settings_of((*TINY, *ONE_EACH))
    ended_well("run", *words, "--on", "inline", "--no-report", "--out", "run", cwd=folder)
    return folder / "run"


def test_the_forecast_is_within_a_factor_of_two(run: Path) -> None:
    rows, size = {}, 0
    for table in SCHEMAS:
        (part,) = parts(run, table)
        size += part.stat().st_size
        rows[table] = len(read_rows(storage_at(run), table, ["trial_id"])["trial_id"])
    assert size / 2 < bytes_of(rows, 3, shadow=True) < size * 2


def test_more_rows_more_classes_and_a_shadow_take_more() -> None:
    assert bytes_of({"curves": 0}, 3, shadow=False) == 0
    one, two, three = (bytes_of({"curves": n}, 3, shadow=False) for n in (1, 2, 3))
    assert two - one == pytest.approx(three - two) and np.isclose(two - one, 36)
    few, many = (bytes_of({"predictions": 10}, classes, shadow=False) for classes in (2, 12))
    assert many - few == pytest.approx(10 * 10 * 8)
    plain, split = (bytes_of({"statistics": 10}, 3, shadow=shadow) for shadow in (False, True))
    assert split - plain == pytest.approx(10 * 6 * 8)
