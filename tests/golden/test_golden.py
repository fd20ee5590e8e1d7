"""Every verified convention gives the recorded numbers; a wrong one does not."""

from __future__ import annotations

import io
import shutil
import subprocess
import sys
from contextlib import redirect_stdout
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from caviar.model.averages.frameworks import FRAMEWORKS
from tests.golden import recordings
from tests.golden.__main__ import main
from tests.golden.check import Line, check_file, check_folder

HERE = Path(__file__).parent
FILES = sorted(path.stem for path in HERE.glob("*.npz") if path.stem != "inputs")
INPUTS = dict(np.load(HERE / "inputs.npz"))


def lines(file: str) -> list[Line]:
    return list(check_file(file, dict(np.load(HERE / f"{file}.npz")), INPUTS))


@pytest.mark.parametrize("file", FILES)
def test_recordings(file: str) -> None:
    checked = lines(file)
    assert len(checked) > 20
    assert [str(line) for line in checked if not line.holds] == []


def test_double_runs_are_held_to_1e_12() -> None:
    double = [line for line in check_folder(HERE) if "_f64" in line.name]
    assert len(double) > 150
    assert {line.tolerance for line in double} == {1e-12}


def test_every_verified_row_has_recordings() -> None:
    rows = {row for row, _ in recordings.VARIANTS.values()}
    assert rows == {name for name, row in FRAMEWORKS.items() if row.verified}


@pytest.mark.parametrize(
    ("name", "file", "change"),
    [
        ("pytorch", "pytorch", {"second": "biased"}),
        ("keras-3", "tensorflow2", {"decay": 0.9}),
        ("keras-2", "keras2", {"second": "unbiased"}),
        ("caffe", "caffe", {"keep": "constant"}),
        ("paddle", "paddle", {"held_in": "double"}),
        ("tensorflow-layers", "tensorflow1", {"held_in": "double"}),
        ("lasagne", "lasagne", {"epsilon": 1e-5}),
        ("cntk", "cntk", {"keep": "debiased", "decay": 0.99}),
        ("mxnet-symbol", "mxnet", {"gamma": "learned from 1"}),
        ("torch7", "torch7_lua", {"batch_of_one": "variance 0"}),
        ("theano", "theano", {"initial_second": 0.0}),
        ("flax-linen", "flax_linen", {"second": "unbiased"}),
        ("flax-nnx", "flax_nnx", {"epsilon": 1e-3}),
        ("haiku", "haiku", {"keep": "constant"}),
        ("onnx", "onnx", {"held_in": "double"}),
        ("tensorflow-fused", "tensorflow_fused", {"second": "biased"}),
    ],
)
def test_a_wrong_row_misses(
    name: str, file: str, change: dict[str, object], monkeypatch: pytest.MonkeyPatch
) -> None:
    wrong = replace(FRAMEWORKS[name], **change)  # type: ignore[arg-type]
    monkeypatch.setitem(FRAMEWORKS, name, wrong)
    assert any(not line.holds for line in lines(file))


def run(folder: Path) -> tuple[int, str]:
    """The exit code of the command and what it prints."""
    printed = io.StringIO()
    with redirect_stdout(printed):
        code = main(folder)
    return code, printed.getvalue()


def test_the_command_takes_other_batch_sizes_and_numbers_of_steps(tmp_path: Path) -> None:
    generator = np.random.default_rng(0)
    inputs = dict(INPUTS)
    inputs |= {k: generator.standard_normal((3, 5, 5)) for k in ("X_m5", "dY_m5")}
    np.savez(tmp_path / "inputs.npz", allow_pickle=False, **inputs)
    recording = recordings.find("pytorch", "default_f64", 5)
    from tests.golden.check import replay

    ours = replay(recording, inputs, 5)
    kept = {
        f"default_f64/m5/{k}": ours[k] for k in ("Y", "dX", "running_mean", "running_var", "Y_test")
    }
    np.savez(tmp_path / "pytorch.npz", allow_pickle=False, **kept)
    code, printed = run(tmp_path)
    assert code == 0, printed
    assert "5 quantities, 0 missed" in printed
    kept["default_f64/m5/running_var"] = kept["default_f64/m5/running_var"] * (1 + 1e-9)
    np.savez(tmp_path / "pytorch.npz", allow_pickle=False, **kept)
    code, printed = run(tmp_path)
    assert code == 1
    assert "MISS pytorch default_f64 m=5 running_var" in printed


def test_the_command_names_what_it_does_not_know(tmp_path: Path) -> None:
    shutil.copy(HERE / "inputs.npz", tmp_path)
    with np.load(HERE / "pytorch.npz") as archive:
        np.savez(tmp_path / "pytorch.npz", **{"odd/m2/Y": archive["default/m2/Y"]})
    code, printed = run(tmp_path)
    assert code == 1
    assert "no row for the variant 'odd'" in printed
    nowhere = [sys.executable, "-m", "tests.golden", str(tmp_path / "nowhere")]
    done = subprocess.run(nowhere, cwd=HERE.parent.parent, capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (2, "") and "there is no inputs.npz" in done.stderr


def test_cntk_s_cpu_engine_gives_its_own_row_whatever_its_blend_time_constant(
    tmp_path: Path,
) -> None:
    shutil.copy(HERE / "inputs.npz", tmp_path)
    with np.load(HERE / "cntk.npz") as archive:
        names = [name for name in archive.files if name.startswith("default/")]
        renamed = {name.replace("default", "default_blend16", 1): archive[name] for name in names}
    np.savez(tmp_path / "cntk.npz", allow_pickle=False, **renamed)
    code, printed = run(tmp_path)
    assert code == 0, printed
    assert f"{len(names)} quantities, 0 missed" in printed
