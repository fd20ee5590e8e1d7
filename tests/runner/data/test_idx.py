"""Pairs of files: images and labels."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from caviar.runner.data.sources import load_data
from caviar.runner.errors import RequestError
from caviar.runner.fields.dataset import DatasetConfig
from tests.runner.data.test_files import DIGITS, IMAGES, idx


def test_one_content_as_idx_npy_and_npz_is_one_data_set(tmp_path: Path) -> None:
    (tmp_path / "images").write_bytes(idx(IMAGES))
    (tmp_path / "labels").write_bytes(idx(DIGITS))
    np.save(tmp_path / "images.npy", IMAGES)
    np.save(tmp_path / "labels.npy", DIGITS)
    np.savez(tmp_path / "t.npz", x=IMAGES, y=DIGITS)
    prints = {
        load_data(
            DatasetConfig(images=f"{tmp_path}/images{end}", labels=f"{tmp_path}/labels{end}")
        ).fingerprint
        for end in ("", ".npy")
    }
    prints.add(load_data(DatasetConfig(path=f"{tmp_path}/t.npz", label="y")).fingerprint)
    assert len(prints) == 1


def test_swapped_files_are_told(tmp_path: Path) -> None:
    (tmp_path / "images").write_bytes(idx(IMAGES))
    (tmp_path / "labels").write_bytes(idx(DIGITS))
    with pytest.raises(RequestError, match=r"got arrays of 1 and 3 dimensions \(swapped\?\)"):
        load_data(DatasetConfig(images=f"{tmp_path}/labels", labels=f"{tmp_path}/images"))
